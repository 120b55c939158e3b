/** Reads the verifier's log as libbpf hands it on: instructions with the state before and after, and at the end the reason. */

/** One instruction that the verifier looked at. */
export interface Step {
  /** Its number in the program. */
  number: number;
  /** As the verifier prints it, such as `(61) r0 = *(u32 *)(r0 +20)`. */
  code: string;
  /** What it knew of registers and stack afterwards, as far as it says. */
  state: string;
  /** The C line it was made from, where the log says so. */
  file: string | undefined;
  line: number | undefined;
  text: string;
}

export interface VerifierLog {
  program: string;
  /** The verifier's own reason, such as `R1 invalid mem access 'scalar'`. */
  reason: string;
  /** What it said right before that, nearest first, such as the number of a reference. */
  remarks: string[];
  /** In the order in which it went; the last one is what it rejects, unless the reason is about the program as a whole. */
  steps: Step[];
  log: string;
}

const begin = /^libbpf: prog '(.+?)': -- BEGIN PROG LOAD LOG --$/m;

const figures =
  /^(?:processed \d+ insns|verification time|stack depth|max_states|func#\d|mark_precise|parent didn't|parent already|-- |libbpf:)/;
// States beside the reason, and what is printed of every function or argument.
const state =
  /^(?:(?:cur|old) state:|from \d+ to \d+|\d+: R\d|arg#\d+ reference type|Func#\d+ |Validating |caller:|callee:|to caller|returning from)/;
const instruction = /^(\d+): (\([0-9a-f]{2}\) .*)$/;
const source = /^;\s?(.*?)(?:\s*@ (.+):(\d+))?$/;

/** @returns undefined when no verifier log is in libbpf's output */
export function readVerifierLog(output: string): VerifierLog | undefined {
  const start = begin.exec(output);
  if (!start) return undefined;
  const log = output
    .slice(start.index + start[0].length + 1)
    .split(/^-- END PROG LOAD LOG --$/m)[0]!
    .trimEnd();
  const steps: Step[] = [];
  const said: string[] = [];
  let place: Pick<Step, "file" | "line" | "text"> = { file: undefined, line: undefined, text: "" };
  const see = (text: string) => {
    const [, code = "", file, line] = source.exec(text) ?? [];
    if (line !== "0") place = { file, line: line === undefined ? undefined : Number(line), text: code.trim() };
  };
  for (const row of log.split("\n")) {
    const step = instruction.exec(row);
    if (row.startsWith(";")) see(row);
    else if (step) {
      said.length = 0;
      const whole = /BPF program is too large\. .*/.exec(row)?.[0]; // printed behind the last instruction, not below it
      if (whole) said.push(whole);
      const { code, behind } = split(step[2]!);
      steps.push({ number: Number(step[1]), code, state: behind, ...place });
      // Where a jump ends the path, the next line's source may stand on the jump's own.
      const next = /;(?: [^;]*)? @ .+:\d+$/.exec(behind);
      if (next) see(next[0]);
    } else if (row.trim() !== "" && !figures.test(row) && !state.test(row)) said.push(row.trim());
  }
  const reason = reasonOf(said);
  return { program: start[1]!, reason, remarks: said.filter((row) => row !== reason).reverse(), steps, log };
}

/** An instruction, and the state that stands behind it: after a semicolon, or after the number that a taken jump leads to. */
function split(row: string): { code: string; behind: string } {
  const at = /\s+;|\s+\d+: R\d/.exec(row);
  return { code: row.slice(0, at?.index).trimEnd(), behind: at ? row.slice(at.index).trim() : "" };
}

/** The reason is the last thing that is said, but for states; "infinite loop detected" stands before those of both rounds. */
function reasonOf(said: readonly string[]): string {
  return said.find((row) => row.startsWith("infinite loop detected")) ?? said.at(-1) ?? "no reason given";
}

/** What the verifier last knew of a register before the last instruction. */
export function registerBefore({ steps }: VerifierLog, register: number): string | undefined {
  const shape = new RegExp(`\\bR${register}(?:_\\w+)?=([^\\s(]+(?:\\([^)]*(?:\\([^)]*\\)[^)]*)*\\))?)`);
  for (const step of steps.slice(0, -1).reverse()) {
    const known = shape.exec(step.state)?.[1];
    if (known !== undefined) return known;
  }
  return undefined;
}

/** The call that made what a register holds now, such as the lookup whose result is used; found by its helper's name. */
export function lastCall({ steps }: VerifierLog, helper: RegExp): Step | undefined {
  return [...steps].reverse().find(({ code }) => helper.test(/call (\w+)/.exec(code)?.[1] ?? ""));
}
