/** Random pipelines of arquero's verbs, over nested expressions, and the same in SQL. */
import { type ColumnTable, desc, op, rolling } from "arquero";
import type { Chooser } from "./tables.js";

type Kind = "number" | "text" | "truth" | "maybe" | "note" | "other";

/** A pipeline's tables so far: over our columns, over plain arrays, and as SQL. */
export interface Stage {
  tables: readonly ColumnTable[];
  sql: string;
  columns: Readonly<Record<string, Kind>>;
  /** Columns that tell rows apart. */
  unique: readonly string[];
}

/** An expression in JavaScript and in SQL, in which nothing is null. */
type Pair = readonly [ours: string, theirs: string];

const words = ["dd", "node", "", "5", "null", "ünï", "it's <b>", "nowhere"];
const quoted = (word: string) => `'${word.replaceAll("'", "''")}'`;

/** Expressions over a stage's columns, nested so deep. */
class Expressions {
  constructor(
    readonly choose: Chooser,
    readonly columns: Readonly<Record<string, Kind>>,
  ) {}

  #named(kind: Kind): string | undefined {
    const names = Object.keys(this.columns).filter((name) => this.columns[name] === kind);
    return names.length > 0 ? this.choose.of(names) : undefined;
  }

  number(depth: number): Pair {
    const { choose } = this;
    const name = this.#named("number");
    const maybe = this.#named("maybe");
    const constant = choose.of([0, 1, 2.5, 1000, 4294967295]);
    const simple: Pair[] = [[String(constant), `${constant}::double`]];
    if (name !== undefined)
      simple.push([`d.${name}`, `${name}::double`], [`d[${JSON.stringify(name)}]`, `${name}::double`]);
    if (maybe !== undefined) simple.push([`(d.${maybe} ?? 9)`, `coalesce(${maybe}, 9)::double`]);
    if (depth === 0) return choose.of(simple);
    const [a, b] = [this.number(depth - 1), this.number(depth - 1)];
    const [t, w] = [this.truth(depth - 1), this.text(depth - 1)];
    return choose.of<() => Pair>([
      () => [`(${a[0]} + ${b[0]})`, `(${a[1]} + ${b[1]})`],
      () => [`(${a[0]} - ${b[0]} * 2)`, `(${a[1]} - ${b[1]} * 2)`],
      () => [`(-(${a[0]}))`, `(0 - ${a[1]})`],
      () => [`op.abs(${a[0]})`, `abs(${a[1]})`],
      () => [`op.floor(${a[0]} / 2)`, `floor(${a[1]} / 2)`],
      () => [`op.length(${w[0]})`, `length(${w[1]})::double`],
      () => [`(${t[0]} ? ${a[0]} : ${b[0]})`, `if(${t[1]}, ${a[1]}, ${b[1]})`],
      () => [`Math.max(${a[0]}, ${b[0]})`, `greatest(${a[1]}, ${b[1]})`],
    ])();
  }

  text(depth: number): Pair {
    const { choose } = this;
    const name = this.#named("text");
    const note = this.#named("note");
    const word = choose.of(words);
    const simple: Pair[] = [[JSON.stringify(word), quoted(word)]];
    if (name !== undefined) simple.push([`d.${name}`, name], [`d.${name}`, name]);
    if (note !== undefined)
      simple.push(
        [`(d.${note} ?? 'none')`, `coalesce(${note}, 'none')`],
        [`\`\${d.${note}}\``, `coalesce(${note}, 'null')`],
      );
    if (depth === 0) return choose.of(simple);
    const [a, b] = [this.text(depth - 1), this.text(depth - 1)];
    const t = this.truth(depth - 1);
    return choose.of<() => Pair>([
      () => [`(${a[0]} + ${b[0]})`, `(${a[1]} || ${b[1]})`],
      () => [`\`<\${${a[0]}}/\${${b[0]}}>\``, `('<' || ${a[1]} || '/' || ${b[1]} || '>')`],
      () => [`op.upper(${a[0]})`, `upper(${a[1]})`],
      () => [`op.substring(${a[0]}, 1, 3)`, `substr(${a[1]}, 2, 2)`],
      () => [`(${t[0]} ? ${a[0]} : ${b[0]})`, `if(${t[1]}, ${a[1]}, ${b[1]})`],
    ])();
  }

  truth(depth: number): Pair {
    const { choose } = this;
    const [x, y] = [this.number(0), this.number(0)];
    const [v, w] = [this.text(0), this.text(0)];
    const simple: Pair[] = [
      [`${x[0]} < ${y[0]}`, `${x[1]} < ${y[1]}`],
      [`${x[0]} >= ${y[0]}`, `${x[1]} >= ${y[1]}`],
      [`${x[0]} == ${y[0]}`, `${x[1]} = ${y[1]}`],
      [`${v[0]} === ${w[0]}`, `${v[1]} = ${w[1]}`],
      [`${v[0]} !== ${w[0]}`, `${v[1]} <> ${w[1]}`],
      [`${v[0]} != ${w[0]}`, `${v[1]} <> ${w[1]}`],
      [`op.equal(${v[0]}, ${w[0]})`, `${v[1]} = ${w[1]}`],
      [`op.includes([${v[0]}, "dd"], ${w[0]})`, `${w[1]} in (${v[1]}, 'dd')`],
      [`op.startswith(${v[0]}, ${w[0]})`, `starts_with(${v[1]}, ${w[1]})`],
    ];
    const truth = this.#named("truth");
    const null_ = this.#named("maybe") ?? this.#named("note");
    if (truth !== undefined) simple.push([`d.${truth}`, truth], [`d.${truth} === false`, `not ${truth}`]);
    if (null_ !== undefined)
      simple.push(
        [`d.${null_} == null`, `${null_} is null`],
        [`null !== d.${null_}`, `${null_} is not null`],
        [`d.${null_} !== undefined && d.${null_} === d.${null_}`, `true`],
      );
    const one = choose.of(simple);
    const base: Pair = [`(${one[0]})`, `(${one[1]})`];
    if (depth === 0) return base;
    const [a, b, c] = [this.truth(depth - 1), this.truth(depth - 1), this.truth(depth - 1)];
    const [p, q] = [this.number(depth - 1), this.number(depth - 1)];
    return choose.of<() => Pair>([
      () => base,
      () => [`(${a[0]} && ${b[0]})`, `(${a[1]} and ${b[1]})`],
      () => [`(${a[0]} || ${b[0]})`, `(${a[1]} or ${b[1]})`],
      () => [`!${a[0]}`, `(not ${a[1]})`],
      () => [`(${a[0]} ? ${b[0]} : ${c[0]})`, `if(${a[1]}, ${b[1]}, ${c[1]})`],
      () => [`(${a[0]} === ${b[0]})`, `(${a[1]} = ${b[1]})`],
      () => [`(${p[0]} > ${q[0]})`, `(${p[1]} > ${q[1]})`],
    ])();
  }
}

type Step = (choose: Chooser, stage: Stage, ours: Expressions) => Stage | undefined;

const on = (stage: Stage, verb: (table: ColumnTable) => ColumnTable) => stage.tables.map(verb);
const sorted = (stage: Stage) => (table: ColumnTable) => table.orderby(...(stage.unique as never[]));

const steps: Record<string, Step> = {
  filter(_, stage, of) {
    const [ours, theirs] = of.truth(2);
    return {
      ...stage,
      tables: on(stage, (t) => t.filter(`d => ${ours}`)),
      sql: `(select * from ${stage.sql} where ${theirs})`,
    };
  },
  derive(choose, stage, of) {
    const kind = choose.of(["number", "text", "truth"] as const);
    const name = `x${Object.keys(stage.columns).length}_${choose.below(1000)}`;
    const [ours, theirs] = of[kind](2);
    return {
      ...stage,
      tables: on(stage, (t) => t.derive({ [name]: `d => ${ours}` })),
      sql: `(select *, ${theirs} as ${name} from ${stage.sql})`,
      columns: { ...stage.columns, [name]: kind },
    };
  },
  slice(choose, stage) {
    const [from, count] = [choose.below(3), 1 + choose.below(15)];
    return {
      ...stage,
      tables: on(stage, (t) => sorted(stage)(t).slice(from, from + count)),
      sql: `(select * from ${stage.sql} order by ${stage.unique.join()} limit ${count} offset ${from})`,
    };
  },
  "the largest of each": (choose, stage) => {
    const by = choose.of(Object.keys(stage.columns).filter((name) => stage.columns[name] !== "other"));
    return {
      ...stage,
      tables: on(stage, (t) =>
        t
          .groupby(by)
          .orderby(...stage.unique.map((name) => desc(name)))
          .slice(0, 2)
          .ungroup()
          .unorder(),
      ),
      sql: `(select * from ${stage.sql} qualify row_number() over (partition by ${by} order by ${stage.unique.map((name) => `${name} desc`).join()}) <= 2)`,
    };
  },
  dedupe(choose, stage) {
    const by = choose.of(Object.keys(stage.columns).filter((name) => stage.columns[name] !== "other"));
    return {
      ...stage,
      tables: on(stage, (t) => sorted(stage)(t).dedupe(by)),
      sql: `(select distinct on (${by}) * from ${stage.sql} order by ${by}, ${stage.unique.join()})`,
    };
  },
  "more than the mean of its group": (choose, stage, of) => {
    const by = choose.of(Object.keys(stage.columns).filter((name) => stage.columns[name] !== "other"));
    const [ours, theirs] = of.number(1);
    return {
      ...stage,
      tables: on(stage, (t) => t.groupby(by).filter(`d => ${ours} * op.count() >= op.sum(${ours})`).ungroup()),
      sql: `(select * from ${stage.sql} qualify ${theirs} * count(*) over (partition by ${by}) >= sum(${theirs}) over (partition by ${by}))`,
    };
  },
  "windows of groups": (choose, stage, of) => {
    const by = choose.of(Object.keys(stage.columns).filter((name) => stage.columns[name] !== "other"));
    const [ours, theirs] = of.number(1);
    const [text, words] = of.text(1);
    const name = `w${Object.keys(stage.columns).length}_${choose.below(1000)}`;
    const over = `over (partition by ${by} order by ${stage.unique.join()}`;
    return {
      ...stage,
      tables: on(stage, (t) =>
        sorted(stage)(t.groupby(by))
          .derive({
            [`${name}a`]: rolling(`d => op.sum(${ours})`, [-2, 0]),
            [`${name}b`]: `d => op.lag(${text}, 1, 'none')`,
            [`${name}c`]: `d => op.first_value(${ours}) + op.row_number()`,
            [`${name}d`]: "d => op.cume_dist() * op.count()",
            [`${name}e`]: rolling(`d => op.max(${ours})`, [0, 1]),
          } as never)
          .ungroup()
          .unorder(),
      ),
      sql: `(select *, sum(${theirs}) ${over} rows between 2 preceding and current row) as ${name}a, lag(${words}, 1, 'none') ${over}) as ${name}b,
        first_value(${theirs}) ${over}) + row_number() ${over}) as ${name}c, cume_dist() ${over}) * count(*) over (partition by ${by}) as ${name}d,
        max(${theirs}) ${over} rows between current row and 1 following) as ${name}e from ${stage.sql})`,
      columns: {
        ...stage.columns,
        [`${name}a`]: "number",
        [`${name}b`]: "text",
        [`${name}c`]: "number",
        [`${name}d`]: "number",
        [`${name}e`]: "number",
      },
    };
  },
  rollup(choose, stage, of) {
    const names = Object.keys(stage.columns).filter((name) => ["text", "truth"].includes(stage.columns[name]!));
    if (names.length === 0) return undefined;
    const by = [...new Set([choose.of(names), choose.of(names)])];
    const [ours, theirs] = of.number(1);
    const [high, highest] = of.number(0);
    return {
      tables: on(stage, (t) =>
        t
          .groupby(...by)
          .rollup({ n: op.count(), s: `d => op.sum(${ours}) + op.count()`, m: `d => op.max(${high})` } as never),
      ),
      sql: `(select ${by.join()}, count(*) as n, sum(${theirs}) + count(*) as s, max(${highest}) as m from ${stage.sql} group by ${by.join()})`,
      columns: {
        ...Object.fromEntries(by.map((name) => [name, stage.columns[name]!])),
        n: "number",
        s: "number",
        m: "number",
      },
      unique: by,
    };
  },
  semijoin(choose, stage, of) {
    const by = choose.of(
      Object.keys(stage.columns).filter((name) => ["text", "truth", "number"].includes(stage.columns[name]!)),
    );
    const [ours, theirs] = of.truth(1);
    const isAnti = choose.below(2) === 1;
    return {
      ...stage,
      tables: on(stage, (t) => t[isAnti ? "antijoin" : "semijoin"](t.filter(`d => ${ours}`), by)),
      sql: `(select * from ${stage.sql} where ${isAnti ? "not " : ""}coalesce(${by} in (select ${by} from ${stage.sql} where ${theirs}), false))`,
    };
  },
  impute(_, stage) {
    const name = Object.keys(stage.columns).find((one) => stage.columns[one] === "maybe");
    if (name === undefined) return undefined;
    return {
      ...stage,
      tables: on(stage, (t) => t.impute({ [name]: () => -1 } as never)),
      sql: `(select * replace (coalesce(${name}, -1) as ${name}) from ${stage.sql})`,
      columns: { ...stage.columns, [name]: "number" },
    };
  },
  fold(_, stage) {
    const pair = Object.keys(stage.columns)
      .filter((one) => stage.columns[one] === "number" && !stage.unique.includes(one))
      .slice(0, 2);
    if (pair.length < 2 || "what" in stage.columns || stage.tables[0]!.numRows() === 0) return undefined;
    const rest = Object.entries(stage.columns).filter(([name]) => !pair.includes(name));
    const names = rest.map(([name]) => name).join();
    return {
      tables: on(stage, (t) => t.fold(pair, { as: ["what", "amount"] })),
      sql: `(${pair.map((one) => `select ${names}, '${one}' as what, ${one}::double as amount from ${stage.sql}`).join(" union all ")})`,
      columns: { ...Object.fromEntries(rest), what: "text", amount: "number" },
      unique: [...stage.unique, "what"],
    };
  },
};

/** So many verbs in sequence. */
export function randomPipeline(choose: Chooser, stage: Stage, verbs: number): Stage & { names: string[] } {
  const names: string[] = [];
  while (names.length < verbs) {
    const name = choose.of(Object.keys(steps));
    const next = steps[name]!(choose, stage, new Expressions(choose, stage.columns));
    if (!next) continue;
    names.push(name);
    stage = next;
  }
  return { ...stage, names };
}
