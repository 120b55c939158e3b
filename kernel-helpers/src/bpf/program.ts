import { inspect, isDeepStrictEqual } from "node:util";
import { lacking } from "../base/capabilities.js";
import { ArgumentError, AttachError, BpflabError, ClosedError, NotRootError } from "../base/errors.js";
import { attachProgram } from "./link/attach.js";
import type { Attachment } from "./link/attachment.js";
import { kindOf, type Hook } from "./link/hooks.js";
import { Pinnable, Pins } from "./pins.js";
import {
  isNativeError,
  native,
  type LinkHandle,
  type ObjectHandle,
  type ProgramDescription,
  type ProgramInfo,
} from "../base/native.js";

/** What a program has cost, while somebody looked. */
export interface ProgramStats {
  /** Times it was run since the kernel began to count. */
  runs: number;
  /** Time of all these runs, ns. */
  run_time_ns: number;
  /** Mean time of a run, ns; NaN before the first. */
  ns_per_run: number;
  /** Times it was not run since it was loaded, because its CPU was inside another BPF program or a change of a map. */
  missed: number;
}

// The kernel counts runs only on request, for all programs together; it costs some 20 ns a run.
let counting: LinkHandle | undefined;

/** @internal what the kernel has counted of a program; makes it count from now on */
export function runStats(read: () => ProgramInfo): ProgramStats {
  try {
    counting ??= native.bpf_enable_stats();
  } catch (error) {
    if (!isNativeError(error)) throw error;
    const missing = lacking("CAP_SYS_ADMIN");
    if (missing.length > 0) throw new NotRootError("Counting the runs of programs", missing);
    throw new BpflabError("STATS", `The kernel does not count the runs of programs: ${error.message}.`, {
      cause: error,
    });
  }
  const { runs, runTime, recursionMisses } = read();
  return { runs, run_time_ns: runTime, ns_per_run: runs === 0 ? NaN : runTime / runs, missed: recursionMisses };
}

/**
 * One program of a loaded object.
 *
 * @example
 * ringbuf.programs.handle_exit.stats()  // { runs, run_time_ns, ns_per_run, missed }
 */
export class BpfProgram extends Pinnable {
  /** The name of its C function. */
  readonly name: string;
  /** Its SEC(), which names the hook. */
  readonly section: string;
  /** The kernel's name of its type, such as `tracepoint`. */
  readonly type: string;
  /** BPF instructions that were loaded, those of its subprograms included. */
  readonly instructions: number;
  /** False when it was left out, by `programs: { NAME: false }` or by `SEC("?…")`: then it cannot be attached. */
  readonly isLoaded: boolean;
  readonly #object: () => ObjectHandle;
  readonly #description: ProgramDescription;
  readonly #linkPins = new Pins();
  #attachment: Attachment | undefined;
  /** The options it was attached with, as they were given. */
  #given: Hook | undefined;
  #attaching: Promise<void> | undefined;
  /** The end of the attach that was begun last. */
  #lastAttach: Promise<void> = Promise.resolve();

  private constructor(object: () => ObjectHandle, description: ProgramDescription) {
    super();
    this.#object = object;
    this.#description = description;
    this.name = description.name;
    this.section = description.section;
    this.type = description.typeName;
    this.instructions = description.instructions;
    this.isLoaded = description.isLoaded;
  }

  /** @internal made by the object that has it */
  static make(object: () => ObjectHandle, description: ProgramDescription): BpfProgram {
    return new BpfProgram(object, description);
  }

  /** True while it is attached to its hook by this handle; false when its interface has gone. */
  get attached(): boolean {
    return this.#attachment !== undefined && !this.#attachment.isGone?.();
  }

  /** What it was attached with, those options filled in that were left out; undefined while it is not attached. */
  get hook(): Record<string, unknown> | undefined {
    return this.attached ? (this.#attachment!.hook as Record<string, unknown>) : undefined;
  }

  /** Where it is attached, in words; undefined while it is not. */
  get where(): string | undefined {
    return this.attached ? this.#attachment!.where : undefined;
  }

  /** False for programs that run otherwise than by a hook, such as those of SEC("syscall"). */
  get hasHook(): boolean {
    return this.byHand === undefined;
  }

  /** @internal how it is run otherwise, for users to read; undefined for programs with a hook */
  get byHand(): string | undefined {
    return kindOf(this.#description).byHand;
  }

  /** The names of the options that `attach` takes for programs of its kind. */
  get takes(): readonly string[] {
    return kindOf(this.#description).takes;
  }

  /**
   * Attaches it to the hook that its SEC() and the options name; does nothing when it is there. A program that
   * is elsewhere, say on another interface, moves: it is on the new one before it leaves the old.
   *
   * @param on what SEC() does not say: the interface of a network program, the function of a uprobe, …
   * @throws AttachError, MissingFeatureError, ClosedError; ArgumentError when an option is missing or unknown
   * @example
   * await mine.programs.on_packet.attach({ interface: ["eth0", "eth1"], mode: "generic" });
   * await mine.programs.on_malloc.attach({ path: "libc.so.6", function: "malloc", pid: 1234 });
   */
  async attach(on?: Hook): Promise<void> {
    if (!this.isLoaded)
      throw new ArgumentError(`The program ${this.name} was left out when its object was loaded.`, {
        hint: `Load it with programs: { ${this.name}: true }.`,
      });
    if (this.attached && !this.#isElsewhere(on)) return;
    await (this.#attaching ??= this.#attachAfter(this.#lastAttach, on));
  }

  /**
   * Attaches when what was begun before has ended, also what was cancelled meanwhile: the kernel refuses a program
   * that is on the hook already.
   */
  #attachAfter(last: Promise<void>, on: Hook | undefined): Promise<void> {
    const attaching: Promise<void> = last.then(async () => {
      try {
        const attachment = await this.#attachNew(on);
        if (this.#attaching !== attaching) {
          attachment.detach(); // taken off or closed meanwhile: it does not stay
          this.#object();
          return;
        }
        this.#attachment?.detach();
        this.#attachment = attachment;
        this.#given = on;
      } catch (error) {
        this.#object(); // closed meanwhile: that is the reason
        throw error;
      } finally {
        if (this.#attaching === attaching) this.#attaching = undefined;
      }
    });
    this.#lastAttach = attaching.catch(() => {}); // who attached is told
    return attaching;
  }

  /** Some hooks have no room for the new place beside the old one: there the old one goes first. */
  async #attachNew(on: Hook | undefined): Promise<Attachment> {
    const program = () => ({ ...this.#description, object: this.#object() });
    const old = this.#attachment;
    try {
      return await attachProgram(program(), on);
    } catch (error) {
      if (!old || !this.attached || !isOccupied(error)) throw error;
      const given = this.#given;
      this.#attachment = undefined;
      old.detach();
      try {
        return await attachProgram(program(), on);
      } catch (second) {
        this.#attachment = await attachProgram(program(), given);
        throw second;
      }
    }
  }

  #isElsewhere(on: Hook | undefined): boolean {
    if (!on) return false;
    const now: Record<string, unknown> = { ...this.#attachment!.hook };
    const wanted: Record<string, unknown> = { ...kindOf(this.#description).defaults, ...on };
    return Object.entries(wanted).some(
      ([name, value]) => value !== undefined && value !== now[name] && !isDeepStrictEqual(value, now[name]),
    );
  }

  /**
   * Comes in place of another program: on the same hook by an atomic exchange where the kernel can; else by
   * attaching beside it with the same options; else, where the hook has room for one only, after it.
   *
   * @internal
   * @returns what undoes the exchange; undefined when both are attached now
   */
  async takeOver(before: BpfProgram): Promise<(() => void | Promise<void>) | undefined> {
    const attachment = before.#attachment;
    const [kind, was] = [kindOf(this.#description), kindOf(before.#description)];
    if (!attachment || kind !== was) {
      await this.attach();
      return undefined;
    }
    const on = this.section === before.section ? before.#given : unnamed(before.#given, this.section, kind.inSection);
    const isUpdatable = before.type === this.type && before.#description.attachType === this.#description.attachType;
    if (!attachment.swap || !isUpdatable) {
      if (attachment.isExclusive) {
        before.detach();
        const back = () => before.attach(before.#given);
        await this.attach(on).catch(async (error: unknown) => {
          await back();
          throw error;
        });
        return async () => {
          this.detach();
          await back();
        };
      }
      await this.attach(on);
      return undefined;
    }
    attachment.swap(this.#object(), this.name);
    [this.#attachment, before.#attachment] = [attachment, undefined];
    this.#given = before.#given;
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
    if (attachment?.links) return [...attachment.links];
    attachment?.detach();
    return [];
  }

  /**
   * Pins what keeps it attached to a path on a bpffs: the program stays on its hook after `detach` and after this process
   * has ended, left behind on purpose, until `unpinLink` or rm removes the path. `bpf.pinned(path)` opens it again.
   *
   * @throws ArgumentError when it is not attached, or by what is no link or more than one; and as `pin`
   * @example
   * await filter.attach({ interface: "eth0" });
   * filter.programs.on_packet.pinLink("/sys/fs/bpf/on_packet_link");
   */
  pinLink(path: string): this {
    if (!this.attached)
      throw new ArgumentError(`The program ${this.name} is not attached: there is no link to pin.`, {
        hint: "Attach it first.",
      });
    const [link, ...others] = this.#attachment!.held ?? [];
    if (!link || others.length > 0)
      throw new ArgumentError(
        link
          ? `The program ${this.name} is attached by ${others.length + 1} links (${this.where}), and one path holds one.`
          : `The program ${this.name} is attached by what is no link (${this.where}), and goes with this process.`,
      );
    this.#linkPins.add(native.bpf_link__fd(link), path);
    return this;
  }

  /** Removes the paths that `pinLink` has made, or one of them. */
  unpinLink(path?: string): void {
    this.#linkPins.remove(path);
  }

  /** Where `pinLink` has left what keeps it attached, as far as it is still there. */
  get pinnedLinks(): string[] {
    return this.#linkPins.paths();
  }

  /** Its descriptor in this process, which a program array takes as a value. @throws ClosedError */
  override get fd(): number {
    return native.bpf_program__fd(this.#object(), this.name);
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
    return runStats(() => native.bpf_program__info(this.#object(), this.name));
  }

  /** @internal what `missed` of `stats` tells, without making the kernel count runs; 0 when nobody can tell any more */
  get skipped(): number {
    if (!this.isLoaded) return 0;
    try {
      return native.bpf_program__info(this.#object(), this.name).recursionMisses;
    } catch (error) {
      if (error instanceof ClosedError || isNativeError(error)) return 0;
      throw error;
    }
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

  /**
   * What an iterator, SEC("iter/…"), prints in one pass over what it walks over; attached or not.
   *
   * @throws ArgumentError for other programs, AttachError
   * @example
   * mine.programs.list_tasks.attach().then(() => mine.programs.list_tasks.read())  // "1 systemd\n2 kthreadd\n…"
   */
  read(): string {
    return this.readBytes().toString();
  }

  /** @internal the same as it came */
  readBytes(): Buffer {
    const read = this.attached ? this.#attachment!.read : undefined;
    if (!read)
      throw new ArgumentError(
        /^iter(\.s)?\//.test(this.section)
          ? `The iterator ${this.name} is not attached.`
          : `The program ${this.name} (${this.section}) is not an iterator and has no output.`,
        { hint: 'Programs of SEC("iter/…") can be read after attach().' },
      );
    return read();
  }

  [inspect.custom](): string {
    return `BpfProgram ${this.name} (${this.section})${this.attached ? " attached" : ""}`;
  }
}

/** True when a program was refused because there is one: EBUSY or EEXIST. */
function isOccupied(error: unknown): boolean {
  const errno = (one: unknown) => (isNativeError(one) || one instanceof AttachError ? one.errno : 0);
  return [errno(error), errno((error as Error).cause)].some((one) => one === 16 || one === 17);
}

/** Of options, those that stay when a rerun has changed SEC(): what it names now takes the place of what was given. */
function unnamed(on: Hook | undefined, section: string, inSection: readonly string[] = []): Hook | undefined {
  if (!on || !section.includes("/")) return on;
  return Object.fromEntries(Object.entries(on).filter(([name]) => !inSection.includes(name)));
}

/** @internal the error for a handle that is closed */
export function closed(name: string): ClosedError {
  return new ClosedError(`The BPF object ${name}`);
}
