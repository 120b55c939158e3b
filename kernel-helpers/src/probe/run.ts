import { map, tap, type Observable } from "rxjs";
import { ownIds } from "../bpf/self.js";
import { compile } from "../clang/compile.js";
import { vmlinux } from "../clang/vmlinux.js";
import type { BpfMap } from "../handles/map.js";
import type { BpfObject } from "../handles/object.js";
import { load } from "../handles/load.js";
import type { EventBatch } from "../streams/batch.js";
import { events } from "../streams/events.js";
import type { EventTable } from "../streams/table.js";
import { Answer } from "./answer.js";
import { explained } from "./probe-error.js";
import { FoldedStacks } from "./folded-stacks.js";
import type { Page } from "./program/page.js";
import type { Params } from "./program/verbs.js";

/** What a program of a probe has cost. */
export interface HookCost {
  hook: string;
  /** BPF instructions. */
  instructions: number;
  /** NaN while nobody counts. */
  runs: number;
  run_time_ns: number;
  ns_per_run: number;
  /** Times it was not run, because its CPU was inside another BPF program. */
  missed: number;
}

let started = 0;

/**
 * Begins what the first question of a process needs and no other one has to wait for: the compiler's version, and who we
 * are. What fails here fails again where it is needed, and is said there.
 */
export function makeReady(): void {
  vmlinux().catch(() => {});
  ownIds().catch(() => {});
}

/** A question that the kernel is answering. */
export class Run {
  readonly answer: Answer;
  readonly #stacks: FoldedStacks | undefined;

  #params: Params;

  private constructor(
    readonly page: Page,
    readonly object: BpfObject,
    params: Params,
  ) {
    this.#params = params;
    this.#stacks = page.usesStacks ? new FoldedStacks(page, object) : undefined;
    this.answer = new Answer(page, this.#stacks);
  }

  /** Compiles and loads; it is not attached yet. @throws ProbeError when the kernel refuses what was asked */
  static async load(page: Page, params: Params): Promise<Run> {
    try {
      // One file name for all: the same question comes from the compiler's cache.
      const compiled = await compile(page.text, { name: `probe_${++started}`, file: "probe.bpf.c", generated: true });
      return new Run(page, await load(compiled, { globals: globalsOf(page, params) }), params);
    } catch (error) {
      throw explained(error, page);
    }
  }

  async attach(): Promise<void> {
    try {
      const timed = [...this.page.hooks].flatMap(([name, { attach }]) => (attach ? [[name, attach] as const] : []));
      await this.object.attach({ programs: Object.fromEntries(timed) });
      if (this.#stacks?.hasUser && this.page.answer === "groups") this.#stacks.follow(this.object);
    } catch (error) {
      throw explained(error, this.page);
    }
  }

  setParams(params: Params): void {
    this.#params = { ...this.#params, ...params };
    for (const [name, value] of Object.entries(globalsOf(this.page, params))) this.object.globals[name] = value;
  }

  /** The events, as the program sends them: `collect` gathers them best. */
  rawEvents(): Observable<EventBatch> {
    const stream = events(this.object, "events");
    const stacks = this.#stacks;
    return stacks?.hasUser ? stream.pipe(tap(({ table }) => stacks.remember(table))) : stream;
  }

  events(): Observable<EventBatch> {
    return this.rawEvents().pipe(map((batch) => ({ ...batch, table: this.answer.events(batch.table) })));
  }

  groups(): EventTable<any> {
    return this.answer.groups(this.object.maps["groups"] as BpfMap, this.#params);
  }

  costs(): HookCost[] {
    return Object.values(this.object.programs).map((program) => {
      const { runs, run_time_ns, ns_per_run, missed } = program.stats();
      const hook = this.page.hooks.get(program.name)?.name ?? program.section;
      return { hook, instructions: program.instructions, runs, run_time_ns, ns_per_run, missed };
    });
  }

  close(): void {
    this.object.close();
  }
}

function globalsOf({ params: globals }: Page, params: Params): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => (globals.has(name) ? [[globals.get(name)!, value]] : [])),
  );
}
