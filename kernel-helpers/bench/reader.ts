/**
 * Ours as a process of its own, as the peers are: `reader.js PROGRAM RING [ROWS]`. Collects the events of a shipped
 * program, or of one whose `.bpf.c` file is given, into a table until its input ends or it has so many rows. Prints
 * `ready` and the id of the first program; at the end events, lost, CPU time in ns, bytes by which its memory grew at the
 * most, bytes of the table's columns.
 */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { aq, bpf, captureOf, collect, type BpfObject, type EventBatch } from "../dist/index.js";
import type { Observable } from "rxjs";

const [program, ring, rows] = process.argv.slice(2) as [string, string, string?];
const object = await load(program);

const memory = (key: "VmHWM" | "VmRSS"): number => 1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]);
writeFileSync("/proc/self/clear_refs", "5"); // the highest is counted from here on
const [idle, before] = [memory("VmRSS"), process.cpuUsage()];

const inputEnds = once(process.stdin.resume(), "end");
const collected = collect((object as unknown as { events(ring: string): Observable<EventBatch> }).events(ring), rows ? { rows: Number(rows) } : { until: () => inputEnds });
process.stdout.write(`ready ${Object.values(object.programs)[0]!.id}\n`);
const table = await collected;
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${[table.numRows(), captureOf(table)!.lost, (user + system) * 1000, memory("VmHWM") - idle, columnBytes(table)].join(" ")}\n`);
object.close();
process.stdin.destroy();

async function load(name: string): Promise<BpfObject<any>> {
  if (!name.endsWith(".bpf.c")) return (await bpf.load(name as "ringbuf")).attach();
  return bpf.load(await bpf.compile(readFileSync(name, "utf8"), { name: basename(name, ".bpf.c"), include: [dirname(name)] }));
}

function columnBytes(table: aq.ColumnTable): number {
  const bytes = (column: unknown): number => (ArrayBuffer.isView(column) ? column.byteLength : bytes((column as { codes: unknown }).codes));
  return table.columnNames().reduce((sum, column) => sum + bytes(table.column(column)), 0);
}
