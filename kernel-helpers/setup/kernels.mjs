/** `npm run test:kernels [-- RELEASE...]`: the core of bpflab on Debian's own kernels, and a table of what works on which. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SetupError } from "./command.mjs";
import { runInKernel } from "./kernel-boot.mjs";
import { debianKernel } from "./kernel-image.mjs";
import { helpers, repo } from "./paths.mjs";

/** Debian's releases by code name, with what their kernels are called; the last one has the newest of all. */
const RELEASES = { bullseye: "Debian 11", bookworm: "Debian 12", trixie: "Debian 13", sid: "Debian sid" };
/** What `--short` tries: each part of the core once, on a kernel that many have and on the newest. */
const SHORT = {
  suites: ["bookworm", "sid"],
  only: ["ringbuf", "tc_icmp_filter", "kprobe", "fentry", "uprobe", "a rerun replaces", "a clean end"],
};
/** A boot and the core take ten minutes where the processor is emulated, and nobody else uses it. */
const LIMIT_SECONDS = 2 * 3600;

const core = join(helpers, "dist-test/kernels/core.js");
/** What was measured last: by release of Debian, the kernel and its features. One kernel can be measured anew, or one feature. */
const record = join(helpers, "test/kernels/measured.json");
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
    const isSame = only.length > 0 && measured[suite]?.kernel === kernel.release;
    measured[suite] = { kernel: kernel.release, features: isSame ? measured[suite].features : {} };
    const started = performance.now();
    let ended = false;
    await runInKernel(kernel, [process.execPath, "--disable-warning=ExperimentalWarning", core, ...only], {
      seconds: LIMIT_SECONDS,
      onLine: (line) => {
        const feature = /^FEATURE (\{.*\})$/.exec(line)?.[1];
        if (feature === undefined) ended ||= line.startsWith("FEATURES-END");
        if (feature === undefined) return console.log(line);
        const { name, ok, detail, seconds } = JSON.parse(feature);
        measured[suite].features[name] = { ok, ...(detail === undefined ? {} : { detail: detail.split("\n")[0] }) };
        if (write) writeFileSync(record, `${JSON.stringify(measured, null, 2)}\n`); // a run that is stopped has measured so far
        console.log(
          `${ok ? "✔" : "✖"} ${name} (${seconds} s)${detail === undefined ? "" : `: ${JSON.stringify(detail)}`}`,
        );
      },
    });
    console.log(`${ended ? "ended" : "did not end"} after ${Math.round((performance.now() - started) / 1000)} s`);
    failed ||= !ended;
  }
  const table = tableOf(measured);
  console.log(`\n${table}`);
  if (write) writeIntoReadme(table);
  return failed ? 1 : 0;
}

function readArguments(args) {
  const options = {
    only: { type: "string", multiple: true, default: [] },
    short: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const unknown = positionals.find((suite) => !Object.hasOwn(RELEASES, suite));
    if (unknown !== undefined) throw new Error(`It is not ${unknown}.`);
    const { only, suites } = values.short ? SHORT : { only: values.only, suites: Object.keys(RELEASES) };
    return { only, suites: positionals.length > 0 ? positionals : suites, write: values.write };
  } catch (error) {
    throw new SetupError(
      `test:kernels takes releases of Debian (${Object.keys(RELEASES).join(", ")}), --only WORD for features whose name holds it, --short for the core alone on two of them, and --write for the table in README.md. ${error.message}`,
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

/** Kernel × feature, as Markdown: yes, perhaps with by what, or a number that says below the table why not. */
export function tableOf(measured) {
  const suites = Object.keys(RELEASES).filter((suite) => suite in measured);
  const featuresOf = (suite) => Object.keys(measured[suite].features);
  // In the order of a whole run, which a kernel of which one feature was tried does not have.
  const fullest = [...suites].sort((a, b) => featuresOf(b).length - featuresOf(a).length);
  const features = [...new Set(fullest.flatMap(featuresOf))];
  const notes = [];
  const cell = (suite, feature) => {
    const found = measured[suite].features[feature];
    if (found === undefined) return "–";
    const { ok, detail = "" } = found;
    if (ok) return detail === "" ? "yes" : `yes: ${detail}`;
    if (!notes.includes(detail)) notes.push(detail);
    return `no [${notes.indexOf(detail) + 1}]`;
  };
  const rows = features.map((feature) => [feature, ...suites.map((suite) => cell(suite, feature))]);
  const line = (cells) => `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const kernels = suites.map((suite) => `${measured[suite].kernel} (${RELEASES[suite]})`);
  const head = [line(["", ...kernels]), line(["---", ...kernels.map(() => "---")])];
  return [...head, ...rows.map(line), "", ...notes.map((note, i) => `${i + 1}. ${note}`)].join("\n").trimEnd();
}

function writeIntoReadme(table) {
  const text = readFileSync(readme, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new SetupError(`README.md has no place for the table, between ${BEGIN} and ${END}.`);
  writeFileSync(readme, `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`);
}
