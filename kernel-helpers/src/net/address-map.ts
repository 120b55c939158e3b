/** Maps of a filter whose keys are addresses, however its author has typed them. */
import { ArgumentError } from "../base/errors.js";
import { listNames } from "../base/names.js";
import { ADDRESS_BYTES, formatAddress, parseIPv4, parsePrefix } from "../bpf/address.js";
import type { Layout } from "../bpf/btf.js";
import { isPerCpu } from "../bpf/per-cpu.js";
import type { BpfMap } from "../handles/map.js";
import type { BpfObject } from "../handles/object.js";

/** A map by addresses. */
export interface AddressMap<Value> {
  entries(): [address: string, value: Value][];
  set(address: string, value: Value): void;
  /** Whether it was there. */
  delete(address: string): boolean;
}

/** A list of prefixes. */
interface PrefixMap {
  add(prefix: string): void;
  /** Whether it was there. */
  delete(prefix: string): boolean;
}

/** What becomes of an address in a key, and back. A plain number is taken for one in network byte order: ip->saddr. */
interface KeyForm {
  of(address: string): unknown;
  text(key: unknown): string;
}

const asText: KeyForm = { of: (address) => address, text: String };
const asNumber: KeyForm = {
  of: (address) => new Uint32Array(Uint8Array.from(parseIPv4(address, "address")).buffer)[0],
  text: (key) => formatAddress(new Uint8Array(Uint32Array.of(key as number).buffer)),
};

function keyForm(layout: Layout | undefined): KeyForm | undefined {
  if (layout?.kind === "address") return asText;
  return layout?.kind === "int" && layout.size === 4 && !layout.signed ? asNumber : undefined;
}

/** A map of the filter by its name, found to have addresses as keys and values with these fields. @throws ArgumentError */
export function addressMap<Value>(
  filter: BpfObject<any>,
  caller: string,
  name: string,
  fields: string[] = [],
): AddressMap<Value> {
  const values = fields.length > 0 ? ` and values with ${listNames(fields)}` : "";
  const hint = `net.${caller} needs a map ${name} with addresses as keys (struct in6_addr, or __be32 or u32 for IPv4)${values}.`;
  const map = mapOf(filter, name, hint);
  const form = keyForm(map.keyLayout);
  if (!form) throw new ArgumentError(`The keys of ${map.path} are not addresses.`, { hint });
  const there = map.valueLayout?.kind === "struct" ? map.valueLayout.fields.map((field) => field.name) : [];
  const missing = fields.filter((field) => !there.includes(field));
  if (missing.length > 0)
    throw new ArgumentError(`The values of ${map.path} have no ${listNames(missing)}.`, {
      hint: `${hint} They have: ${listNames(there)}.`,
    });
  if (fields.length > 0 && isPerCpu(map.type))
    throw new ArgumentError(`${map.path} has a value for each CPU, and net.${caller} reads one for all.`, { hint });
  return {
    entries: () => map.entries().map(([key, value]) => [form.text(key), value as Value]),
    set: (address, value) => void map.set(form.of(address), value),
    delete: (address) => map.delete(form.of(address)),
  };
}

/** The map `allow`, whose keys are a length and an address, whatever the fields are called. @throws ArgumentError */
export function prefixMap(filter: BpfObject<any>, caller: string): PrefixMap {
  const hint = `net.${caller} needs an LPM trie called allow whose key is a __u32 length and an address (struct in6_addr, or __be32 or u32 for IPv4).`;
  const map = mapOf(filter, "allow", hint);
  const [length, address] = map.keyLayout?.kind === "struct" ? map.keyLayout.fields : [];
  const form = keyForm(address?.layout);
  if (map.type !== "lpm_trie" || !address || !form)
    throw new ArgumentError(`${map.path} (${map.type}) has no prefixes as keys.`, { hint });
  const keyOf = (prefix: string) => {
    const parsed = parsePrefix(prefix);
    const bits = address.layout.size === ADDRESS_BYTES ? parsed.bits : parsed.bits - (ADDRESS_BYTES - 4) * 8;
    return { [address.name]: form.of(parsed.address), [length!.name]: bits };
  };
  return { add: (prefix) => void map.set(keyOf(prefix), 1), delete: (prefix) => map.delete(keyOf(prefix)) };
}

function mapOf(filter: BpfObject<any>, name: string, hint: string): BpfMap {
  if (name in filter.maps) return filter.maps[name] as BpfMap;
  const there = listNames(Object.keys(filter.maps));
  throw new ArgumentError(`${filter.name} has no map ${name}; it has ${there}.`, { hint });
}
