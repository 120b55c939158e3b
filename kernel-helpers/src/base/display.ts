/**
 * What the notebook's kernel offers to the layers below it: a place to show
 * things, and word of an interrupt. The kernel calls `setHost` when it starts;
 * in a plain script nothing is set, and `display` prints the text form.
 *
 *   bpf, streams, tables, charts ──display(), interruptSignal()──▶ host ◀──setHost()── jupyter
 */

import { inspect } from "node:util";
import { visibleLines } from "./text.js";

/** Representations of one value by MIME type, as Jupyter's `display_data` carries them. */
export type MimeBundle = Record<string, unknown>;

/**
 * A value with this method says itself how a notebook shows it (the symbol that Deno's kernel uses too).
 *
 * @example
 * const greeting = { [displaySymbol]: () => ({ "text/html": "<b>hello</b>", "text/plain": "hello" }) };
 * greeting
 */
export const displaySymbol: unique symbol = Symbol.for("Jupyter.display") as never;

/** A value that knows how a notebook shows it. */
export interface Displayable {
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
}

/** One output area that was shown and can be changed in place. */
export interface DisplayHandle {
  /** Replaces what is shown. Never throws: a front end that is gone is no error of the data's. */
  update(value: unknown): void;
}

/** What a comm message carries beside its data. */
export interface CommExtras {
  /** What Jupyter's protocol calls the message's metadata, as JSON. */
  metadata?: Record<string, unknown>;
  /** Binary data, which JSON cannot carry; it is copied. */
  buffers?: readonly (ArrayBufferView | ArrayBuffer)[];
}

/**
 * One end of a conversation with an object in the page, such as a widget's, in Jupyter's comm messages.
 * Handlers run as part of the cell that set them: what they print is shown below it.
 */
export interface Comm {
  /** Its id in Jupyter's messages. */
  readonly id: string;
  /** What the two ends agreed to talk about, such as `jupyter.widget`. */
  readonly target: string;
  /** True once either end has closed it. */
  readonly closed: boolean;
  /** Sends data that JSON can carry. Once the comm is closed it does nothing. */
  send(data: unknown, extras?: CommExtras): void;
  /** Ends the conversation. Idempotent; `onClose` is for the page's end only. */
  close(data?: unknown): void;
  /** Calls back with the data and the binary data of each message that the page sends. */
  onMessage(handler: (data: unknown, buffers: readonly Uint8Array[]) => void): void;
  /** Calls back when the page closes its end, as it does at once when nothing there knows the target. */
  onClose(handler: (data: unknown) => void): void;
}

/** Both ways to begin a conversation with the page. */
export interface CommHost {
  /** Opens one with what the page has registered under the target. */
  open(target: string, data?: unknown, extras?: CommExtras): Comm;
  /** Takes those that the page opens; returns a function that refuses further ones. */
  onOpen(target: string, accept: (comm: Comm, data: unknown, buffers: readonly Uint8Array[]) => void): () => void;
}

/** One run of a cell. */
export interface CellRun {
  /** Which cell: the same in each of its runs. */
  readonly id: string;
  /** Later runs have higher numbers. */
  readonly run: number;
}

/** What a kernel implements. */
export interface Host {
  /** Shows a bundle as a new output of the cell that is running in the caller's async context. */
  show(bundle: MimeBundle): { update(bundle: MimeBundle): void };
  /** Aborted when the user interrupts the cell of the caller's async context; undefined outside a cell. */
  interruptSignal(): AbortSignal | undefined;
  /** The cell of the caller's async context; undefined outside a cell. */
  cell?(): CellRun | undefined;
  /** Tells of each run of a cell that has ended without a failure. */
  onCellEnd?(listener: (run: CellRun) => void): void;
  /** The cell of the caller's async context does not end before this work does: what is being drawn is part of its output. */
  hold?(work: Promise<unknown>): void;
  /** Runs work whose timers outlive an interrupt of the cell. */
  detached?<T>(work: () => T): T;
  readonly comms?: CommHost;
}

let current: Host | undefined;

/** Called once by the kernel when it starts; returns a function that puts back what was there. */
export function setHost(host: Host | undefined): () => void {
  const before = current;
  current = host;
  return () => {
    current = before;
  };
}

/** True when a notebook's kernel is there to show things. */
export function hasHost(): boolean {
  return current !== undefined;
}

/**
 * Jupyter's comms, conversations with objects in the page; undefined where there is no page, as in a plain script.
 *
 * @example
 * comms()?.onOpen("my-target", (comm, data) => console.log(data));
 */
export function comms(): CommHost | undefined {
  return current?.comms;
}

/** The signal that aborts when the user interrupts the running cell. */
export function interruptSignal(): AbortSignal | undefined {
  return current?.interruptSignal();
}

/** The cell that runs, so that what its earlier run began can be replaced; undefined outside a notebook. */
export function cellRun(): CellRun | undefined {
  return current?.cell?.();
}

/** Calls back whenever a run of a cell has ended without a failure; never outside a notebook. */
export function onCellEnd(listener: (run: CellRun) => void): void {
  current?.onCellEnd?.(listener);
}

/** Runs work whose timers the cell does not own: they go on when the user interrupts it, as a widget does. */
export function detached<T>(work: () => T): T {
  return current?.detached ? current.detached(work) : work();
}

/** True if the value carries its own representation. */
export function isDisplayable(value: unknown): value is Displayable {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as Partial<Displayable>)[displaySymbol] === "function"
  );
}

type Form = (value: never) => MimeBundle | Promise<MimeBundle>;

/** How a notebook shows instances of classes that are not ours, by their prototypes. */
const forms = new Map<object, Form>();

/** How console.log prints them, likewise. */
const texts = new Map<object, (value: never) => string>();

/**
 * Says how a notebook shows the instances of a class that is a library's, such as arquero's tables: their class stays
 * as the library made it.
 */
export function showInstances<T>(
  of: abstract new (...of: never[]) => T,
  form: (value: T) => MimeBundle | Promise<MimeBundle>,
  text?: (value: T) => string,
): void {
  forms.set(of.prototype as object, form);
  if (text) texts.set(of.prototype as object, text);
}

/** What console.log prints for an instance of such a class; undefined where nothing was said. */
export function textOf(value: object): string | undefined {
  return ofItsClass(value, texts)?.(value as never);
}

function ofItsClass<T>(value: unknown, known: ReadonlyMap<object, T>): T | undefined {
  if (value === null || typeof value !== "object") return undefined;
  for (let of: object | null = value; of; of = Object.getPrototypeOf(of) as object | null) {
    const found = known.get(of);
    if (found) return found;
  }
  return undefined;
}

/** The representations of any value: its own, those given for its class, or its text. */
export async function bundleOf(value: unknown): Promise<MimeBundle> {
  if (isDisplayable(value)) return value[displaySymbol]();
  const form = ofItsClass(value, forms);
  if (form) return form(value as never);
  if (typeof value === "string") return { "text/plain": value };
  // An error's message stands in it as it is.
  return { "text/plain": visibleLines(inspect(value, { maxArrayLength: 100, breakLength: 100 })) };
}

/**
 * A bundle given as it is, for instance `display(mime({ "text/html": "<b>hi</b>" }))`.
 *
 * @example
 * await display(mime({ "text/html": "<b>hello</b>", "text/plain": "hello" }));
 */
export function mime(bundle: MimeBundle): Displayable {
  return { [displaySymbol]: () => bundle };
}

/**
 * Shows a value below the cell that runs now, and returns a handle that changes it in place.
 *
 * @example
 * const d = await display("working");
 * d.update("done");
 */
export function display(value: unknown): Promise<DisplayHandle> {
  const shown = show(value);
  current?.hold?.(shown);
  // As the last expression of a cell it has been shown already: it adds nothing.
  return Object.assign(shown, { [displaySymbol]: () => shown.then(() => ({})) });
}

async function show(value: unknown): Promise<DisplayHandle & Displayable> {
  const host = current;
  const first = await bundleOf(value);
  if (!host) {
    console.log(first["text/plain"] ?? value);
    return { update: () => {}, [displaySymbol]: () => ({}) };
  }
  const shown = host.show(first);
  let last = 0;
  return {
    update(next) {
      const mine = ++last; // a slow bundle must not overwrite a newer one
      const updated = bundleOf(next).then(
        (bundle) => {
          if (mine === last) shown.update(bundle);
        },
        (error: unknown) => shown.update({ "text/plain": visibleLines(String(error)) }),
      );
      host.hold?.(updated);
    },
    [displaySymbol]: () => ({}),
  };
}
