/** The machine this runs on, as titles, captures and reports name it. */
import { hostname, release, type } from "node:os";
import type { MimeBundle } from "./display.js";

/** A machine's name, and its kernel's. */
export interface Machine {
  host: string;
  /** Such as `Linux 6.12.5`. */
  kernel: string;
}

export function thisMachine(): Machine {
  return { host: hostname(), kernel: `${type()} ${release()}` };
}

/** True if a version `a.b…` is at least `major.minor`. */
export function atLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}

/** Time to the second, in UTC: reports of different machines must compare. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A part of an output's bundle that says where and when it was made; the cover of a report shows the first. */
export function machineBundle(): MimeBundle {
  return { "application/vnd.bpflab.machine+json": { ...thisMachine(), started: timeText(Date.now()) } };
}
