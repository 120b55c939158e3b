/** Ends what the tests left running when their runner has ended, however it did, Ctrl-C and SIGKILL included. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endMarked } from "./leftovers.mjs";

const file = fileURLToPath(import.meta.url);

/** From now on the end of this process is the end of all that carries the mark. */
export function endWithThis(mark) {
  // Its standard input closes when this process is gone; in a session of its own no terminal's signal reaches it.
  const reaper = spawn(process.execPath, [file, mark], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  reaper.unref();
  reaper.stdin.unref();
}

if (process.argv[1] === file) process.stdin.resume().once("close", () => void endMarked(process.argv[2]));
