/** The process of an agent's witness (`witness.ts`): argument 1 is how to reach the server, as JSON; words come on stdin. */
import { createInterface } from "node:readline";
import { openById } from "../bpf/kernel-objects.js";
import type { HeldRing, Reach } from "./last-word.js";
import type { Word } from "./witness.js";

const held = new Map<string, Map<string, HeldRing>>();
let isOver = false;

// It ends with the agent's last word, or its own.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) hear(JSON.parse(line) as Word);
if (!isOver)
  await (await import("./last-word.js")).tellLastWord(JSON.parse(process.argv[2]!) as Reach, [...held.values()]);
process.exit(0);

function hear(word: Word): void {
  switch (word.do) {
    case "watch":
      held.set(word.program, new Map(word.rings.map(({ name, map, loss }) => [name, hold(map, loss)])));
      break;
    case "begin":
      held.get(word.program)!.get(word.ring)!.feed = { subject: word.subject, baseline: word.baseline };
      break;
    case "end":
      held.get(word.program)!.get(word.ring)!.feed = undefined;
      break;
    case "forget":
      held.delete(word.program);
      break;
    case "bye":
      isOver = true;
  }
}

function hold(id: number, loss: { map: number; offsets: readonly number[] } | undefined): HeldRing {
  const open = (map: number) => openById("map", map, true); // a ring that is opened read-only cannot be mapped
  const counters = loss && { handle: open(loss.map), offsets: loss.offsets };
  return { map: { id, handle: open(id) }, loss: counters, feed: undefined };
}
