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
    files: [...filesOf("native"), ...filesOf("streams")],
  },
  {
    name: "thread",
    runtime: "libtsan.so",
    options: (logs) => ({
      // Node's own locks are atomics that the sanitizer does not see.
      TSAN_OPTIONS: `log_path=${join(logs, "log")}:exitcode=99:ignore_noninstrumented_modules=1`,
    }),
    files: ["native/handles", "streams/account", "streams/ringbuf", "streams/perf-buffer", "streams/collect"].map(
      (name) => join(tests, `${name}.test.js`),
    ),
    prefix: ["setarch", "-R"], // its shadow has a fixed place, which a random address may be in
  },
];

function suppressions(logs: string, lines: string[]): string {
  const file = join(logs, "suppressions");
  writeFileSync(file, lines.join("\n"));
  return file;
}

for (const { name, runtime, options, files, prefix = [] } of SANITIZERS)
  test(`the addon with -fsanitize=${name} has nothing to report in ${files.length} files of tests`, async (context) => {
    const addon = sanitizedAddon(name);
    if (!addon.done()) await addon.run();
    const library = (await execa("gcc", [`-print-file-name=${runtime}`])).stdout;
    for (const file of files)
      await context.test(file.slice(tests.length), async () => {
        const logs = mkdtempSync(join(directory, "run-"));
        const [command, ...args] = [...prefix, process.execPath, "--require", preload, file];
        const { all, exitCode } = await execa(command!, args, {
          env: { LD_PRELOAD: library, BPFLAB_SANITIZED: addon.file, ...options(logs) },
          all: true,
          reject: false,
        });
        const reports = readdirSync(logs).filter((log) => log.startsWith("log"));
        assert.deepEqual(
          reports.map((log) => readFileSync(join(logs, log), "utf8")),
          [],
        );
        assert.equal(exitCode, 0, all);
      });
  });
