/** What cells have in their global scope: questions that are asked in the notebook, `console.clear()` that clears the output. */
import { currentCell } from "../interrupt/cell.js";
import type { Channel } from "../channel.js";
import type { Input } from "./input.js";
import { NotebookStdin } from "./stdin.js";

/** Installs the globals that `cell-globals.ts` declares, and the notebook's `process.stdin`. */
export function installGlobals(channel: Channel, input: Input): void {
  globalThis.prompt = (message = "", defaultText = "") => {
    const text = input.ask(message);
    return text === null ? null : text || defaultText;
  };
  globalThis.confirm = (message = "") => /^\s*y(?:es)?\s*$/i.test(input.ask(`${message} [y/N] `) ?? "");
  globalThis.alert = (message = "") => {
    if (input.ask(`${message} [Enter] `) === null) console.log(message);
  };
  let stdin = new NotebookStdin(input);
  Object.defineProperty(process, "stdin", {
    configurable: true,
    enumerable: true,
    // What an earlier cell has closed or paused is not the next one's.
    get: () => (stdin = stdin.isDone ? new NotebookStdin(input) : stdin),
  });
  console.clear = () => {
    const cell = currentCell();
    if (cell && !cell.silent) channel.publish("clear_output", cell.parent, { wait: false });
  };
}
