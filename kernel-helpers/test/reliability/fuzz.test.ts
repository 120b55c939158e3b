/** libFuzzer on what reads bytes that a program or an object file chooses: native/fuzz. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa, type ResultPromise } from "execa";
import { compileShipped } from "../../dist/clang/compile.js";
import { rounds } from "./seeded.js";

const damagedTypes = fileURLToPath(new URL("damaged-types.js", import.meta.url));
const native = fileURLToPath(new URL("../../../native/", import.meta.url));

interface Target {
  name: string;
  sources: string[];
  libraries: string[];
  /** Bytes of the longest input. */
  longest: number;
  /** Inputs of the short form: as many as a second or two has. */
  few: number;
}

const TARGETS: Target[] = [
  { name: "plan", sources: ["columns", "plan_check"], libraries: [], longest: 600, few: 20_000 },
  { name: "records", sources: ["columns", "plan_check"], libraries: [], longest: 2000, few: 10_000 },
  {
    name: "debug_info",
    sources: ["records", "debug_info"],
    libraries: ["-ldw", "-lelf"],
    longest: 1 << 16,
    few: 500,
  },
];

let directory: string;
before(() => void (directory = mkdtempSync(join(tmpdir(), "bpflab-fuzz-"))));
after(() => rmSync(directory, { recursive: true, force: true }));

async function build({ name, sources, libraries }: Target): Promise<string> {
  const binary = join(directory, name);
  const files = [`fuzz/${name}.cc`, ...sources.map((source) => `src/${source}.cc`)].map((file) => join(native, file));
  const flags = ["-std=c++17", "-O1", "-g", "-D_GNU_SOURCE", "-fsanitize=fuzzer,address,undefined"];
  await execa("clang++", [...flags, "-fno-sanitize-recover=undefined", ...files, "-o", binary, ...libraries]);
  return binary;
}

/** Object files to begin with. */
async function seedObjects(to: string): Promise<void> {
  for (const name of ["ringbuf", "tc_icmp_filter"]) {
    const { elf } = await compileShipped(name);
    writeFileSync(join(to, name), elf);
  }
}

for (const target of TARGETS) {
  const runs = rounds(target.few, 1_000_000);
  test(`${runs.toLocaleString("en")} inputs for ${target.name}: none reads or writes where it may not`, async () => {
    const binary = await build(target);
    const [corpus, artifacts] = [join(directory, `${target.name}-corpus`), join(directory, `${target.name}-found/`)];
    mkdirSync(corpus);
    mkdirSync(artifacts);
    if (target.name === "debug_info") await seedObjects(corpus);
    const options = [`-runs=${runs}`, `-max_len=${target.longest}`, `-artifact_prefix=${artifacts}`, "-timeout=20"];
    const { all, exitCode } = await execa(
      binary,
      [
        ...options,
        ...(process.env["BPFLAB_RELIABILITY"] ? [] : ["-seed=1"]),
        "-verbosity=1",
        "-rss_limit_mb=1500",
        corpus,
      ],
      { all: true, reject: false, cwd: directory },
    );
    const found = readdirSync(artifacts).map((name) => readFileSync(join(artifacts, name)).toString("base64"));
    assert.equal(exitCode, 0, `${all.split("\n").slice(-60).join("\n")}\nThe input, in base64: ${found.join("\n")}`);
    assert.match(all, new RegExp(`Done ${runs} runs`));
  });
}

const inputs = rounds(4000, 1_000_000);
test(`${inputs.toLocaleString("en")} damaged sets of types (BTF): each is read or refused, and never the end of us`, async () => {
  const progress = join(directory, "types-progress");
  const seed = process.env["BPFLAB_RELIABILITY"] ? Date.now() % 1_000_000 : 1;
  let crashes = 0;
  for (let next = 0; next < inputs;) {
    const args = [damagedTypes, ...[seed, next, inputs].map(String), progress];
    const { stdout, stderr, signal } = await endedWhenStuck(execa(process.execPath, args, { reject: false }), progress);
    if (signal === undefined) {
      assert.equal(stderr, "");
      const { wrong } = JSON.parse(stdout) as { wrong: string[] };
      assert.deepEqual(wrong, []);
      break;
    }
    const [input, reader] = readFileSync(progress, "utf8").trim().split(" ");
    // libbpf 1.1 dies of some, and never comes back of a few: therefore bpf.open opens what was not compiled here in a
    // child first, which it gives 20 seconds.
    assert.equal(reader, "libbpf", `${signal} at input ${input} of seed ${seed}`);
    crashes++;
    next = Number(input) + 1;
  }
  console.log(`libbpf itself ended or held up by ${crashes} of ${inputs / 8} damaged object files`);
});

const STUCK_SECONDS = 20;

/** Ends a process that has said for so long that it is at the same input. */
async function endedWhenStuck(child: ResultPromise<{ reject: false }>, progress: string) {
  let last = { text: "", since: Date.now() };
  const timer = setInterval(() => {
    const text = existsSync(progress) ? readFileSync(progress, "utf8") : "";
    if (text !== last.text) last = { text, since: Date.now() };
    else if (Date.now() - last.since > STUCK_SECONDS * 1000) child.kill("SIGKILL");
  }, 1000);
  try {
    return await child;
  } finally {
    clearInterval(timer);
  }
}
