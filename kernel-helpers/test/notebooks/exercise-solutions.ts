import assert from "node:assert/strict";
import { sourceOf, type Notebook } from "../../dist/report/notebook.js";
import { addUp, countEchoRequest, sendEvent } from "../exercises/solutions.js";

/** What a reader of the notebooks writes into their gaps, in the order of the gaps. */
export const solutions: Record<string, string[]> = {
  "1-minimal": [
    `  number: "process",
  when: "begins",
  lines: 3,`,
  ],
  "2-hashmap": [
    `	u64 id = bpf_get_current_pid_tgid();
	u64 *t = bpf_map_lookup_elem(&starts, &id);
	if (!t) return 0;
	bpf_printk("%d took %llu ns", (u32)id, bpf_ktime_get_ns() - *t);
	bpf_map_delete_elem(&starts, &id);`,
  ],
  "3-ringbuf": [
    `	struct event *e;
${sendEvent}`,
    `  return ringbuf.events("rb").subscribe((batch) => {
    for (const event of batch.table.objects() as Event[]) act(event);
  });`,
    `  return ringbuf.events("rb").subscribe((batch) => act(batch.rows));`,
  ],
  "4-stats": [
    `	struct stats none = {}, *s;
	u64 ns = bpf_ktime_get_ns() - note->ts;
	struct fd_key key = { id >> 32, note->fd };

${addUp}`,
    `  for (const [key, value] of stats.maps.stats_map.entries())
    if (key.pid === pid) counts.set(key.fd, value.writes);`,
    `  return stats.events("rb").subscribe((batch) => {
    for (const record of batch.table.objects() as Record<string, unknown>[]) act(record);
  });`,
  ],
  "5-icmp-filter": [countEchoRequest],
};

/** The notebook with its gaps filled in. */
export function solved(notebook: Notebook, fills: string[]): Notebook {
  const left = [...fills];
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: sourceOf(cell).replace(
      /([^\n]*BEGIN SOLUTION[^\n]*\n)[\s\S]*?([^\n]*END SOLUTION)/g,
      (_, begin: string, end: string) => `${begin}${left.shift()}\n${end}`,
    ),
  }));
  assert.equal(left.length, 0, "there is a gap for each part of the solution");
  return { ...notebook, cells };
}
