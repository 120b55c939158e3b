import { cpus, totalmem } from "node:os";
import { ArgumentError } from "../../base/errors.js";
import { slotsOf, type Aggregate } from "./rollup.js";

/** The part of the machine's memory that a question may take. */
const MOST = 1 / 4;

/** The kernel sets the memory of all groups aside when it loads a program, on each CPU. @throws ArgumentError when that is too much for the machine */
export function requireMemory(groups: number, aggregates: readonly Aggregate[]): void {
  const numbers = aggregates.reduce(
    (sum, { how, bounds }) => sum + (how === "log2" ? 64 : bounds ? slotsOf(bounds) : 1),
    1,
  );
  const bytes = groups * numbers * 8 * cpus().length;
  if (bytes <= totalmem() * MOST) return;
  const gb = (of: number) => `${(of / 2 ** 30).toFixed(1)} GiB`;
  throw new ArgumentError(
    `groups: ${groups.toLocaleString("en")} groups take ${gb(bytes)} of the kernel's memory, and this machine has ${gb(totalmem())} in all.`,
    { hint: "The kernel sets it aside before the first event. Ask for fewer groups, or for fewer histograms." },
  );
}
