import type { BpfProgram } from "../bpf/program.js";
import type { ObjectBase } from "../bpf/object.js";

const programsOf = (object: ObjectBase<any>) => Object.values<BpfProgram>(object.programs);

/**
 * What an object's programs did not see, in sentences, from this call on. The kernel does not run a program again that
 * runs on this CPU already, and one at a tracepoint or perf event not while its CPU is inside another program or a change
 * of a map. It counts these runs in `recursion_misses` of bpf_prog_info (for tracepoints and perf events from 6.7 on); not
 * those of a tracepoint which a program at another tracepoint meets.
 */
export function skippedFrom(object: ObjectBase<any>): () => readonly string[] {
  const before = new Map(programsOf(object).map((program) => [program, program.skipped]));
  return () => programsOf(object).flatMap((program) => skippedNote(program, before.get(program)));
}

function skippedNote(program: BpfProgram, before = 0): string[] {
  const runs = program.skipped - before;
  if (runs <= 0) return [];
  const [what, whose, seen] = runs === 1 ? ["run", "its CPU was", "it"] : ["runs", "their CPU was", "these"];
  return [
    `The kernel skipped ${runs.toLocaleString("en")} ${what} of ${program.name}, because ${whose} inside a BPF program or a change of a map: what ${seen} would have seen is missing.`,
  ];
}
