/**
 * Which tests may run beside which. The lanes run one after another, in this order; within a lane so many files at a time
 * as it says. A file belongs to the lane that names it most closely, by its path or a folder that it is in. What no lane
 * names runs alone, which is right for every test: only what may run beside others has to be named. They start in the order
 * of the entries, so what takes longest stands first.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { helpers } from "./paths.mjs";

/** Of root's powers none but reading what belongs to somebody else, as a clone in a user's home does. */
const WITHOUT_ROOT = ["setpriv", "--bounding-set=-all,+dac_override,+dac_read_search", "--inh-caps=-all"];

/**
 * @typedef {object} Lane
 * @property {string} name
 * @property {string} why it may run so
 * @property {number} atATime
 * @property {string[]} [prefix] the command that runs its files
 * @property {string} [around] a module with `start(): Promise<{ env, stop }>`: what all of its files share
 * @property {string[]} tests files without .test.ts, and folders ending with /
 */

/** @type {Lane[]} */
export const LANES = [
  {
    name: "unit",
    why: "nothing is loaded into the kernel",
    atATime: availableParallelism(),
    prefix: WITHOUT_ROOT,
    tests: [
      "clang/compile",
      "types/",
      "tables/",
      "charts/",
      "views/live",
      "fleet/account",
      "fleet/keeper",
      "fleet/wire-encoding",
      "streams/event-columns",
      "bpf/address",
      "bpf/codec",
      "jupyter/typescript/",
      "jupyter/bpf/",
      "report/html-page",
      "reliability/text",
      "setup/lanes",
      "setup/kernels",
    ],
  },
  {
    name: "apart",
    why: "each counts only what its own processes, interfaces and Jupyter kernels do",
    atATime: 2,
    tests: [
      "jupyter/protocol",
      "jupyter/interrupt",
      "net/filter",
      "native/process-end",
      "net/spoof",
      "bpf/replace",
      "net/",
      "jupyter/cells",
      "jupyter/",
      "native/",
      "bpf/",
      "report/",
      "notebooks/",
      "cli/",
      "fleet/",
      "probe/",
      "reliability/",
      "readme",
      "examples",
      "exercises/grade",
      "tables/paths",
      "tables/replace-file",
      "setup/distribution",
      "setup/test-file",
      "setup/whole",
    ],
  },
  {
    name: "browser",
    why: "they share one JupyterLab and one Chromium, and wait more than they compute",
    atATime: 2,
    around: join(helpers, "dist-test/browser/shared.js"),
    tests: ["browser/"],
  },
  {
    name: "alone",
    why: "these count all events of the kernel, fill its rings to the brim, or look at the whole machine",
    atATime: 1,
    tests: [""],
  },
];

/** The entry of a lane that names a test most closely, if one does. */
function entryFor({ tests }, name) {
  const fitting = tests.filter((entry) => entry === name || (/(^|\/)$/.test(entry) && name.startsWith(entry)));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

/**
 * The lanes that have something to do, with their share of the tests in the order of the lane's entries.
 * @param {string[]} names paths below test/, without .test.ts
 */
export function inLanes(names) {
  const shares = new Map(LANES.map((lane) => [lane, []]));
  for (const name of names) {
    const closeness = (lane) => entryFor(lane, name)?.length ?? -1;
    shares.get(LANES.reduce((best, lane) => (closeness(lane) > closeness(best) ? lane : best))).push(name);
  }
  return LANES.map((lane) => {
    const place = (name) => lane.tests.indexOf(entryFor(lane, name));
    return { ...lane, names: shares.get(lane).sort((a, b) => place(a) - place(b)) };
  }).filter(({ names }) => names.length > 0);
}
