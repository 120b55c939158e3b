import type { Type } from "./value-types.js";

/** An IPv4 address in network order: four bytes as a number, which a column shows as an address. */
export const address4: Type = {
  kind: "named",
  size: 4,
  signed: false,
  names: {
    what: "IPv4 address",
    // As it lies in memory, the first byte first.
    nameOf: (value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255].join("."),
    valueOf(name) {
      const parts = name.split(".").map(Number);
      if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
        return undefined;
      return parts.reduce((all, part, i) => all + part * 2 ** (8 * i), 0);
    },
    all: () => ["127.0.0.1", "0.0.0.0"],
  },
};
