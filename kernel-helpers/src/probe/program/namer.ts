// What C has taken, with the macros of the headers, and what the page around the question's own names calls its own.
const WORDS =
  "auto break case char const continue default do double else enum extern float for goto if inline int long register " +
  "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false " +
  "NULL SEC typeof asm offsetof barrier likely unlikely linux unix";
const OWN =
  "ctx id comm begun event events key totals groups now start_ns duration_ns rows none stacks own_tgid own_parent_tgid attached_ns LICENSE";
const reserved = { variable: new Set(`${WORDS} ${OWN}`.split(" ")), member: new Set(`${WORDS} rows`.split(" ")) };

/** Gives names that C takes, each once; those that are fine stay as they are. */
export class Namer {
  readonly #taken = new Set<string>();

  readonly #kind: keyof typeof reserved;

  /** @param kind variables must not hide what the page calls its own; members of structs may be called the same */
  constructor(kind: keyof typeof reserved = "variable") {
    this.#kind = kind;
  }

  name(wanted: string): string {
    const plain = wanted.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^(?=\d|__|$)/, "x") || "x";
    let name = plain;
    for (let i = 2; reserved[this.#kind].has(name) || this.#taken.has(name); i++) name = `${plain}_${i}`;
    this.#taken.add(name);
    return name;
  }
}
