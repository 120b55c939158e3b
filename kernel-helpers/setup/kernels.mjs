/** `npm run test:kernels [-- RELEASE...]`: the core of bpflab on Debian's own kernels, and a table of what works on which. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { SetupError } from "./command.mjs";
import { runInKernel } from "./kernel-boot.mjs";
import { debianKernel } from "./kernel-image.mjs";
import { build, helpers, repo } from "./paths.mjs";

/** Debian's releases by code name; the last one has the newest kernel of all. */
const RELEASES = ["bullseye", "bookworm", "trixie", "sid"];
/** A boot and the core take ten minutes where the processor is emulated, and nobody else uses it. */
const LIMIT_SECONDS = 3600;

const core = join(helpers, "dist-test/kernels/core.js");
/** What was measured last: by kernel, then by feature. Kept from run to run, so that one kernel can be measured anew. */
const record = join(build, "kernels.json");
const readme = join(repo, "README.md");
const [BEGIN, END] = ["<!-- tested on -->", "<!-- end of tested on -->"];

/** Returns the exit code: 1 if a kernel did not end in time. What a kernel cannot do is a cell of the table. */
export async function runKernels(args) {
  const { suites, only, write } = readArguments(args);
  const measured = readRecord();
  let failed = false;
  for (const suite of suites) {
    console.log(`\n━━ ${suite}`);
    const kernel = await debianKernel(suite, () => {});
    const features = {};
    const started = performance.now();
    let ended = false;
    await runInKernel(kernel, [process.execPath, "--disable-warning=ExperimentalWarning", core, ...only], {
      seconds: LIMIT_SECONDS,
      onLine: (line) => {
        const feature = /^FEATURE (\{.*\})$/.exec(line)?.[1];
        if (feature === undefined) ended ||= line.startsWith("FEATURES-END");
        if (feature === undefined) return console.log(line);
        const { name, ok, detail, seconds } = JSON.parse(feature);
        features[name] = ok ? "yes" : detail;
        console.log(
          `${ok ? "✔" : "✖"} ${name} (${seconds} s)${detail === undefined ? "" : `: ${JSON.stringify(detail)}`}`,
        );
      },
    });
    console.log(`${ended ? "ended" : "did not end"} after ${Math.round((performance.now() - started) / 1000)} s`);
    failed ||= !ended;
    measured[kernel.release] = { ...(only.length > 0 ? measured[kernel.release] : {}), ...features };
    mkdirSync(dirname(record), { recursive: true });
    writeFileSync(record, `${JSON.stringify(measured, null, 2)}\n`);
  }
  const table = tableOf(measured);
  console.log(`\n${table}`);
  if (write) writeIntoReadme(table);
  return failed ? 1 : 0;
}

function readArguments(args) {
  const options = { only: { type: "string", multiple: true, default: [] }, write: { type: "boolean", default: false } };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const unknown = positionals.find((suite) => !RELEASES.includes(suite));
    if (unknown !== undefined) throw new Error(`It is not ${unknown}.`);
    return { ...values, suites: positionals.length > 0 ? positionals : RELEASES };
  } catch (error) {
    throw new SetupError(
      `test:kernels takes releases of Debian (${RELEASES.join(", ")}), --only WORD for features whose name holds it, and --write for the table in README.md. ${error.message}`,
    );
  }
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(record, "utf8"));
  } catch {
    return {}; // nothing was measured yet
  }
}

/** Kernel × feature, as Markdown: yes, or a number that says below the table why not. */
export function tableOf(measured) {
  const kernels = Object.keys(measured).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const features = [...new Set(kernels.flatMap((kernel) => Object.keys(measured[kernel])))];
  const notes = [];
  const cell = (kernel, feature) => {
    const found = measured[kernel][feature];
    if (found === undefined) return "–";
    if (found === "yes") return "yes";
    const reason = found.split("\n")[0];
    if (!notes.includes(reason)) notes.push(reason);
    return `no [${notes.indexOf(reason) + 1}]`;
  };
  const rows = features.map((feature) => [feature, ...kernels.map((kernel) => cell(kernel, feature))]);
  const line = (cells) => `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const head = [line(["", ...kernels]), line(["---", ...kernels.map(() => "---")])];
  return [...head, ...rows.map(line), "", ...notes.map((note, i) => `${i + 1}. ${note}`)].join("\n").trimEnd();
}

function writeIntoReadme(table) {
  const text = readFileSync(readme, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new SetupError(`README.md has no place for the table, between ${BEGIN} and ${END}.`);
  writeFileSync(readme, `${text.slice(0, begin + BEGIN.length)}\n${table}\n${text.slice(end)}`);
}
