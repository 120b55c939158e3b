import { inspect } from "node:util";
import { ArgumentError, ClosedError } from "../base/errors.js";
import type { NetworkHook } from "./link/network.js";
import { attachProgram, isNetworkProgram, type Attachment } from "./link/attach.js";
import { isNativeError, native, type LinkHandle, type ObjectHandle, type ProgramDescription } from "../base/native.js";

/** What a program has cost, while somebody looked. */
export interface ProgramStats {
  runs: number;
  /** in all runs */
  run_time_ns: number;
  /** mean of a run; NaN before the first */
  ns_per_run: number;
  /** Times it was not run since it was loaded, because its CPU was inside another BPF program or a change of a map. */
  missed: number;
}

// The kernel counts runs only on request, for all programs together; it costs some 20 ns a run.
let counting: LinkHandle | undefined;

/** One program of a loaded object. */
export class BpfProgram {
  readonly name: string;
  /** Its SEC(), which names the hook. */
  readonly section: string;
  /** The kernel's name of its type, such as `tracepoint`. */
  readonly type: string;
  /** BPF instructions that were loaded, those of its subprograms included. */
  readonly instructions: number;
  readonly #object: () => ObjectHandle;
  readonly #description: ProgramDescription;
  #attachment: Attachment | undefined;
  #attaching: Promise<void> | undefined;
  /** The end of the attach that was begun last. */
  #turn: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(object: () => ObjectHandle, description: ProgramDescription) {
    this.#object = object;
    this.#description = description;
    this.name = description.name;
    this.section = description.section;
    this.type = description.typeName;
    this.instructions = description.instructions;
  }

  /** True while it is attached to its hook by this handle; false when its interface has gone. */
  get attached(): boolean {
    return this.#attachment !== undefined && !this.#attachment.isGone?.();
  }

  /** The interface that a network program is attached to. */
  get hook(): Required<NetworkHook> | undefined {
    return this.attached ? this.#attachment!.hook : undefined;
  }

  /** True for a program that is attached to a network interface. */
  get isNetwork(): boolean {
    return isNetworkProgram(this.#description);
  }

  /**
   * Attaches it to the hook of its SEC(), a network program to the interface given; does nothing when it is
   * there. A network program that is on another interface moves: it is on the new one before it leaves the old.
   *
   * @throws AttachError, MissingFeatureError, ClosedError; ArgumentError when a network program is given no interface
   */
  async attach(on?: NetworkHook): Promise<void> {
    if (this.attached && !this.#isElsewhere(on)) return;
    await (this.#attaching ??= this.#attachAfter(this.#turn, on));
  }

  /**
   * Attaches when what was begun before has ended, also what was cancelled meanwhile: the kernel refuses a program
   * that is on the hook already.
   */
  #attachAfter(turn: Promise<void>, on: NetworkHook | undefined): Promise<void> {
    const attaching: Promise<void> = turn.then(async () => {
      try {
        const attachment = await attachProgram(this.#object(), this.#description, on);
        if (this.#attaching !== attaching) {
          attachment.detach(); // taken off or closed meanwhile: it does not stay
          this.#object();
          return;
        }
        this.#attachment?.detach();
        this.#attachment = attachment;
      } catch (error) {
        this.#object(); // closed meanwhile: that is the reason
        throw error;
      } finally {
        if (this.#attaching === attaching) this.#attaching = undefined;
      }
    });
    this.#turn = attaching.catch(() => {}); // who attached is told
    return attaching;
  }

  #isElsewhere(on: NetworkHook | undefined): boolean {
    const now = this.#attachment?.hook;
    if (!now || !on) return false;
    const { direction = "ingress", method = now.method } = on;
    return on.interface !== now.interface || direction !== now.direction || method !== now.method;
  }

  /**
   * Comes in place of another program: on the same hook by an atomic exchange where the kernel can, else
   * by attaching beside it.
   *
   * @internal
   * @returns what undoes the exchange; undefined when both are attached now
   */
  async takeOver(before: BpfProgram): Promise<(() => void) | undefined> {
    const attachment = before.#attachment;
    if (!attachment?.swap || !this.isNetwork) {
      await this.attach();
      return undefined;
    }
    attachment.swap(this.#object(), this.name);
    [this.#attachment, before.#attachment] = [attachment, undefined];
    return () => {
      attachment.swap!(before.#object(), before.name);
      [this.#attachment, before.#attachment] = [undefined, attachment];
    };
  }

  /** Takes it off its hook, also when it is just being attached; idempotent. */
  detach(): void {
    native.bpf_link__destroy(...this.release());
  }

  /**
   * As `detach`, but for the link that keeps it there, which the caller has to destroy.
   *
   * @internal
   */
  release(): LinkHandle[] {
    const attachment = this.#attachment;
    this.#attaching = this.#attachment = undefined;
    if (attachment?.link) return [attachment.link];
    attachment?.detach();
    return [];
  }

  /** The kernel's id of the loaded program, as bpftool shows it. */
  get id(): number {
    return native.bpf_program__info(this.#object(), this.name).id;
  }

  /**
   * Runs and time so far. The kernel starts counting at the first call in this process, so
   * the first answer is zero runs.
   *
   * @example
   * ringbuf.programs.handle_exit.stats()  // { runs: 81234, run_time_ns: 30868920, ns_per_run: 380, missed: 0 }
   */
  stats(): ProgramStats {
    counting ??= native.bpf_enable_stats();
    const { runs, runTime, recursionMisses } = native.bpf_program__info(this.#object(), this.name);
    return { runs, run_time_ns: runTime, ns_per_run: runs === 0 ? NaN : runTime / runs, missed: recursionMisses };
  }

  /**
   * Runs the program in this process without its hook (BPF_PROG_TEST_RUN), for the types that allow it.
   *
   * @param input a packet as `data` for network programs, a context as `context` for raw tracepoints; `repeat` runs
   * @returns what the program returned, the kernel's time of a run in ns, and the packet after it
   * @throws ArgumentError when the kernel has no test run for this type of program
   */
  testRun(input: { data?: Uint8Array; context?: Uint8Array; repeat?: number } = {}): {
    retval: number;
    duration_ns: number;
    data: Buffer;
  } {
    try {
      const { retval, duration, data } = native.bpf_prog_test_run(this.#object(), this.name, input);
      return { retval, duration_ns: duration, data };
    } catch (error) {
      if (!isNativeError(error)) throw error;
      throw new ArgumentError(`The program ${this.name} (${this.type}) cannot be run like this: ${error.message}.`, {
        cause: error,
      });
    }
  }

  [inspect.custom](): string {
    return `BpfProgram ${this.name} (${this.section})${this.attached ? " attached" : ""}`;
  }
}

/** @internal the error for a handle that is closed */
export function closed(name: string): ClosedError {
  return new ClosedError(`The BPF object ${name}`);
}
