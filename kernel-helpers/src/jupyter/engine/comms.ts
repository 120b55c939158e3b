/**
 * Comms: messages between objects of cells and their counterparts in the page.
 * https://jupyter-client.readthedocs.io/en/stable/messaging.html#custom-messages
 */
import { AsyncResource } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { Comm, CommExtras, CommHost } from "../../base/display.js";
import type { Extras, Request } from "../thread-messages.js";
import { currentCell } from "../interrupt/cell.js";
import type { Channel } from "../channel.js";
import { rethrown } from "../interrupt/rethrown.js";
import { macrotask } from "../interrupt/macrotask.js";

type Handler = (data: unknown, buffers: readonly Uint8Array[]) => void;
type Acceptor = (comm: Comm, data: unknown, buffers: readonly Uint8Array[]) => void;

/** A handler of a cell, to be called from outside of it: it runs in the cell's context, and its errors are the cell's. */
function ofThisCell<Args extends unknown[]>(handler: (...args: Args) => void): (...args: Args) => void {
  return AsyncResource.bind((...args: Args) => rethrown(() => handler(...args)));
}

function copied({ metadata, buffers }: CommExtras): Extras {
  const bytes = buffers?.map((one) =>
    (ArrayBuffer.isView(one)
      ? new Uint8Array(one.buffer, one.byteOffset, one.byteLength)
      : new Uint8Array(one)
    ).slice(),
  );
  return { ...(metadata ? { metadata } : {}), ...(bytes ? { buffers: bytes } : {}) };
}

class OpenComm implements Comm {
  readonly messageHandlers: Handler[] = [];
  readonly closeHandlers: Handler[] = [];
  readonly #publish: (type: string, content: Record<string, unknown>, extras?: CommExtras) => void;
  readonly #forget: () => void;
  closed = false;

  constructor(
    readonly id: string,
    readonly target: string,
    publish: (type: string, content: Record<string, unknown>, extras?: CommExtras) => void,
    forget: () => void,
  ) {
    this.#publish = publish;
    this.#forget = forget;
  }

  send(data: unknown, extras?: CommExtras): void {
    if (!this.closed) this.#publish("comm_msg", { comm_id: this.id, data: data ?? {} }, extras);
  }

  close(data: unknown = {}): void {
    if (this.closed) return;
    this.end();
    this.#publish("comm_close", { comm_id: this.id, data });
  }

  /** Both ends are closed: nothing more is sent or heard. */
  end(): void {
    this.closed = true;
    this.#forget();
  }

  onMessage(handler: Handler): void {
    this.messageHandlers.push(ofThisCell(handler));
  }

  onClose(handler: Handler): void {
    this.closeHandlers.push(ofThisCell(handler));
  }
}

export class Comms implements CommHost {
  readonly #channel: Channel;
  readonly #open = new Map<string, OpenComm>();
  readonly #targets = new Map<string, Acceptor>();
  /** Header of the message whose handlers run now: what they send is its consequence. */
  #parent: string | undefined;
  /** Says that the handlers of the message in hand are done, or never will be. */
  #done: (() => void) | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  open(target: string, data: unknown = {}, extras?: CommExtras): Comm {
    const comm = this.#comm(randomUUID(), target);
    this.#publish("comm_open", { comm_id: comm.id, target_name: target, data }, extras);
    return comm;
  }

  onOpen(target: string, accept: Acceptor): () => void {
    const acceptor = ofThisCell(accept);
    this.#targets.set(target, acceptor);
    return () => {
      if (this.#targets.get(target) === acceptor) this.#targets.delete(target);
    };
  }

  /** The open comms by id; of one target, if it is given. */
  info(target: unknown): Record<string, { target_name: string }> {
    const wanted = [...this.#open.values()].filter((comm) => !target || comm.target === target);
    return Object.fromEntries(wanted.map((comm) => [comm.id, { target_name: comm.target }]));
  }

  /** Takes a comm message of the page; resolves when its handlers have returned. */
  receive(request: Request): Promise<void> {
    return new Promise((resolve) => {
      // In a turn of its own: a handler that an interrupt ends takes its whole stack with it.
      macrotask(() => {
        this.abandon();
        this.#parent = request.parent;
        this.#done = resolve;
        this.#dispatch(request);
        this.abandon();
      });
    });
  }

  /** Nothing more of the message in hand: its handlers have returned, or were ended. */
  abandon(): void {
    this.#done?.();
    this.#done = this.#parent = undefined;
  }

  #dispatch({ type, content, buffers }: Request): void {
    const { data } = content;
    const id = String(content["comm_id"]);
    if (type === "comm_open") {
      const target = String(content["target_name"]);
      const accept = this.#targets.get(target);
      // Nobody listens on this target: the protocol asks to close it again.
      if (!accept) return this.#publish("comm_close", { comm_id: id, data: {} });
      return accept(this.#comm(id, target), data, buffers);
    }
    const comm = this.#open.get(id);
    if (!comm) return;
    if (type === "comm_close") comm.end();
    for (const handle of type === "comm_close" ? comm.closeHandlers : comm.messageHandlers) handle(data, buffers);
  }

  #comm(id: string, target: string): OpenComm {
    const comm = new OpenComm(id, target, this.#publish, () => this.#open.delete(id));
    this.#open.set(id, comm);
    return comm;
  }

  readonly #publish = (type: string, content: Record<string, unknown>, extras: CommExtras = {}): void => {
    const parent = this.#parent ?? currentCell()?.parent ?? "{}";
    this.#channel.publish(type, parent, content, copied(extras));
  };
}
