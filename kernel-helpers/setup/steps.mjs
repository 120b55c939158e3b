/**
 * Runs the steps of the set-up in order, one line each on the terminal.
 *
 * A step is { title, done, run }: `done()` is a quick look whether there is anything to do,
 * `run(progress)` does it and may report what goes on, a line at a time.
 */
import { stripVTControlCharacters } from "node:util";
import { SetupError } from "./command.mjs";
import { withLock } from "./lock.mjs";
import { logFile } from "./paths.mjs";

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** @param {{ title: string, done(): boolean | Promise<boolean>, run(progress: (line: string) => void): Promise<unknown> }[]} steps */
export async function runSteps(steps) {
  const width = Math.max(...steps.map((step) => step.title.length));
  for (const step of steps) await runStep(step, step.title.padEnd(width));
}

async function runStep(step, title) {
  if (await step.done()) {
    console.log(`✓ ${title}  already there`);
    return;
  }
  const started = performance.now();
  const line = statusLine(title, started);
  try {
    await withLock(
      async () => {
        // Another clone's set-up may have done it while this one waited.
        if (!(await step.done())) await step.run(line.progress);
      },
      () => line.progress("waiting for another set-up to finish"),
    );
    line.end(`✓ ${title}  ${seconds(started)}`);
  } catch (error) {
    line.end(`✗ ${title}  ${seconds(started)}`);
    if (error instanceof SetupError && error.tail.length > 0) error.tail.push("", `The whole output is in ${logFile}`);
    throw error;
  }
}

/** On a terminal a line that is drawn over with what goes on; elsewhere the title at once and the end when it comes. */
function statusLine(title, started) {
  if (!process.stdout.isTTY) {
    console.log(`· ${title}  …`);
    return { progress: () => {}, end: (text) => console.log(text) };
  }
  let doing = "";
  const draw = () => {
    const text = `· ${title}  ${seconds(started)}  ${doing}`;
    process.stdout.write(`\r\x1b[2K${text.slice(0, (process.stdout.columns || 80) - 1)}`);
  };
  const timer = setInterval(draw, 200);
  draw();
  return {
    progress: (text) => {
      doing = stripVTControlCharacters(text).replace(/[\x00-\x1f\x7f]/g, " ");
    },
    end: (text) => {
      clearInterval(timer);
      process.stdout.write(`\r\x1b[2K${text}\n`);
    },
  };
}
