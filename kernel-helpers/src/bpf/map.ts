import { inspect } from "node:util";
import { requireInteger } from "../base/arguments.js";
import { ArgumentError, BpflabError, ClosedError } from "../base/errors.js";
import type { Layout } from "./btf.js";
import { decode, encode, viewOf } from "./codec.js";
import { flatten } from "./flatten.js";
import { isNativeError, native, type MapDescription, type MapHandle } from "../base/native.js";
import { Pinnable, type Pins } from "./pins.js";
import { isStorage, withOwner } from "./storage-keys.js";
import { descriptorOf, requireOperation, type Operation } from "./operations.js";
import { decodePerCpu, encodePerCpu, isPerCpu, sumPerCpu, type Summed } from "./per-cpu.js";

/** Where a program counts the updates of a map that found no room: its global NAME_lost. */
export interface LossCounter {
  map: MapHandle;
  offset: number;
}

/** What a handle of a map is made of. */
export interface MapParts {
  /** The object's name. */
  owner: string;
  handle: MapHandle;
  description: MapDescription;
  /** Layouts of a key and of one CPU's value, where BTF says. */
  key: Layout | undefined;
  value: Layout | undefined;
  loss: LossCounter | undefined;
  /** Set where it can only be read: what to do to write. */
  readOnly?: string;
  /** Where it is pinned already. */
  pins?: Pins;
}

/**
 * A map of a loaded object, with keys and values as BTF types them; what a user holds is `BpfMap` of handles, which
 * adds tables. What it can do depends on its type: arrays cannot delete, queues and stacks have no keys. An operation
 * that the type lacks is an ArgumentError that says what there is.
 *
 * @typeParam Key integers are numbers, structs are objects, `char[N]` is a string
 * @typeParam Value in a per-CPU map an array, one value for each possible CPU
 * @example
 * stats.maps.stats_map.getSummed({ pid: 1234, fd: 1 })?.writes
 */
export class MapBase<Key = any, Value = any> extends Pinnable {
  /** Its name in the C source; of a map of another process as the kernel has it, up to 15 characters. */
  readonly name: string;
  /** The kernel's name of the type, such as `hash`. */
  readonly type: string;
  /** Entries it has room for; of a ring buffer, its bytes. */
  readonly maxEntries: number;
  /** Values that a key has: the possible CPUs for a per-CPU map, else 1. */
  readonly cpus: number;
  /** A key's layout from BTF; undefined where the object does not say. */
  readonly keyLayout: Layout | undefined;
  /** A value's layout from BTF, in a per-CPU map of one CPU's value; undefined where the object does not say. */
  readonly valueLayout: Layout | undefined;
  /** The object's name and its own, as errors and tables call it. */
  readonly path: string;
  readonly #handle: MapHandle;
  readonly #keySize: number;
  readonly #loss: LossCounter | undefined;
  readonly #readOnly: string | undefined;
  readonly #onClose = new Set<() => void>();
  #closed = false;

  protected constructor({ owner, handle, description, key, value, loss, readOnly, pins }: MapParts) {
    super(pins);
    this.path = `${owner}.${description.name}`;
    this.#handle = handle;
    this.#keySize = description.keySize;
    this.#loss = loss;
    this.#readOnly = readOnly;
    this.name = description.name;
    this.type = description.typeName;
    this.maxEntries = description.maxEntries;
    this.cpus = isPerCpu(this.type) ? native.libbpf_num_possible_cpus : 1;
    this.keyLayout = key;
    this.valueLayout = value;
  }

  /** @internal the addon's handle. @throws ClosedError */
  get handle(): MapHandle {
    if (this.#closed) throw new ClosedError(`The map ${this.path}`);
    return this.#handle;
  }

  /** Its descriptor in this process, which a map of maps takes as a value. @throws ClosedError */
  override get fd(): number {
    return native.bpf_map__fd(this.handle);
  }

  /** True once it has been closed, by itself or with its object. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Updates that found no room, if the program counts them in a global called NAME_lost; else undefined. */
  get lost(): number | undefined {
    if (!this.#loss || this.#closed) return undefined;
    return decode(u64, viewOf(native.map_memory_read(this.#loss.map, this.#loss.offset, 8))) as number;
  }

  /**
   * The value of a key, or undefined when it is not there; in a per-CPU map an array with the value
   * of each possible CPU. An LPM trie answers with the longest prefix that the key falls under.
   *
   * @throws ArgumentError that names the field and its range, ClosedError
   */
  get(key: Key): Value | undefined {
    const bytes = this.#lookup("get", key);
    return bytes && this.#decodeValue(bytes);
  }

  /**
   * The values of all CPUs as one, or undefined when the key is not there. Numbers are added up, or the smallest or largest is taken where the
   * program's struct says so with COMBINE(min) or COMBINE(max).
   *
   * @throws ArgumentError, ClosedError
   */
  getSummed(key: Key): Summed<Value> | undefined {
    const bytes = this.#lookup("getSummed", key);
    return bytes && (sumPerCpu(this.layoutOf("value"), bytes) as Summed<Value>);
  }

  /** True if the key is there; in an LPM trie, if it falls under a prefix; of a bloom filter, if the value may be in it. @throws ArgumentError, ClosedError */
  has(key: Key): boolean {
    return this.#lookup("has", key) !== undefined;
  }

  /**
   * Puts a value under a key, whether or not one is there. Fields left out are zero. An LRU map makes
   * room by itself; every other can be full.
   *
   * @throws ArgumentError that names the field and its range, or says that the map is full; ClosedError
   */
  set(key: Key, value: Value): void {
    requireOperation(this, "set");
    const valueBytes = this.#encodeValue(value);
    this.#withKey("set", key, (handle, bytes) => native.bpf_map_update_elem(handle, bytes, valueBytes, 0));
  }

  /**
   * Puts many values at one go, in one system call where the kernel has it. Those before one that
   * fails stay.
   *
   * @throws ArgumentError, as `set`
   * @example
   * blocked.maps.addresses.setAll(addresses.map((address) => [address, { hits: 0 }]));
   */
  setAll(entries: Iterable<readonly [Key, Value]>): void {
    requireOperation(this, "setAll");
    const [keys, values]: [Buffer[], Buffer[]] = [[], []];
    for (const [key, value] of entries) {
      keys.push(this.#encodeKey("setAll", key));
      values.push(this.#encodeValue(value));
    }
    this.#call("setAll", (handle) => native.bpf_map_update_batch(handle, Buffer.concat(keys), Buffer.concat(values)));
  }

  /** Removes a key; returns whether it was there. @throws ArgumentError, ClosedError */
  delete(key: Key): boolean {
    return this.#withKey("delete", key, (handle, bytes) => native.bpf_map_delete_elem(handle, bytes));
  }

  /**
   * All entries. The kernel may change the map meanwhile: an entry that comes or goes during
   * the walk may or may not be seen, but none is seen twice and the walk ends. (Of an LPM trie that
   * changes, the kernel may also pass over an entry that stays.)
   *
   * @throws ArgumentError, ClosedError
   * @example
   * for (const [thread, event] of hashmap.maps.match_map.entries()) console.log(thread, event.fd);
   */
  entries(): [Key, Value][] {
    const { rows, keys, values } = this.walk("entries");
    const size = values.length / rows;
    return this.#decodeKeys(rows, keys).map((key, row) => [
      key,
      this.#decodeValue(values.subarray(row * size, (row + 1) * size)),
    ]);
  }

  /** The keys there are; see `entries`. @throws ArgumentError, ClosedError */
  keys(): Key[] {
    const { rows, keys } = this.walk("keys");
    return this.#decodeKeys(rows, keys);
  }

  /**
   * Empties the map; the entries of an array become zero. What programs put in meanwhile may stay.
   *
   * @returns the number of entries taken out, or made zero
   * @throws ArgumentError, ClosedError
   */
  clear(): number {
    requireOperation(this, "clear");
    if (this.type === "queue" || this.type === "stack") {
      let taken = 0;
      while (taken < this.maxEntries && this.pop() !== undefined) taken++;
      return taken;
    }
    const { rows, keys, values } = this.walk("clear");
    if (!this.#isArray) return this.#call("clear", (handle) => native.bpf_map_delete_batch(handle, keys));
    this.#call("clear", (handle) => native.bpf_map_update_batch(handle, keys, values.fill(0)));
    return rows;
  }

  /**
   * Adds a value: at the end of a queue, on top of a stack, to a bloom filter; to a user ring buffer a record for the
   * program that drains it, as bytes where the map has no __type(value, …).
   *
   * @throws ArgumentError when it is full or the value does not fit
   */
  push(value: Value): void {
    requireOperation(this, "push");
    if (this.type === "user_ringbuf") {
      const record = this.valueLayout || !(value instanceof Uint8Array) ? this.#encodeValue(value) : value;
      return this.#call("push", (handle) => native.user_ring_buffer_push(handle, record));
    }
    const bytes = this.#encodeValue(value);
    this.#call("push", (handle) => native.bpf_map_update_elem(handle, noKey, bytes, 0));
  }

  /** Takes out the first value of a queue, the top one of a stack; undefined when it is empty. @throws ArgumentError, ClosedError */
  pop(): Value | undefined {
    requireOperation(this, "pop");
    const bytes = this.#call("pop", (handle) => native.bpf_map_lookup_and_delete_elem(handle, noKey));
    return bytes && this.#decodeValue(bytes);
  }

  /** The value that `pop` would take out, which stays; undefined when it is empty. @throws ArgumentError, ClosedError */
  peek(): Value | undefined {
    requireOperation(this, "peek");
    const bytes = this.#call("peek", (handle) => native.bpf_map_lookup_elem(handle, noKey));
    return bytes && this.#decodeValue(bytes);
  }

  /** @internal all entries as the kernel's bytes, side by side */
  walk(operation: Operation): { rows: number; keys: Buffer; values: Buffer } {
    requireOperation(this, operation);
    // Of `clear` this is the part that reads.
    return this.#call(operation === "clear" ? "entries" : operation, (handle) => native.map_walk(handle, BATCH_BYTES));
  }

  /** @internal the layout of a key or of one CPU's value. @throws ArgumentError */
  layoutOf(part: "key" | "value"): Layout {
    const layout = part === "key" ? this.keyLayout : this.valueLayout;
    if (layout) return layout;
    throw new ArgumentError(`${this.path} does not say what its ${part} is.`, {
      hint: `Declare it in the C source with __type(${part}, …) instead of __uint(${part}_size, …).`,
    });
  }

  /** Calls back when the map closes; returns a function that takes it back. */
  onClose(act: () => void): () => void {
    this.#onClose.add(act);
    return () => this.#onClose.delete(act);
  }

  /** @internal */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const act of [...this.#onClose]) act();
    native.bpf_map__close(this.#handle);
  }

  [inspect.custom](): string {
    return `BpfMap ${this.path} (${this.type}, at most ${this.maxEntries} entries)${this.#closed ? " [closed]" : ""}`;
  }

  get #isArray(): boolean {
    return this.type === "array" || this.type === "percpu_array";
  }

  #lookup(operation: Operation, key: Key): Buffer | undefined {
    if (this.type === "bloom_filter") {
      requireOperation(this, operation);
      const value = encode(this.layoutOf("value"), key, `${this.name} value`);
      return this.#call(operation, (handle) => (native.map_contains(handle, value) ? value : undefined));
    }
    return this.#withKey(operation, key, (handle, bytes) => native.bpf_map_lookup_elem(handle, bytes));
  }

  /** Acts with a key's bytes, which of a map that lives with processes, cgroups or files hold a descriptor meanwhile. */
  #withKey<T>(operation: Operation, key: Key, act: (handle: MapHandle, key: Buffer) => T): T {
    if (!isStorage(this.type)) {
      const bytes = this.#encodeKey(operation, key);
      return this.#call(operation, (handle) => act(handle, bytes));
    }
    requireOperation(this, operation);
    void this.handle; // closed already: an error before anything is opened
    return withOwner(this.type, this.path, key, (fd) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(fd);
      return this.#call(operation, (handle) => act(handle, bytes));
    });
  }

  #encodeKey(operation: Operation, key: Key): Buffer {
    requireOperation(this, operation);
    const layout = this.layoutOf("key");
    if (this.#isArray) requireInteger(`${this.name} key`, key, { from: 0, to: this.maxEntries - 1 });
    const bytes = encode(layout, key, `${this.name} key`);
    // A trie's key begins with the prefix length, in bits of what follows it.
    if (this.type === "lpm_trie" && layout.kind === "struct") {
      const { name, offset, layout: number } = flatten(layout)[0]!; // which may stand in a struct of the kernel's own
      requireInteger(`${this.name} key.${name}`, decode(number, viewOf(bytes), offset), {
        from: 0,
        to: (this.#keySize - 4) * 8,
      });
    }
    return bytes;
  }

  #encodeValue(value: Value): Buffer {
    const layout = this.layoutOf("value");
    return isPerCpu(this.type)
      ? encodePerCpu(layout, value, this.cpus, `${this.name} value`)
      : encode(layout, value, `${this.name} value`);
  }

  #decodeKeys(rows: number, keys: Buffer): Key[] {
    const layout = this.layoutOf("key");
    const view = viewOf(keys);
    return Array.from({ length: rows }, (_, row) => decode(layout, view, row * this.#keySize) as Key);
  }

  #decodeValue(bytes: Uint8Array): Value {
    const layout = this.layoutOf("value");
    return (isPerCpu(this.type) ? decodePerCpu(layout, bytes) : decode(layout, viewOf(bytes))) as Value;
  }

  #call<T>(what: Operation, act: (handle: MapHandle) => T): T {
    const handle = this.handle;
    try {
      return act(handle);
    } catch (error) {
      if (!isNativeError(error)) throw error;
      if (error.code === "EPERM") {
        if (reading.includes(what))
          throw new ArgumentError(
            `${what} may not read the map ${this.path}: user space may only write it (BPF_F_WRONLY).`,
            {
              cause: error,
            },
          );
        const why = this.#readOnly
          ? "it is open for reading only"
          : "user space may only read it, as with any frozen map";
        throw new ArgumentError(`${what} may not change the map ${this.path}: ${why}.`, {
          ...(this.#readOnly ? { hint: this.#readOnly } : {}),
          cause: error,
        });
      }
      if (this.type === "user_ringbuf" && (error.code === "E2BIG" || error.code === "ENOSPC"))
        throw new ArgumentError(
          error.code === "E2BIG"
            ? `A record for ${this.path} is at most ${this.maxEntries - 8} bytes long: the ring has ${this.maxEntries}.`
            : `The user ring buffer ${this.path} is full: no program has taken out what is there.`,
          { hint: "A program takes records out with bpf_user_ringbuf_drain(), when its hook runs.", cause: error },
        );
      if (error.code === "E2BIG" || error.code === "ENOSPC") {
        throw new ArgumentError(
          `The map ${this.path} is full: it holds at most ${this.maxEntries.toLocaleString("en")} ${this.maxEntries === 1 ? "entry" : "entries"}.`,
          {
            hint: `Delete some, or load it with a larger maxEntries.${this.name}.`,
            cause: error,
          },
        );
      }
      const takes = what === "set" || isStorage(this.type) ? descriptorOf(this.type) : undefined;
      throw new BpflabError("MAP", `${what} failed on the map ${this.path} (${this.type}): ${error.message}.`, {
        ...(takes && wrongDescriptor.includes(error.code) ? { hint: takes } : {}),
        cause: error,
      });
    }
  }
}

const reading: readonly Operation[] = ["get", "getSummed", "has", "entries", "keys", "table", "poll", "peek"];

/** What the kernel says of a descriptor that is of another kind than the map takes. */
const wrongDescriptor = ["EBADF", "ENOTSOCK", "EINVAL", "EOPNOTSUPP"];

/** Of entries that one system call of a walk reads. */
const BATCH_BYTES = 8 * 2 ** 20;

const noKey = Buffer.alloc(0);
const u64: Layout = { kind: "int", size: 8, signed: false };
