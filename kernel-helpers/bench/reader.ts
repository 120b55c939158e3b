/**
 * Ours as a process of its own, as the peers are: `reader.js PROGRAM RING [ROWS [COPIES]]`. Collects the events of a
 * shipped program, or of one whose `.bpf.c` file is given, into a table until its input ends or it has so many rows; of so
 * many copies of the program at once, each with a ring of its own. Prints `ready` and the ids of the copies' first programs; at the end
 * events, lost, CPU time in ns, bytes by which its memory grew at the most, bytes of the tables' columns.
 */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { aq } from "../dist/api/index.js";
import { bpf, captureOf, collect, type BpfObject, type EventBatch } from "../dist/api/index.js";
import type { Observable } from "rxjs";

const [program, ring, rows, copies = "1"] = process.argv.slice(2) as [string, string, string?, string?];
const objects = await Promise.all(Array.from({ length: Number(copies) }, (_, i) => load(program, i)));

const memory = (key: "VmHWM" | "VmRSS"): number =>
  1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]);
writeFileSync("/proc/self/clear_refs", "5"); // the highest is counted from here on
const [idle, before] = [memory("VmRSS"), process.cpuUsage()];

const inputEnds = once(process.stdin.resume(), "end");
const collected = objects.map((object) =>
  collect(
    (object as unknown as { events(ring: string): Observable<EventBatch> }).events(ring),
    rows ? { rows: Number(rows) } : { until: () => inputEnds },
  ),
);
process.stdout.write(`ready ${objects.map(({ programs }) => Object.values(programs)[0]!.id).join(" ")}\n`);
const tables = await Promise.all(collected);
const { user, system } = process.cpuUsage(before);
const total = (of: (table: aq.ColumnTable) => number) => tables.reduce((sum, table) => sum + of(table), 0);
process.stdout.write(
  `${[total((table) => table.numRows()), total((table) => captureOf(table)!.lost!), (user + system) * 1000, memory("VmHWM") - idle, total(columnBytes)].join(" ")}\n`,
);
bpf.closeAll();
process.stdin.destroy();

async function load(name: string, copy: number): Promise<BpfObject<any>> {
  const shipped = !name.endsWith(".bpf.c");
  const object: BpfObject<any> = shipped
    ? await bpf.load(name as "ringbuf")
    : await bpf.load(
        await bpf.compile(readFileSync(name, "utf8"), {
          name: `${basename(name, ".bpf.c")}${copy || ""}`,
          include: [dirname(name)],
        }),
      );
  return Object.values(object.programs).some(({ type }) => type === "syscall") ? object : object.attach(); // such a program is on no hook
}

function columnBytes(table: aq.ColumnTable): number {
  const bytes = (column: unknown): number =>
    ArrayBuffer.isView(column) ? column.byteLength : bytes((column as { codes: unknown }).codes);
  return table.columnNames().reduce((sum, column) => sum + bytes(table.column(column)), 0);
}
