import { inspect } from "node:util";
import { ArgumentError, BpflabError, ClosedError } from "../errors.js";
import type { Layout } from "./btf.js";
import { decode, encode, viewOf } from "./codec.js";
import { isNativeError, native, type MapDescription, type MapHandle } from "./native.js";

/** Entries fetched by one system call in a walk. */
const batchSize = 4096;

/**
 * A map of a loaded object, with keys and values as BTF types them.
 *
 * @typeParam Key integers are numbers, structs are objects, `char[N]` is a string
 */
export class BpfMap<Key = any, Value = any> {
  readonly name: string;
  /** The kernel's name of the type, such as `hash`. */
  readonly type: string;
  readonly maxEntries: number;
  /** Layouts from BTF; undefined where the object does not say. */
  readonly keyLayout: Layout | undefined;
  readonly valueLayout: Layout | undefined;
  readonly #owner: string;
  readonly #handle: MapHandle;
  #closed = false;

  /** @internal */
  constructor(owner: string, handle: MapHandle, description: MapDescription, key: Layout | undefined, value: Layout | undefined) {
    this.#owner = owner;
    this.#handle = handle;
    this.name = description.name;
    this.type = description.typeName;
    this.maxEntries = description.maxEntries;
    this.keyLayout = key;
    this.valueLayout = value;
  }

  /** For the layers above: the addon's handle. @throws ClosedError */
  get handle(): MapHandle {
    if (this.#closed) throw new ClosedError(`The map ${this.#owner}.${this.name}`);
    return this.#handle;
  }

  #encodeKey(key: Key): Buffer {
    return encode(this.#layout("key"), key, `${this.name} key`);
  }

  #layout(part: "key" | "value"): Layout {
    const layout = part === "key" ? this.keyLayout : this.valueLayout;
    if (layout && !this.type.includes("percpu")) return layout;
    throw new ArgumentError(`The map ${this.name} of type ${this.type} has no ${part} that can be read or written one by one.`);
  }

  #call<T>(what: string, act: (handle: MapHandle) => T): T {
    const handle = this.handle;
    try {
      return act(handle);
    } catch (error) {
      if (!isNativeError(error)) throw error;
      throw new BpflabError("MAP", `${what} failed on the map ${this.name} (${this.type}): ${error.message}.`, { cause: error, ...hintFor(error.code, this) });
    }
  }

  /** The value of a key, or undefined when it is not there. @throws ArgumentError, ClosedError */
  get(key: Key): Value | undefined {
    const layout = this.#layout("value");
    const value = this.#call("get", (handle) => native.bpf_map_lookup_elem(handle, this.#encodeKey(key)));
    return value && (decode(layout, viewOf(value)) as Value);
  }

  /** True if the key is there. */
  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  /**
   * Puts a value under a key, whether or not one is there. Fields left out are zero.
   *
   * @throws ArgumentError that names the field and its range; BpflabError when the map is full
   */
  set(key: Key, value: Value): void {
    const bytes = encode(this.#layout("value"), value, `${this.name} value`);
    this.#call("set", (handle) => native.bpf_map_update_elem(handle, this.#encodeKey(key), bytes, 0));
  }

  /** Removes a key; returns whether it was there. */
  delete(key: Key): boolean {
    return this.#call("delete", (handle) => native.bpf_map_delete_elem(handle, this.#encodeKey(key)));
  }

  /**
   * All entries. The kernel may change the map meanwhile: an entry that comes or goes during
   * the walk may or may not be seen, but none is seen twice and the walk ends.
   *
   * @example
   * for (const [thread, event] of hashmap.maps.match_map.entries()) console.log(thread, event.fd);
   */
  entries(): [Key, Value][] {
    const key = this.#layout("key");
    const value = this.#layout("value");
    const seen = new Map<string, [Key, Value]>();
    const add = (rawKey: Buffer, rawValue: Buffer) => {
      seen.set(rawKey.toString("latin1"), [decode(key, viewOf(rawKey)) as Key, decode(value, viewOf(rawValue)) as Value]);
    };
    this.#call("entries", (handle) => {
      let token: Buffer | null = null;
      for (;;) {
        const batch = native.bpf_map_lookup_batch(handle, token, batchSize);
        for (let i = 0; i < batch.count; i++) {
          add(batch.keys.subarray(i * key.size, (i + 1) * key.size), batch.values.subarray(i * value.size, (i + 1) * value.size));
        }
        if (batch.done) return;
        token = batch.token;
      }
    });
    return [...seen.values()];
  }

  /** The keys there are. */
  keys(): Key[] {
    return this.entries().map(([key]) => key);
  }

  /** @internal */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    native.bpf_map__close(this.#handle);
  }

  [inspect.custom](): string {
    return `BpfMap ${this.#owner}.${this.name} (${this.type}, at most ${this.maxEntries} entries)${this.#closed ? " [closed]" : ""}`;
  }
}

function hintFor(code: string, map: BpfMap): { hint?: string } {
  if (code === "E2BIG") return { hint: `It holds at most ${map.maxEntries} entries; delete some, or load it with a larger maxEntries.` };
  if (code === "ENOTSUPP" || code === "EOPNOTSUPP" || code === "EINVAL") return { hint: `Maps of type ${map.type} may not have this operation.` };
  return {};
}
