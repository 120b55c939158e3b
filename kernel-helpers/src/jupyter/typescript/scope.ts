/** The names that a cell sees, each with the cell that it comes from, and the lines that tell the checker so. */
import type { Declared, ImportedName, ValueKind } from "./declared.js";

/** What a name stands for. */
export interface Binding {
  kind: ValueKind | "type";
  /** Number of the cell that declares it. */
  cell: number;
  /** Number of the scope object that holds the value; undefined for what has none of ours. */
  home?: number;
  callable: boolean;
  /** Its type, where that is a short one such as `number`. */
  text?: string;
  imported?: ImportedName;
}

interface Entry {
  value?: Binding;
  type?: Binding;
}

/** Kinds that say nothing about types of the same name. */
const valuesOnly = new Set<Binding["kind"]>(["let", "const", "function"]);

const isValueOnly = ({ value, type }: Entry): boolean =>
  value !== undefined && (valuesOnly.has(value.kind) || (value.kind === "import" && value !== type));

/** The file that holds a cell for those after it. */
export function cellFile(directory: string, cell: number, jsx: boolean): string {
  return `${directory}/[cell ${cell}].${jsx ? "tsx" : "ts"}`;
}

export class Scope {
  readonly #entries = new Map<string, Entry>();
  /** Cells that declare something global. */
  readonly #augmenting: number[] = [];

  get names(): Iterable<string> {
    return this.#entries.keys();
  }

  /** The scope objects of all values. */
  homes(): Set<number> {
    const homes = new Set<number>();
    for (const { value } of this.#entries.values()) if (value?.home !== undefined) homes.add(value.home);
    return homes;
  }

  value(name: string): Binding | undefined {
    return this.#entries.get(name)?.value;
  }

  /** Where a callable's value goes: in the place of the one before, so that what was defined earlier calls it. */
  homeOf({ name, callable }: Declared, cell: number): number {
    const before = this.value(name);
    return callable && before?.callable && before.home !== undefined ? before.home : cell;
  }

  augment(cell: number): void {
    this.#augmenting.push(cell);
  }

  define(declared: Declared, cell: number, text?: string): void {
    const { name, value, type, ambient, callable, imported } = declared;
    const before = this.#entries.get(name);
    const home = value && !ambient && value !== "import" ? this.homeOf(declared, cell) : undefined;
    const binding: Binding = {
      kind: value ?? "type",
      cell,
      callable,
      ...(home === undefined ? {} : { home }),
      ...(text ? { text } : {}),
      ...(imported ? { imported } : {}),
    };
    // A type that shares its name with a value of its own cell cannot be told apart from it.
    const isPure = before?.type?.kind === "type" && before.type.cell !== before.value?.cell;
    const keptType = isPure && before.type?.cell !== cell ? before.type : undefined;
    const keptValue = before && isValueOnly(before) ? before.value : undefined;
    const sameCell = before?.value?.cell === cell ? before.value : undefined; // a function and a namespace, say
    this.#entries.set(name, {
      ...definedOnly("value", value ? binding : (sameCell ?? keptValue)),
      ...definedOnly("type", type ? binding : before?.type?.cell === cell ? before.type : keptType),
    });
  }

  /**
   * Lines for the checker that bring names of earlier cells into a cell's file.
   *
   * @param wanted the names; @param own what the cell itself declares
   * @param fileOf the module specifier of an earlier cell
   */
  prelude(wanted: Iterable<string>, own: readonly Declared[], fileOf: (cell: number) => string): string {
    const ownValues = new Set(own.filter(({ value }) => value).map(({ name }) => name));
    const ownTypes = new Set(own.filter(({ type }) => type).map(({ name }) => name));
    const lines = this.#augmenting.map((cell) => `import "${fileOf(cell)}";`);
    for (const name of new Set(wanted)) {
      const entry = this.#entries.get(name) ?? {};
      const { value, type } = entry;
      const usedValue = ownValues.has(name) || (ownTypes.has(name) && !isValueOnly(entry)) ? undefined : value;
      const usedType = ownTypes.has(name) || (ownValues.has(name) && type && type.kind !== "type") ? undefined : type;
      lines.push(...linesFor(name, usedValue, usedType, fileOf));
    }
    return lines.join(" ");
  }
}

function linesFor(
  name: string,
  value: Binding | undefined,
  type: Binding | undefined,
  fileOf: (cell: number) => string,
): string[] {
  const lines: string[] = [];
  if (value && type && value.cell === type.cell) return [importLine(name, value, fileOf)];
  if (value) {
    const written = value.text ?? typeOf(name, value, fileOf);
    if (value.kind === "let") lines.push(`declare let ${name}: ${written};`);
    else if (value.text || type) lines.push(`declare const ${name}: ${written};`);
    else lines.push(importLine(name, value, fileOf));
  }
  if (type) lines.push(importLine(name, type, fileOf, !type.imported || type.imported.typeOnly));
  return lines;
}

function typeOf(local: string, { cell, imported }: Binding, fileOf: (cell: number) => string): string {
  const module = `typeof import(${JSON.stringify(imported?.module ?? fileOf(cell))})`;
  const name = imported?.name ?? local;
  return name === "*" || name === "=" ? module : `${module}.${name}`;
}

function importLine(
  local: string,
  { cell, imported }: Binding,
  fileOf: (cell: number) => string,
  typeOnly = imported?.typeOnly ?? false,
): string {
  const keyword = typeOnly ? "import type" : "import";
  if (!imported) return `${keyword} { ${local} } from "${fileOf(cell)}";`;
  const { module, attributes, name } = imported;
  const from = `from ${JSON.stringify(module)}${attributes ? ` ${attributes}` : ""};`;
  if (name === "*") return `${keyword} * as ${local} ${from}`;
  if (name === "=") return `${keyword} ${local} = require(${JSON.stringify(module)});`;
  if (name === "default") return `${keyword} ${local} ${from}`;
  const source = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name);
  return `${keyword} { ${source === local ? local : `${source} as ${local}`} } ${from}`;
}

function definedOnly<Key extends string>(key: Key, binding: Binding | undefined): Partial<Record<Key, Binding>> {
  return binding ? ({ [key]: binding } as Record<Key, Binding>) : {};
}
