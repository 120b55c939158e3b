import { inspect } from "node:util";
import { ArgumentError, ClosedError } from "../errors.js";
import { attachProgram } from "./attach.js";
import { isNativeError, native, type LinkHandle, type ObjectHandle, type ProgramDescription } from "./native.js";

/** What a program has cost, while somebody looked. */
export interface ProgramStats {
  runs: number;
  /** in all runs */
  run_time_ns: number;
  /** mean of a run; NaN before the first */
  ns_per_run: number;
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
  readonly #object: () => ObjectHandle;
  readonly #description: ProgramDescription;
  #link: LinkHandle | undefined;
  #attaching: Promise<LinkHandle> | undefined;

  /** @internal */
  constructor(object: () => ObjectHandle, description: ProgramDescription) {
    this.#object = object;
    this.#description = description;
    this.name = description.name;
    this.section = description.section;
    this.type = description.typeName;
  }

  /** True while it is attached to its hook by this handle. */
  get attached(): boolean {
    return this.#link !== undefined;
  }

  /** Attaches it to the hook of its SEC(); does nothing when it is. @throws AttachError, MissingFeatureError, ClosedError */
  async attach(): Promise<void> {
    if (this.#link) return;
    this.#attaching ??= attachProgram(this.#object(), this.#description);
    try {
      const link = await this.#attaching;
      if (this.#link === link) return;
      this.#link = link;
      try {
        this.#object(); // closed meanwhile: do not leave it attached
      } catch (error) {
        this.detach();
        throw error;
      }
    } finally {
      this.#attaching = undefined;
    }
  }

  /** Takes it off its hook; idempotent. */
  detach(): void {
    if (this.#link) native.bpf_link__destroy(this.#link);
    this.#link = undefined;
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
   * ringbuf.programs.handle_exit.stats()  // { runs: 81234, run_time_ns: 30868920, ns_per_run: 380 }
   */
  stats(): ProgramStats {
    counting ??= native.bpf_enable_stats();
    const { runs, runTime } = native.bpf_program__info(this.#object(), this.name);
    return { runs, run_time_ns: runTime, ns_per_run: runs === 0 ? NaN : runTime / runs };
  }

  /**
   * Runs the program in this process without its hook (BPF_PROG_TEST_RUN), for the types that allow it.
   *
   * @param input a packet as `data` for network programs, a context as `context` for raw tracepoints; `repeat` runs
   * @returns what the program returned, the kernel's time of a run in ns, and the packet after it
   * @throws ArgumentError when the kernel has no test run for this type of program
   */
  testRun(input: { data?: Uint8Array; context?: Uint8Array; repeat?: number } = {}): { retval: number; duration_ns: number; data: Buffer } {
    try {
      const { retval, duration, data } = native.bpf_prog_test_run(this.#object(), this.name, input);
      return { retval, duration_ns: duration, data };
    } catch (error) {
      if (!isNativeError(error)) throw error;
      throw new ArgumentError(`The program ${this.name} (${this.type}) cannot be run like this: ${error.message}.`, { cause: error });
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
