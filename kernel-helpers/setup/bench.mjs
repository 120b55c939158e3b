/** Runs the built benchmark, which takes its own options: `npm run bench -- --rounds 3`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { helpers } from "./paths.mjs";

/** Returns the exit code. */
export async function runBench(args) {
  const command = ["--disable-warning=ExperimentalWarning", join(helpers, "dist-bench/main.js"), ...args];
  const [code] = await once(spawn(process.execPath, command, { stdio: "inherit" }), "close");
  return code ?? 1;
}
