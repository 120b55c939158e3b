/**
 * A value of a file's nested column whose integers of 64 bits are numbers, with which expressions can reckon; those beyond
 * 2^53, which a number cannot hold, stay BigInts: as in a column by itself, none is rounded.
 */
export function nestedNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return value >= -(2n ** 53n) && value < 2n ** 53n ? Number(value) : value;
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value, nestedNumbers);
  if (Array.isArray(value)) return value.map(nestedNumbers);
  if (value instanceof Map) return new Map(Array.from(value, ([key, one]) => [key, nestedNumbers(one)] as const));
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, nestedNumbers(one)]));
}
