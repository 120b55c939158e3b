import { ArgumentError } from "./errors.js";

/** `a, b and c`, or "none". */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

/** The error for a name that is not there; it says which are. */
export function unknownName(kind: string, owner: string, name: string, names: readonly string[]): ArgumentError {
  return new ArgumentError(`${owner} has no ${kind} ${JSON.stringify(name)}.`, {
    hint: `It has: ${listNames(names)}.`,
  });
}

// What inspectors, promises and JSON ask any object for; not a user's mistake.
const asked = new Set([
  "then",
  "toJSON",
  "constructor",
  "inspect",
  "nodeType",
  "asymmetricMatch",
  "$$typeof",
  "length",
  "toString",
  "valueOf",
  "__esModule",
]);

/**
 * An object of named things whose wrong names are errors that list the right ones.
 *
 * @param why says of a name that is not among them why that is, if it is known
 */
export function namedObject<T extends object>(
  kind: string,
  owner: string,
  things: T,
  why: (name: string) => ArgumentError | undefined = () => undefined,
): T {
  const absent = (name: string) => why(name) ?? unknownName(kind, owner, name, Object.keys(things));
  return new Proxy(things, {
    get(target, name, receiver) {
      if (typeof name === "string" && !(name in target) && !asked.has(name)) throw absent(name);
      return Reflect.get(target, name, receiver) as unknown;
    },
    set(target, name, value, receiver) {
      if (typeof name === "string" && !(name in target)) throw absent(name);
      return Reflect.set(target, name, value, receiver);
    },
  });
}

/** Of the names there are those most like the one that is not, the nearest first. @param within leaves out those that differ in more letters */
export function nearest(name: string, names: readonly string[], most = 3, within = Infinity): string[] {
  return names
    .filter((candidate) => Math.abs(candidate.length - name.length) <= within)
    .map((candidate) => ({ candidate, away: distance(candidate, name) }))
    .filter(({ away }) => away <= within)
    .sort(
      (a, b) =>
        a.away - b.away ||
        alike(b.candidate, name) - alike(a.candidate, name) ||
        a.candidate.localeCompare(b.candidate),
    )
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** How many letters two names begin with in common. */
function alike(a: string, b: string): number {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  return same;
}

/** The same as a list for a hint, `a, b and c`; of many names only those of about its length are looked at. */
export function nearestNames(name: string, names: readonly string[]): string {
  const similar = names.filter((one) => Math.abs(one.length - name.length) <= 8 || one.includes(name));
  return listNames(nearest(name, similar));
}

/** @throws ArgumentError that names the first option that a function does not know, and those it takes */
export function refuseUnknownOptions(of: string, options: object, known: readonly string[]): void {
  const stray = Object.keys(options).find((name) => !known.includes(name));
  if (stray !== undefined)
    throw new ArgumentError(`${of} takes no option ${JSON.stringify(stray)}.`, {
      hint: `It takes ${listNames(known)}; the nearest is ${nearest(stray, known, 1)[0]}.`,
    });
}

/** Edit distance, for short names. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
