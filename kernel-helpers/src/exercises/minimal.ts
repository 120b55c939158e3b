import { step, type Step } from "./result.js";

/** The answers that exercise 1 asks for. */
export interface MinimalAnswers {
  /** Whose number the line shows. */
  number?: "process" | "thread";
  /** When the line is printed: as write(2) begins, or as it ends. */
  when?: "begins" | "ends";
  /** How many lines three calls of write(2) by the watched process give. */
  lines?: number;
}

/** Exercise 1: what `minimal` prints, and when. */
export function checkMinimal(answers: MinimalAnswers): Step[] {
  const { number, when, lines } = answers;
  return [
    step(
      "whose number it is",
      1,
      number === "process"
        ? undefined
        : "bpf_get_current_pid_tgid() has two numbers in it. What does >> 32 leave, the upper or the lower half, and which of them does getpid(2) return?",
    ),
    step(
      "when it is printed",
      1,
      when === "begins"
        ? undefined
        : "Look at the SEC() above the program: which of the two tracepoints of the call is that?",
    ),
    step(
      "how often",
      1,
      lines === 3
        ? undefined
        : "The program runs each time when the watched process calls write(2). Run the cell that writes three times, and count the lines.",
    ),
  ];
}
