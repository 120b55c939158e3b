import { inspect } from "node:util";
import { displaySymbol, type MimeBundle } from "../base/display.js";
import { html } from "../base/html.js";

/** One thing that an exercise asks for, and whether it is there. */
export interface Step {
  /** What was asked. */
  name: string;
  /** Points that it is worth. */
  points: number;
  /** True if it is there. */
  passed: boolean;
  /** What is wrong and where to look, when it did not pass. */
  message?: string;
}

/**
 * What a check found: shown in a notebook as a list, and read by the grader.
 *
 * @example
 * const result = await exercise.check("hashmap", hashmap);
 * result.steps.filter((step) => !step.passed).map((step) => step.message)
 */
export class CheckResult {
  /** The exercise's name, such as `hashmap`. */
  readonly exercise: string;
  /** What was asked, in order. */
  readonly steps: readonly Step[];
  /** What is to be said of the program that was checked, if it is not the newest. */
  readonly note: string | undefined;

  private constructor(exercise: string, steps: readonly Step[], note?: string) {
    this.exercise = exercise;
    this.steps = steps;
    this.note = note;
  }

  /** @internal use `check` */
  static make(exercise: string, steps: readonly Step[], note?: string): CheckResult {
    return new CheckResult(exercise, steps, note);
  }

  /** True if all steps passed. */
  get passed(): boolean {
    return this.steps.every((step) => step.passed);
  }

  /** Points reached, and how many there are. */
  get points(): { reached: number; of: number } {
    const sum = (steps: readonly Step[]) => steps.reduce((all, { points }) => all + points, 0);
    return { reached: sum(this.steps.filter(({ passed }) => passed)), of: sum(this.steps) };
  }

  /** All messages, in the order of the steps. */
  get messages(): string[] {
    return this.steps.flatMap(({ message }) => (message === undefined ? [] : [message]));
  }

  /** The points, and a line for each step. */
  toString(): string {
    const { reached, of } = this.points;
    const rows = this.steps.map(({ name, points, passed, message }) =>
      [`${mark(points, passed)} ${name}`, ...(message === undefined ? [] : [`    ${message}`])].join("\n"),
    );
    const note = this.note === undefined ? [] : [this.note];
    return [`Exercise ${this.exercise}: ${reached} of ${of} points`, ...note, ...rows].join("\n");
  }

  [inspect.custom](): string {
    return this.toString();
  }

  [displaySymbol](): MimeBundle {
    const { reached, of } = this.points;
    const rows = this.steps.map(
      ({ name, points, passed, message }) =>
        html`<li>${mark(points, passed)} ${name}${message === undefined ? "" : html`<br><em>${message}</em>`}</li>`,
    );
    const page = html`<p><b>Exercise ${this.exercise}: ${reached} of ${of} points</b></p>${this.note === undefined ? "" : html`<p>${this.note}</p>`}<ul style="list-style:none">${rows}</ul>`;
    return {
      "text/plain": isGradedByNbgrader() ? String(reached) : this.toString(),
      "text/html": page.toString(),
      "application/vnd.bpflab.exercise+json": { exercise: this.exercise, steps: this.steps },
    };
  }
}

/** nbgrader reads the points in the text of a check's result; it gives all of them for a text that is no number. */
const isGradedByNbgrader = () => process.env["NBGRADER_EXECUTION"] !== undefined;

/** What is worth no points is no fault when it is missing. */
const mark = (points: number, passed: boolean): string => (passed ? "✓" : points > 0 ? "✗" : "○");

/** A step from what is wrong with it: nothing, when it passed. */
export function step(name: string, points: number, wrong: string | undefined): Step {
  return wrong === undefined ? { name, points, passed: true } : { name, points, passed: false, message: wrong };
}
