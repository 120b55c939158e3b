/** What to write instead, for the complaints of TypeScript that cells about BPF programs run into most. */
import { readdirSync } from "node:fs";
import type { Diagnostic } from "tslab/dist/converter.js";
import { listNames, nearest } from "../../base/names.js";
import { PROGRAMS_DIR } from "../../clang/locations.js";

interface Complaint {
  /** The lines that TypeScript says of one place. */
  said: string;
  /** The source's line up to the place, and from there on. */
  before: string;
  after: string;
}

/** @param group what TypeScript says of one place @param source the cell */
export function hintFor(group: readonly Diagnostic[], source: string): string | undefined {
  const { start, fileName } = group[0]!;
  if (fileName) return undefined;
  const row = source.split("\n")[start.line] ?? "";
  const said = group.map(({ messageText }) => messageText).join("\n");
  const complaint = { said, before: row.slice(0, start.character), after: row.slice(start.character) };
  for (const [shape, hint] of hints) {
    const found = shape.exec(said);
    const told = found && hint(found, complaint);
    if (told) return told;
  }
  return undefined;
}

const EACH = "for (const event of batch.table.objects()) …";
const WAIT = (ms: string) => `To wait, write: await new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const SUBSCRIBE = (stream: string) =>
  `A stream is subscribed to: ${stream}.subscribe((value) => …); await collect(stream, { seconds: 5 }) gathers events in a table.`;

const hints: [RegExp, (found: RegExpExecArray, complaint: Complaint) => string | undefined][] = [
  [
    /^Property '\w+' does not exist on type 'Promise</,
    () => "It is a promise of what comes later: write await before the call that gives it.",
  ],
  [
    /^Property '\w+' does not exist on type 'EventBatch<|^Type 'EventBatch<.*\[Symbol\.iterator\]/,
    () => `A batch holds many events. batch.rows says how many, and batch.table has them: ${EACH}`,
  ],
  [
    /^Type 'Observable<.*\[Symbol\.(?:async)?[iI]terator\]|^Property '(?:forEach|then|on|each)' does not exist on type 'Observable</,
    (_, { after }) => SUBSCRIBE(/^[\w.]+(?:\((["'])\w+\1\))?/.exec(after)?.[0] ?? "stream"),
  ],
  [
    /^Property '(?:map|forEach|length|reduce|find|some|every|push)' does not exist on type '(?:EventTable<|ColumnTable|CapturedTable|TypedVerbs)/,
    () => "A table is no list: table.objects() lists its rows, and table.numRows() counts them.",
  ],
  [
    /^Argument of type 'object' is not assignable to parameter of type/,
    () => `A table's rows have types when they are listed: ${EACH}`,
  ],
  [
    /^Property '(\w+)' does not exist on type 'BpfObject<(.*)>'\.$/,
    ([, name = "", types = ""], { before }) => {
      const owner = /(\w+)\s*\.\s*$/.exec(before)?.[1] ?? "it";
      const part = partOf(name, types);
      return part && `${name} is one of its ${part.split(".")[0]}: ${owner}.${part}.`;
    },
  ],
  [
    /^Property '(\w+)' does not exist on type '\{ (.*) \}'\.(?! Did you mean)/,
    ([, name = "", type = ""]) => {
      const names = propertiesOf(type);
      const [near] = nearest(name, names, 1, Math.max(2, Math.floor(name.length / 2)));
      return names.length === 0
        ? undefined
        : `There ${names.length === 1 ? "is" : "are"} ${listNames(names)}.${near ? ` Did you mean ${near}?` : ""}`;
    },
  ],
  [
    /^Argument of type '"(\w+)"' is not assignable to parameter of type '("\w+"(?: \| "\w+")*)'/,
    ([, given = "", known = ""]) => {
      const names = [...known.matchAll(/"(\w+)"/g)].map((found) => found[1]!);
      const [near] = nearest(given, names, 1, 3);
      return `${names.length === 1 ? "It can only be" : "It can be"} ${listNames(names)}.${near && names.length > 1 ? ` Did you mean ${near}?` : ""}`;
    },
  ],
  [
    /Argument of type '"([^'"]*)"' is not assignable to parameter of type 'keyof ShippedPrograms'/,
    ([, given = ""]) => {
      const names = readdirSync(PROGRAMS_DIR).flatMap((file) => /^(\w+)\.bpf\.c$/.exec(file)?.[1] ?? []);
      const near = nearest(given, names, 1);
      return `There is no program "${given}": the shipped ones are ${listNames(names)}. The nearest is ${near[0]}.`;
    },
  ],
  [
    /^No overload matches this call/,
    (_, { before, after }) =>
      /\bsetTimeout\s*\(\s*$/.test(before) ? WAIT(/^\d+/.exec(after)?.[0] ?? "1000") : undefined,
  ],
  [
    /^Argument of type 'BpfMap<.*'Observable</,
    () =>
      "A map is read by .entries() or .table(); .poll({ everyMs: 1000 }) is a stream of its tables. collect() takes the events of a ring.",
  ],
  [
    /^Expected 0 arguments, but got 1|has no properties in common with type 'EventsOptions'/,
    ({ input }, { before }) => {
      const stream = /[\w.]+\((?:(["'])\w+\1\s*,\s*)?$/.exec(before)?.[0] ?? "";
      if (!/tracePipe|events/.test(stream) && !input.includes("EventsOptions")) return undefined;
      return SUBSCRIBE(stream.replace(/\s*,\s*$/, "").replace(/$/, ")"));
    },
  ],
  [
    /^Operator '.+' cannot be applied to types '(?:bigint' and 'number|number' and 'bigint)'/,
    () => "A BigInt goes with BigInts only: write 5n for 5, or make it a number with Number(…).",
  ],
  [
    /^(?:Type|Argument of type) 'bigint' is not assignable to (?:type|parameter of type) 'number'/,
    () => "It takes a number: leave out the n, or write Number(…).",
  ],
  [/^Cannot find name '(?:sleep|usleep|delay|wait)'/, () => WAIT("1000")],
  [
    /^Cannot find name '(?:print|printf|println|puts|bpf_printk|echo)'/,
    () => "To print, write console.log(…), or make it the cell's last line.",
  ],
  [/^Cannot find name '(True|False)'/, ([, word]) => `Write ${word!.toLowerCase()}.`],
  [/^Cannot find name '(?:None|NULL|nil)'/, () => "Write undefined."],
];

/** Where in a program a name is, by its type's text: `globals.my_pid`. */
function partOf(name: string, types: string): string | undefined {
  for (const part of ["globals", "maps", "programs", "constants"]) {
    const text = new RegExp(`\\b${part}: (\\{.*?\\}(?=; \\w+: [{"]|; \\}$)|"[^;]*)`).exec(types)?.[1] ?? "";
    if (part === "programs" ? text.includes(`"${name}"`) : propertiesOf(text.replace(/^\{ | \}$/g, "")).includes(name))
      return `${part}.${name}`;
  }
  if (new RegExp(`\\bevents: \\{ (?:.*; )?${name}: \\{`).test(types)) return `events("${name}")`;
  return undefined;
}

/** The names of an object type's properties, of its outermost level alone. */
function propertiesOf(type: string): string[] {
  let flat = type;
  for (let before = ""; before !== flat;) {
    before = flat;
    flat = flat.replace(/\{[^{}]*\}|<[^<>]*>/g, "");
  }
  return [...flat.matchAll(/(?:^|; )(?:readonly )?(\w+)\??:/g)].map((found) => found[1]!);
}
