/** Errors of the kernel itself, and what an `error` message carries. */
import { BpflabError } from "../base/errors.js";

/** The content of an `error` message, as the messaging protocol names it. */
export interface ErrorContent {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** The user interrupted the cell. */
export class KeyboardInterrupt extends BpflabError {
  constructor() {
    super("INTERRUPTED", "The cell was interrupted.");
  }
}

/** A cell called `process.exit()`, which would end the kernel with everything in it. */
export class ProcessExitError extends BpflabError {
  constructor(code: unknown) {
    super(
      "PROCESS_EXIT",
      `process.exit(${code === undefined ? "" : String(code)}) would end the kernel and everything attached.`,
      {
        hint: "Throw an error to stop this cell; use the Kernel menu to restart or shut down.",
      },
    );
  }
}

/** A cell that is not valid: its type errors, shown in the source. */
export class TypeScriptError extends Error {
  override readonly name = "TypeScriptError";
  constructor(
    message: string,
    readonly excerpts: string[],
  ) {
    super(message);
  }
}

/** A cell magic that this kernel does not have. */
export class UnknownMagicError extends BpflabError {
  constructor(name: string, known: readonly string[]) {
    super("UNKNOWN_MAGIC", `There is no cell magic %%${name}.`, {
      hint: known.length > 0 ? `There is ${known.map((one) => `%%${one}`).join(", ")}.` : "Cells are TypeScript.",
    });
  }
}
