/** The addon with sanitizers runs the tests of the addon and of streams. Only in the long form: it is built for this. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const { sanitizedAddon } = (await import(new URL("../../../setup/addon.mjs", import.meta.url).href)) as {
  sanitizedAddon: (sanitizer: string) => { file: string; done(): boolean; run(): Promise<unknown> };
};

const tests = fileURLToPath(new URL("../..", import.meta.url));
const preload = fileURLToPath(new URL("../../../test/workload/sanitized.cjs", import.meta.url));

let directory: string;
before(() => void (directory = mkdtempSync(join(tmpdir(), "bpflab-sanitizers-"))));
after(() => rmSync(directory, { recursive: true, force: true }));

const filesOf = (folder: string) =>
  readdirSync(join(tests, folder))
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(tests, folder, name));

interface Sanitizer {
  name: "address,undefined" | "thread";
  runtime: string;
  options: (directory: string) => Record<string, string>;
  files: string[];
  /** A command that runs the command behind it. */
  prefix?: string[];
}

const SANITIZERS: Sanitizer[] = [
  {
    name: "address,undefined",
    runtime: "libasan.so",
    options: (logs) => ({
      // V8 keeps pointers where the sanitizer does not look; what the addon allocates itself has it among the first frames.
      ASAN_OPTIONS: `log_path=${join(logs, "log")}:exitcode=99:detect_leaks=1:malloc_context_size=6:detect_odr_violation=0`,
      LSAN_OPTIONS: `suppressions=${suppressions(logs, ["leak:/bin/node$", "leak:zeromq", "leak:duckdb", "leak:libc.so"])}:print_suppressions=0`,
      UBSAN_OPTIONS: `log_path=${join(logs, "log")}:print_stacktrace=1:halt_on_error=1`,
    }),
    files: [...filesOf("native"), ...filesOf("streams"), ...filesOf("handles")],
  },
  {
    name: "thread",
    runtime: "libtsan.so",
    options: (logs) => ({
      // Node's own locks are atomics that the sanitizer does not see.
      TSAN_OPTIONS: `log_path=${join(logs, "log")}:exitcode=99:ignore_noninstrumented_modules=1`,
    }),
    files: [
      ...filesOf("native"),
      ...filesOf("streams"),
      ...["overload", "threads"].map((name) => join(tests, `reliability/${name}.test.js`)),
    ],
    prefix: ["setarch", "-R"], // its shadow has a fixed place, which a random address may be in
  },
];

function suppressions(logs: string, lines: string[]): string {
  const file = join(logs, "suppressions");
  writeFileSync(file, lines.join("\n"));
  return file;
}

/** Faults that a sanitizer is to see, where a module of Node's is loaded that has them: their names stand in its reports. */
const FAULTS: Record<Sanitizer["name"], string> = {
  "address,undefined": `#include <stdlib.h>
    static void reads_beyond(void) { char *volatile p = malloc(8); p[8]++; }
    void *napi_register_module_v1(void *env, void *exports) { reads_beyond(); return exports; }`,
  thread: `#include <pthread.h>
    static int shared;
    static void *races(void *p) { for (int i = 0; i < 1000; i++) shared++; return p; }
    void *napi_register_module_v1(void *env, void *exports) {
      pthread_t other;
      pthread_create(&other, 0, races, 0);
      races(0);
      pthread_join(other, 0);
      return exports;
    }`,
};

for (const sanitizer of SANITIZERS)
  test(`-fsanitize=${sanitizer.name} sees a fault in a module that is loaded so`, async () => {
    const module = join(directory, "faulty.node");
    const compile = ["-x", "c", "-", "-g", "-shared", "-fPIC", `-fsanitize=${sanitizer.name}`, "-o", module];
    await execa("gcc", compile, { input: FAULTS[sanitizer.name] });
    const { reports, exitCode } = await runWith(sanitizer, [
      "-e",
      `process.dlopen({ exports: {} }, ${JSON.stringify(module)})`,
    ]);
    assert.match(reports.join(), /reads_beyond|races/);
    assert.equal(exitCode, 99);
  });

for (const sanitizer of SANITIZERS) {
  const { name, files } = sanitizer;
  test(`the addon with -fsanitize=${name} has nothing to report in ${files.length} files of tests`, async (context) => {
    const addon = sanitizedAddon(name);
    if (!addon.done()) await addon.run();
    for (const file of files)
      await context.test(file.slice(tests.length), async () => {
        const { reports, exitCode, all } = await runWith(sanitizer, ["--test-force-exit", file], addon.file);
        assert.deepEqual(reports, []);
        assert.equal(exitCode, 0, all);
      });
  });
}

/** Runs Node.js with a sanitizer, and the addon that was built for it. */
async function runWith({ runtime, options, prefix = [] }: Sanitizer, args: string[], addon = "") {
  const library = (await execa("gcc", [`-print-file-name=${runtime}`])).stdout;
  const logs = mkdtempSync(join(directory, "run-"));
  const [command, ...rest] = [...prefix, process.execPath, "--require", preload, ...args];
  const { all, exitCode } = await execa(command!, rest, {
    // The short form of the tests: each runs several times as long as without.
    env: { LD_PRELOAD: library, BPFLAB_SANITIZED: addon, BPFLAB_RELIABILITY: "", ...options(logs) },
    all: true,
    reject: false,
  });
  const reports = readdirSync(logs)
    .filter((log) => log.startsWith("log"))
    .map((log) => readFileSync(join(logs, log), "utf8"));
  return { reports, exitCode, all };
}
