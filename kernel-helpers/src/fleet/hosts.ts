import type { JetStreamClient } from "@nats-io/jetstream";
import type { HostClocks } from "./host-clocks.js";
import type { Outcome } from "./outcomes.js";
import type { Command } from "./protocol.js";

/** A command without the notebook's own id. */
export type Ask = Command extends infer C ? (C extends Command ? Omit<C, "notebook"> : never) : never;

/** What the handles of programs, rings and maps know of the fleet whose they are. */
export interface Hosts {
  readonly closed: boolean;
  /** @internal */
  readonly stream: JetStreamClient;
  /** @internal */
  readonly clocks: HostClocks;
  /** @internal */
  askHost<T>(host: string, ask: Ask): Promise<T>;
  /** @internal */
  command<T>(hosts: readonly string[], ask: Ask, timeout?: number): Promise<Outcome<T>[]>;
  /** @internal */
  stoodStill(since: number): { seconds: number; note: string } | undefined;
  /** @internal */
  forget(object: { readonly name: string }): void;
}
