/** Runs commands for the set-up: output into the log, the last lines into the error. */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { lockForChildren } from "./lock.mjs";
import { logFile } from "./paths.mjs";

const TAIL_LINES = 15;

/** What the set-up tells the user instead of a stack: a sentence, and the last lines of what failed. */
export class SetupError extends Error {
  /** @param {string} message @param {string[]} tail */
  constructor(message, tail = []) {
    super(message);
    this.name = "SetupError";
    this.tail = tail;
  }
}

let log;
function openLog() {
  if (!log) {
    mkdirSync(dirname(logFile), { recursive: true });
    log = createWriteStream(logFile); // of this run alone
    log.write(`${new Date().toISOString()} node ${process.version}\n`);
  }
  return log;
}

/**
 * Runs a command without a shell and returns what it wrote to standard output.
 * Throws SetupError when it does not end with 0.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, seconds?: number, keepsLock?: boolean, onLine?: (line: string) => void }} options
 *   `seconds`: stop it after that long; `onLine`: called with each line of its output, for progress; `keepsLock`: the set-up's
 *   lock is not free before it has ended, should the set-up be killed
 */
export function run(command, args, { cwd, env, seconds, onLine, keepsLock = true } = {}) {
  const out = openLog();
  out.write(`\n$ ${[command, ...args].join(" ")}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", ...(keepsLock ? lockForChildren() : [])],
      timeout: seconds === undefined ? undefined : seconds * 1000,
    });
    let stdout = "";
    const tail = [];
    const take = (chunk) => {
      out.write(chunk);
      for (const line of chunk.split(/[\r\n]+/)) {
        if (!line.trim()) continue;
        tail.push(line);
        if (tail.length > TAIL_LINES) tail.shift();
        onLine?.(line);
      }
    };
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      stdout += chunk;
      take(chunk);
    });
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", (error) => reject(new SetupError(`${command} could not be started: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new SetupError(`${command} ended with ${signal ?? `exit code ${code}`}.`, tail));
    });
  });
}

/** The same, but undefined when it fails: for asking whether something is there. */
export async function ask(command, args, options) {
  return run(command, args, options).catch(() => undefined);
}
