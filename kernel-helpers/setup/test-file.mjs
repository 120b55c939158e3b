/** Runs one compiled test file in a process of its own, and ends whatever it leaves running. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { endMarked, MARK } from "./leftovers.mjs";

/** A file that hangs fails, with its name, instead of holding up everything. Its long form takes hours. */
const limitMs = () => (process.env.BPFLAB_RELIABILITY ? 4 * 3600_000 : 600_000);
/** A process that was told to end may take a moment. */
const SETTLE_SECONDS = 3;
const reporter = fileURLToPath(new URL("test-reporter.mjs", import.meta.url));

/**
 * Its children inherit the mark in their environment, and are found by it when it has ended: one that still runs then is
 * ended, and is a failure of this file.
 *
 * @param {string} file the compiled test
 * @param {{ name: string, mark: string, env?: Record<string, string>, prefix?: string[], onOutput(text: string): void }} how
 *   `prefix`: a command that runs the command behind it
 * @returns {Promise<{ name: string, passed: number, failed: string[], seconds: number }>}
 */
export async function runTestFile(file, { name, mark, env = {}, prefix = [], onOutput }) {
  const started = performance.now();
  const [command, ...args] = [
    ...prefix,
    process.execPath,
    // A test that fails may leave a connection open, which must not hold up everybody.
    ...["--test-force-exit", `--test-reporter=${reporter}`, "--test-reporter-destination=stdout", file],
  ];
  const child = spawn(command, args, {
    env: { ...process.env, ...env, [MARK]: mark },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), limitMs());
  let told = "";
  for (const output of [child.stdout, child.stderr]) output.setEncoding("utf8").on("data", onOutput);
  child.stdio[3].setEncoding("utf8").on("data", (text) => (told += text));
  const [code, signal] = await once(child, "exit");
  clearTimeout(limit);
  const left = await endMarked(mark, SETTLE_SECONDS); // what is left may hold the pipes open
  if (!child.stdio.slice(1).every((pipe) => pipe.closed)) await once(child, "close");
  const { passed, failed } = told ? JSON.parse(told) : { passed: 0, failed: [] };
  if (failed.length === 0 && code === 0 && passed === 0) failed.push("it has no test");
  if (failed.length === 0 && code !== 0)
    failed.push(signal ? `its process was ended by ${signal}` : `its process ended with exit code ${code}`);
  failed.push(...left.map(({ pid, name }) => `it left process ${pid} running: ${name}`));
  return { name, passed, failed, seconds: (performance.now() - started) / 1000 };
}
