/**
 * Ours as a process of its own, as the peers are: `reader.js OBJECT-NAME RING`. Collects the events of a shipped
 * program into a table until its input ends, then prints: events, lost, CPU time in ns, bytes by which its memory grew at
 * the most, bytes of the table's columns.
 */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { bpf, captureOf, collect, type aq } from "../dist/index.js";

const [name, ring] = process.argv.slice(2) as ["ringbuf", "rb"];
const object = await (await bpf.load(name)).attach();

const resident = (key: "VmHWM" | "VmRSS"): number => 1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]);
writeFileSync("/proc/self/clear_refs", "5"); // the highest is counted from here on
const [idle, before] = [resident("VmRSS"), process.cpuUsage()];

const inputEnds = once(process.stdin.resume(), "end");
process.stdout.write("ready\n");
const table = await collect(object.events(ring), { until: () => inputEnds });
const { user, system } = process.cpuUsage(before);
console.log([table.numRows(), captureOf(table)!.lost, (user + system) * 1000, resident("VmHWM") - idle, columnBytes(table)].join(" "));
object.close();

function columnBytes(table: aq.ColumnTable): number {
  const bytes = (column: unknown): number => (ArrayBuffer.isView(column) ? column.byteLength : bytes((column as { codes: unknown }).codes));
  return table.columnNames().reduce((sum, column) => sum + bytes(table.column(column)), 0);
}
