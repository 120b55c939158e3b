import { compileFunction } from "node:vm";
import * as aq from "arquero";
import { ColumnTable } from "arquero";
import { visibleJson, visibleLines } from "../base/text.js";
import { ArgumentError } from "../base/errors.js";
import { op, probe, Probe } from "../probe/index.js";
import { captureOf, lossNote, lossText, missedSince } from "../streams/capture.js";
import { concatTables } from "../streams/concat-tables.js";
import { settleRings } from "../streams/drain.js";
import { tableText } from "../tables/plain.js";

export interface RunOptions {
  /** End after so many seconds; without it Ctrl-C ends it. */
  seconds?: number;
  /** A JSON object a line: for each event as it comes, or for each group at the end. */
  json?: boolean;
}

/** Where the answer goes; a terminal gets a table that changes in place. */
type Out = Pick<NodeJS.WriteStream, "write" | "isTTY">;

/** Rows of the newest events, and of a rollup's groups, that are printed. */
const NEWEST_ROWS = 20;
const MOST_GROUPS = 1000;

/**
 * Asks what a line of TypeScript asks, such as `probe("tp/sched/sched_process_exec")`, and prints the answer.
 *
 * @returns the exit code
 * @throws ArgumentError for what is no probe and no table; what the probe throws
 */
export async function run(
  text: string,
  { seconds, json = false }: RunOptions,
  out: Out = process.stdout,
): Promise<number> {
  const asked = await evaluate(text);
  if (asked instanceof Probe) {
    const end = ending(seconds);
    try {
      await (asked.isRollup ? groups(asked, end.promise, json, out) : events(asked, end.promise, json, out));
    } finally {
      end.forget();
      asked.close();
    }
  } else if (asked instanceof ColumnTable) {
    if (json) writeRows(asked, out);
    else out.write(`${tableText(asked, { limit: MOST_GROUPS })}\n`);
  } else if (typeof (asked as { text?: unknown } | undefined)?.text === "string") {
    out.write(visibleLines((asked as { text: string }).text)); // of source()
  } else {
    throw new ArgumentError(`run: this is neither a probe nor a table: ${text}`, {
      hint: `For example: npx bpflab run 'probe("tp/sched/sched_process_exec")'`,
    });
  }
  return 0;
}

async function evaluate(text: string): Promise<unknown> {
  if (/^[^\s("'`]+\.(?:ipynb|json)$/.test(text))
    throw new ArgumentError(`run takes a question or a script that ends with .ts, and ${text} is a notebook.`, {
      hint: `npx bpflab report ${text} runs a notebook and makes a page of it; npx bpflab lab opens it in JupyterLab.`,
    });
  let ask: (...values: unknown[]) => Promise<unknown>;
  try {
    // What root types on a command line, root may run.
    ask = compileFunction(`return (async () => (${text}\n))()`, ["probe", "op", "aq"]) as typeof ask;
  } catch (cause) {
    throw new ArgumentError(`run: this is not an expression: ${text}`, {
      hint: `JavaScript says: ${String(cause)}`,
      cause,
    });
  }
  try {
    return await ask(probe, op, aq);
  } catch (error) {
    if (!(error instanceof ReferenceError || error instanceof TypeError)) throw error;
    throw new ArgumentError(`run: ${error.message}.`, { hint: "There are probe, op and aq.", cause: error });
  }
}

/** Ctrl-C, SIGTERM, or the time. */
function ending(seconds: number | undefined): { promise: Promise<void>; forget: () => void } {
  let forget = () => {};
  const promise = new Promise<void>((resolve) => {
    const stop = () => resolve();
    // Without a timer nothing would keep the process: waiting for a signal does not.
    const timer = seconds === undefined ? setInterval(() => {}, 2 ** 30) : setTimeout(stop, seconds * 1000);
    process.on("SIGINT", stop).on("SIGTERM", stop);
    forget = () => {
      clearTimeout(timer);
      process.off("SIGINT", stop).off("SIGTERM", stop);
    };
  });
  return { promise, forget };
}

async function groups(asked: Probe<any>, end: Promise<void>, json: boolean, out: Out): Promise<void> {
  await asked.attach();
  const screen = new Screen(out);
  const live =
    out.isTTY && !json
      ? asked.poll({ everyMs: 500 }).subscribe({ next: (table) => screen.show(table, NEWEST_ROWS), error: () => {} })
      : undefined;
  await end;
  live?.unsubscribe();
  const table = await asked.table();
  if (json) {
    writeRows(table, out);
    tellLoss(table);
  } else screen.show(table, MOST_GROUPS);
}

async function events(asked: Probe<any>, end: Promise<void>, json: boolean, out: Out): Promise<void> {
  const screen = new Screen(out);
  let newest: ColumnTable | undefined;
  let rows = 0;
  let lost = "0 lost";
  const caption = () => `${rows.toLocaleString("en")} events, ${lost}`;
  await new Promise<void>((resolve, reject) => {
    const subscription = asked.events().subscribe({
      next(batch) {
        rows += batch.table.numRows();
        lost = lossText(missedSince(batch, batch.baseline));
        if (json) return writeRows(batch.table, out);
        newest = newestOf(newest ? concatTables([newest, batch.table]) : batch.table);
        if (out.isTTY) screen.show(newest, NEWEST_ROWS, caption());
      },
      error: reject,
      complete: resolve,
    });
    void end.then(() => {
      settleRings(); // what the rings hold at this moment is part of the answer
      subscription.unsubscribe();
      resolve();
    });
  });
  if (json) process.stderr.write(lost !== "0 lost" ? `${caption()}\n` : "");
  else if (newest) screen.show(newest, NEWEST_ROWS, caption());
  else out.write(`${caption()}\n`);
}

function newestOf(table: ColumnTable): ColumnTable {
  return table.slice(Math.max(0, table.numRows() - NEWEST_ROWS)).reify();
}

/** Prints a table, in a terminal over the one before. */
class Screen {
  #lines = 0;

  readonly #out: Out;

  constructor(out: Out) {
    this.#out = out;
  }

  show(table: ColumnTable, limit: number, caption = ""): void {
    const text = `${tableText(table, { limit })}\n${caption ? `${caption}\n` : ""}`;
    if (this.#out.isTTY && this.#lines > 0) this.#out.write(`\u001b[${this.#lines}A\u001b[J`);
    this.#out.write(text);
    this.#lines = text.split("\n").length - 1;
  }
}

function tellLoss(table: ColumnTable): void {
  const note = lossNote(captureOf(table));
  if (note) process.stderr.write(`${note}\n`);
}

function writeRows(table: ColumnTable, out: Out): void {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === "bigint" ? String(value) : ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value;
  let text = "";
  for (const row of table.objects()) text += `${visibleJson(row, plain)}\n`;
  if (text) out.write(text);
}
