/** What is compared with SQL: arquero's verbs over our columns, and each function of ours. */
import { readlinkSync } from "node:fs";
import { type ColumnTable, desc, op, rolling } from "arquero";
import { changes } from "../../../dist/tables/changes.js";
import { compare } from "../../../dist/tables/compare.js";
import { concatCaptures } from "../../../dist/tables/concat.js";
import { buckets, estimates } from "../../../dist/tables/log2.js";
import { ecdf, histogram, summary } from "../../../dist/tables/latency.js";
import { outliers } from "../../../dist/tables/outliers.js";
import { withOverlaps } from "../../../dist/tables/overlaps.js";
import { withPaths } from "../../../dist/tables/paths.js";
import { percentiles } from "../../../dist/tables/percentiles.js";
import { sizeClasses, withSizeClass } from "../../../dist/tables/sizes.js";
import { concatTables } from "../../../dist/streams/concat-tables.js";
import { type Chooser, randomTest, type View } from "./tables.js";

/** Two results that must be the same; `ordered` if in their order too. */
export interface Pair {
  table: ColumnTable;
  sql: string;
  ordered?: boolean;
}

type Check = (choose: Chooser, a: View, b: View) => Pair;

const keys = [["comm"], ["ok"], ["comm", "ok"], ["tid", "cpu"], ["note"], ["source"], ["pid", "comm", "ok"]];
const plainColumns = [
  "id",
  "comm",
  "pid",
  "fd",
  "cpu",
  "ok",
  "ret",
  "duration_ns",
  "big",
  "wide",
  "maybe",
  "note",
  "seen",
  "source",
];

/** The value at a rank, as its definition says it: the smallest that so many per mille do not exceed. */
const rank = (perMille: number, value = "duration_ns") =>
  `list_sort(list(${value}))[greatest(1, ceil(count(*) * ${perMille} / 1000)::int)]`;

export const checks: Record<string, Check> = {
  filter(choose, a) {
    const [ours, theirs] = randomTest(choose);
    return {
      table: a.table.filter(`d => ${ours}`).select(plainColumns),
      sql: `select ${plainColumns.join()} from ${a.sql} where ${theirs}`,
    };
  },
  derive: (choose, a) => {
    const [ours, theirs] = randomTest(choose);
    return {
      table: a.table
        .derive({ test: `d => !!(${ours})`, sum: "d => d.pid + d.fd * 2", text: "d => d.comm + '/' + d.source" })
        .select("id", "test", "sum", "text"),
      sql: `select id, coalesce(${theirs}, false), pid::double + fd::double * 2, comm || '/' || source from ${a.sql}`,
    };
  },
  rollup(choose, a) {
    const by = choose.of(keys);
    return {
      table: a.table.groupby(...by).rollup({
        n: op.count(),
        sum: op.sum("ret"),
        low: op.min("fd"),
        high: op.max("pid"),
        mean: op.mean("cpu"),
        kinds: op.distinct("comm"),
        given: op.valid("maybe"),
      }),
      sql: `select ${by.join()}, count(*), sum(ret), min(fd), max(pid), avg(cpu), count(distinct comm), count(maybe) from ${a.sql} group by ${by.join()}`,
    };
  },
  reduce: (choose, a) => {
    const by = choose.of(["comm", "ok", "note", "source"]);
    // Two rows of each group: what its numbers of two columns add up to.
    const sums = {
      init: () => [0, 0],
      add(cell: number[], row: number, data: Record<string, { at(row: number): number }>) {
        cell[0]! += data["pid"]!.at(row);
        cell[1]! += data["fd"]!.at(row);
      },
      outputs: () => ["what", "sum"],
      write(cell: number[], values: Record<string, unknown[]>, at: number) {
        for (const [i, sum] of cell.entries())
          [values["what"]![at + i], values["sum"]![at + i]] = [i === 0 ? "pid" : "fd", sum];
        return 2;
      },
    };
    return orNothing(a, () => ({
      table: a.table.groupby(by).reduce(sums as never),
      sql: `select ${by}, 'pid', sum(pid::double) from ${a.sql} group by ${by} union all select ${by}, 'fd', sum(fd::double) from ${a.sql} group by ${by}`,
    }));
  },
  count: (choose, a) => {
    const by = choose.of(keys);
    return {
      table: a.table.groupby(...by).count(),
      sql: `select ${by.join()}, count(*) from ${a.sql} group by ${by.join()}`,
    };
  },
  orderby: (choose, a) => {
    const by = choose.of(["comm", "fd", "ok", "duration_ns", "wide"]);
    const down = choose.below(2) === 1;
    const table = a.table.orderby(down ? desc(by) : by, "id").select("id", by);
    // JavaScript sorts text by UTF-16 units, DuckDB by UTF-8 bytes: the same for all that is here.
    return { table, sql: `select id, ${by} from ${a.sql} order by ${by} ${down ? "desc" : "asc"}, id`, ordered: true };
  },
  slice(choose, a) {
    const [from, to] = [choose.below(5), 5 + choose.below(20)];
    return {
      table: a.table.orderby("id").slice(from, to).select(plainColumns),
      sql: `select ${plainColumns.join()} from ${a.sql} order by id limit ${to - from} offset ${from}`,
      ordered: true,
    };
  },
  dedupe(choose, a) {
    const by = choose.of(keys);
    return { table: a.table.dedupe(...by).select(by), sql: `select distinct ${by.join()} from ${a.sql}` };
  },
  join(choose, a, b) {
    const how = choose.of(["join", "join_left", "join_right", "join_full"] as const);
    const on = choose.of(["comm", "tid", "source"]);
    const kind = { join: "inner", join_left: "left", join_right: "right", join_full: "full" }[how];
    const right = b.table.select(on, "id", "ok", "source", "duration_ns", "maybe").rename({
      [on]: "key",
      id: "id2",
      ok: "ok2",
      source: "source2",
      duration_ns: "d2",
      maybe: "m2",
      ...(on === "source" ? { source: "key" } : {}),
    });
    const left = a.table.select(on, "id", "ok", "pid");
    return {
      table: left[how](right, [on, "key"]).select("id", "ok", "pid", "id2", "ok2", "d2", "m2"),
      sql: `select a.id, a.ok, a.pid, b.id, b.ok, b.duration_ns, b.maybe from ${a.sql} a ${kind} join ${b.sql} b on a.${on} = b.${on}`,
    };
  },
  semijoin(choose, a, b) {
    const on = choose.of(["comm", "source", "ok", "fd"]);
    const anti = choose.below(2) === 1;
    return {
      table: (anti ? a.table.antijoin(b.table, on) : a.table.semijoin(b.table, on)).select(plainColumns),
      sql: `select ${plainColumns.join()} from ${a.sql} a where ${anti ? "not " : ""}exists (select 1 from ${b.sql} b where a.${on} = b.${on})`,
    };
  },
  concat: (choose, a, b) => {
    const [x, y] = [a, b].map(({ table }) => table.select(plainColumns)) as [ColumnTable, ColumnTable];
    const sql = `select ${plainColumns.join()} from ${a.sql} union all select ${plainColumns.join()} from ${b.sql}`;
    return { table: choose.below(2) ? x.concat(y) : concatTables([x, y]), sql };
  },
  fold: (_, a) => ({
    table: a.table.select("id", "pid", "ret").fold(["pid", "ret"]),
    sql: `select id, key, value from (select id, pid::double as pid, ret from ${a.sql}) unpivot (value for key in (pid, ret))`,
  }),
  pivot: (_, a) =>
    orNothing(a, () => ({
      table: a.table
        .groupby("tid")
        .pivot({ key: "d => d.ok ? 'yes' : 'no'" }, { value: "d => op.sum(d.ret)" })
        .fold(["yes", "no"].filter((name) => a.table.filter(`d => d.ok === ${name === "yes"}`).numRows() > 0))
        .filter("d => d.value != null"),
      sql: `select tid, case when ok then 'yes' else 'no' end, sum(ret) from ${a.sql} group by all`,
    })),
  impute: (_, a) => ({
    table: a.table.select("id", "maybe", "note").impute({ maybe: () => -1, note: () => "none" }),
    sql: `select id, coalesce(maybe, -1), coalesce(note, 'none') from ${a.sql}`,
  }),
  "impute, of what is not there": (_, a) =>
    orNothing(a, () => ({
      table: a.table
        .select("tid", "comm", "ret")
        .groupby("tid")
        .impute({ ret: () => -1 }, { expand: "comm" }),
      sql: `select tid, comm, ret from ${a.sql} union all select tid, comm, -1 from (select distinct tid from ${a.sql}) t, (select distinct comm from ${a.sql}) c
        where not exists (select 1 from ${a.sql} x where x.tid = t.tid and x.comm = c.comm)`,
    })),
  sets: (choose, a, b) => {
    const verb = choose.of(["union", "intersect", "except"] as const);
    const by = choose.of([["comm"], ["comm", "ok"], ["source", "tid"], ["fd"]]);
    const [x, y] = [a, b].map(({ table }) => table.select(by)) as [ColumnTable, ColumnTable];
    return { table: x[verb](y), sql: `select ${by.join()} from ${a.sql} ${verb} select ${by.join()} from ${b.sql}` };
  },
  cross: (_, a, b) => ({
    table: a.table.select("id", "comm").cross(b.table.select("id", "note", "ok").rename({ id: "id2" })),
    sql: `select a.id, a.comm, b.id, b.note, b.ok from ${a.sql} a, ${b.sql} b`,
  }),
  assign: (_, a) => ({
    table: a.table.select("id", "ok").assign(a.table.select("comm", "source", "wide", "note")),
    sql: `select id, ok, comm, source, wide, note from ${a.sql}`,
  }),
  spread: (_, a) =>
    orNothing(a, () => ({
      table: a.table.select("id", "histogram").spread("histogram", { as: ["a", "b", "c", "d", "e"] }),
      sql: `select id, ${[1, 2, 3, 4, 5].map((at) => `histogram[${at}]`).join()} from ${a.sql}`,
    })),
  "windows of groups": (choose, a) => {
    const by = choose.of(["comm", "ok", "source", "note"]);
    const over = `over (partition by ${by} order by duration_ns, id`;
    return {
      table: a.table
        .groupby(by)
        .orderby("duration_ns", "id")
        .derive({
          place: "op.row_number()",
          rank: "op.rank()",
          before: "op.lag(d.comm, 1, 'none')",
          after: "op.lead(d.maybe)",
          first: "op.first_value(d.source)",
          last: "op.last_value(d.ok)",
          some: rolling("d => op.sum(d.ret)", [-2, 0]),
          above: "d => d.ret - op.min(d.ret)",
        } as never)
        .select("id", "place", "rank", "before", "after", "first", "last", "some", "above"),
      sql: `select id, row_number() ${over}), rank() ${over}), lag(comm, 1, 'none') ${over}), lead(maybe) ${over}), first_value(source) ${over}),
        last_value(ok) ${over} rows between unbounded preceding and unbounded following), sum(ret) ${over} rows between 2 preceding and current row), ret - min(ret) over (partition by ${by}) from ${a.sql}`,
    };
  },
  sample: (choose, a) => {
    const size = 1 + choose.below(30);
    const sampled = a.table.sample(size);
    const known = plainColumns.filter((name) => name !== "maybe" && name !== "note"); // what is null equals nothing
    const strange = sampled.antijoin(a.table, [known, known]);
    return {
      table: sampled
        .rollup({ n: op.count(), kinds: op.distinct("id") })
        .assign(strange.rollup({ strange: op.count() })),
      sql: `select least(count(*), ${size}), least(count(*), ${size}), 0 from ${a.sql}`,
    };
  },
  "rename, relocate, params": (choose, a) => {
    const word = choose.of(["dd", "5", "nowhere"]);
    return {
      table: a.table
        .params({ word, words: [word, ""] })
        .filter(
          (d: { comm: string; tid: number }, $: { word: string; words: string[] }) =>
            op.includes($.words, d.comm) || (d.comm !== $.word && d.tid === 1),
        ) // prettier-ignore
        .select("id", "comm", "ok")
        .rename({ comm: "who" })
        .relocate("ok", { before: "id" }),
      sql: `select ok, id, comm from ${a.sql} where comm in ('${word}', '') or (comm <> '${word}' and tid = 1)`,
    };
  },
  unroll: (_, a) => ({
    table: a.table.select("id", "histogram").unroll("histogram"),
    sql: `select id, unnest(histogram) from ${a.sql}`,
  }),
  lookup: (_, a, b) => ({
    table: a.table.select("id", "tid").lookup(b.table.orderby("id").dedupe("tid"), "tid", "comm", "ok", "maybe"),
    sql: `select a.id, a.tid, b.comm, b.ok, b.maybe from ${a.sql} a left join (select distinct on (tid) * from ${b.sql} order by tid, id) b on a.tid = b.tid`,
  }),
  reify: (_, a) => ({
    table: a.table.reify().select(plainColumns),
    sql: `select ${plainColumns.join()} from ${a.sql}`,
  }),
  "latency.summary": (choose, a) => {
    const by = choose.of([...keys, []]);
    const grouped = choose.below(2) === 1 && by.length > 0;
    return {
      table: grouped ? summary(a.table.groupby(...by)) : summary(a.table, { by }),
      sql: `select ${by.map((name) => `${name}, `).join("")}count(*), ${[500, 900, 990, 999, 1000].map((p) => rank(p)).join()}, sum(duration_ns) from ${a.sql} ${by.length ? `group by ${by.join()}` : "having count(*) > 0"}`,
    };
  },
  "latency.histogram": (choose, a) => {
    const table = histogram(a.table, { by: "ok", steps: 1 + choose.below(4) });
    return { table, sql: recounted(table, a.sql) };
  },
  "latency.histogram, all of it": (choose, a) => ({
    table: histogram(a.table, { by: "tid", steps: 1 + choose.below(4) })
      .groupby("tid")
      .rollup({ n: op.sum("count"), share: "d => op.round(op.sum(d.share) * 1e6)" }),
    sql: `select tid, count(*), 1e6 from ${a.sql} group by tid`,
  }),
  "latency.ecdf": (_, a) => ({
    table: ecdf(a.table, { by: "ok", points: 1000 }),
    sql: `select distinct ok, duration_ns, count(*) over (partition by ok order by duration_ns) / count(*) over (partition by ok) from ${a.sql}`,
  }),
  "latency.percentiles": (choose, a) => {
    if (a.table.numRows() === 0) return nothing(a);
    const every = choose.of([10, 50, 100, 1000]);
    const table = percentiles(a.table, { every: every / 1e9, percentiles: [50, 99, 100] });
    return {
      table: table
        .groupby("time_ns", "count")
        .pivot("percentile", "duration_ns")
        .select("time_ns", "p50", "p99", "max", "count"),
      sql: `select first + ${every} * slot, ${rank(500)}, ${rank(990)}, ${rank(1000)}, count(*) from (select *, least(floor((start_ns - first) / ${every}), greatest(ceil((latest - first) / ${every}), 1) - 1) as slot from (select *, min(start_ns) over () as first, max(start_ns) over () as latest from ${a.sql})) group by first, slot`,
    };
  },
  "latency.outliers": (choose, a) => {
    const top = choose.of([1, 3, 100]);
    return {
      table: outliers(a.table.reify(), { by: "comm", top }).select("id", "comm", "p50_ns", "excess_ns"),
      sql: `select id, comm, p50, duration_ns - p50 from (select a.*, p50 from ${a.sql} a join (select comm, ${rank(500)} as p50 from ${a.sql} group by comm) using (comm)) where duration_ns > p50 order by duration_ns - p50 desc`,
      ...(top < 100 ? { top } : {}),
    } as Pair;
  },
  "latency.buckets": (_, a) => ({
    table: buckets(a.table, { by: "ok" }).select("ok", "low_ns", "count").filter("d => d.count > 0"),
    sql: `select ok, case when slot = 0 then 0 else 2 ** slot end, n from (select ok, slot, sum(histogram[slot + 1]) as n from ${a.sql}, range(5) r(slot) group by all) where n > 0`,
  }),
  "latency.estimates": (choose, a) => {
    const p = choose.of([1, 50, 99, 99.9]);
    const name = `p${String(p).replace(".", "")}`;
    const options = { min: "cpu", max: "pid", total: "ret", percentiles: [p] };
    return {
      table: estimates(a.table, options).select("id", "mean", `${name}_from`, `${name}_to`, `${name}_est`),
      // The bucket is the first that has the rank in it, or in those below.
      sql: `select id, if(n > 0, ret / n, null), low, high, greatest(low, 1) * (greatest(high, low, 1) / greatest(low, 1)) ** ((rank - reached + inside - 0.5) / inside) from (
        select *, if(slot is null, null, greatest(if(slot = 0, 0, 2 ** slot), cpu)) as low, case when slot is null then null when slot = 4 then pid else least(2 ** (slot + 1), pid) end as high, histogram[slot + 1] as inside, list_sum(histogram[1:slot + 1]) as reached from (
        select *, list_filter(range(5), i -> list_sum(histogram[1:i + 1]) >= rank)[1] as slot from (
        select *, list_sum(histogram) as n, greatest(1, ceil(list_sum(histogram) * ${p} / 100)) as rank from ${a.sql})))`,
    };
  },
  withPaths: (_, a) => {
    const [own, nobody] = [process.pid, 4294967294];
    const known = [0, 1, 2, 3].map((fd) => {
      const link = `/proc/self/fd/${fd}`;
      return isLink(link) ? `'${readlinkSync(link).replaceAll("'", "''")}'` : "'(closed)'";
    });
    return {
      table: withPaths(a.table.derive({ of: `d => d.ok ? ${own} : ${nobody}` }), { pid: "of", fd: "tid" }).select(
        "id",
        "path",
      ),
      sql: `select id, if(ok, [${known.join()}][tid + 1], '(process ended)') from ${a.sql}`,
    };
  },
  "withOverlaps, what it says": (_, a, b) => ({
    table: withOverlaps(a.table, b.table.orderby("id").reify(), { as: "others" }).select("id", "others"),
    sql: `select a.id, coalesce(string_agg(p.comm || ' ' || ${timeText}, ', ' order by place) filter (place <= 3) || if(count(*) > 3, ', ' || (count(*) - 3) || ' more', ''), '') from ${a.sql} a left join (
      select *, row_number() over (partition by id order by ns desc, first_of) as place, ${rounded("ns")} as r from (
      select x.id, y.comm, sum(o order by y.id) as ns, min(y.id) as first_of from ${a.sql} x, ${b.sql} y, lateral (select least(x.start_ns + x.duration_ns, y.start_ns + y.duration_ns) - greatest(x.start_ns, y.start_ns)) t(o) where x.tid <> y.tid and o > 0 group by all)) p on a.id = p.id group by a.id`,
  }),
  withSizeClass: (_, a) => ({
    table: withSizeClass(a.table).select("id", "size_class"),
    sql: `select id, case ${[-Infinity, 0, 1, 16, 256, 4096, 65536, 1048576]
      .map((bound, i) => (i === 0 ? "" : `when ret >= ${bound} then '${sizeClasses[i]}'`))
      .reverse()
      .join(" ")} else '${sizeClasses[0]}' end from ${a.sql}`,
  }),
  withOverlaps: (_, a, b) => ({
    table: withOverlaps(a.table, b.table, { as: "others", own: "own_ns" })
      .derive({ any: "d => d.others !== ''" })
      .select("id", "own_ns", "any"),
    sql: `select a.id, coalesce(sum(o) filter (own), 0), coalesce(bool_or(not own), false) from ${a.sql} a left join (select x.id, x.tid = y.tid as own, least(x.start_ns + x.duration_ns, y.start_ns + y.duration_ns) - greatest(x.start_ns, y.start_ns) as o from ${a.sql} x, ${b.sql} y) p on a.id = p.id and o > 0 group by a.id`,
  }),
  changes: (_, a, b) => {
    const [before, after] = [a, b].map(({ table, sql }) => ({
      table: table.orderby("id").dedupe("comm", "ok").select("comm", "ok", "ret", "pid"),
      sql: `(select distinct on (comm, ok) comm, ok, ret, pid from ${sql} order by comm, ok, id)`,
    })) as [View, View];
    return {
      table: changes(before.table, after.table, { by: ["comm", "ok"], of: ["ret", "pid"] }),
      sql: `select n.comm, n.ok, n.ret - if(grew, o.ret, 0), n.pid::double - if(grew, o.pid, 0) from (select n.*, coalesce(o.ret <= n.ret and o.pid <= n.pid, false) as grew from ${after.sql} n left join ${before.sql} o using (comm, ok)) n left join ${before.sql} o using (comm, ok)`,
    };
  },
  compare: (choose, a, b) => {
    const by = choose.of([["comm"], ["comm", "ok"], ["tid"]]);
    const summed = ({ sql }: View) => `(select ${by.join()}, max(duration_ns) as m from ${sql} group by ${by.join()})`;
    const rolled = ({ table }: View) => table.groupby(...by).rollup({ m_ns: op.max("duration_ns") });
    return {
      table: compare(rolled(a), rolled(b), { by, of: "m_ns" }),
      sql: `select ${by.join()}, o.m, n.m, case when o.m <> 0 then n.m / o.m end from ${summed(b)} n full join ${summed(a)} o using (${by.join()})`,
    };
  },
  concatCaptures: (_, a, b) => ({
    table: concatCaptures({
      a: a.table.select("id", "comm", "ok", "wide"),
      b: b.table.select("id", "wide", "comm", "ok"),
    }).select("capture", "id", "comm", "ok", "wide"),
    sql: `select 'a', id, comm, ok, wide from ${a.sql} union all select 'b', id, comm, ok, wide from ${b.sql}`,
  }),
};

/** Verbs that make columns of values make none of no rows. */
const nothing = ({ table, sql }: View): Pair => ({ table: table.select("id"), sql: `select id from ${sql}` });
const orNothing = (view: View, make: () => Pair): Pair => (view.table.numRows() === 0 ? nothing(view) : make());

/** Three significant digits of a number above 0, and such a number `r` of ns as text with its unit. */
const rounded = (x: string) => `round(${x} / 10 ** (floor(log10(${x})) - 2)) * 10 ** (floor(log10(${x})) - 2)`;
const timeText = `case when r >= 1e12 then format('{:,} s', (r / 1e9)::bigint) when r >= 1e9 then format('{:.3g} s', r / 1e9)
  when r >= 1e6 then format('{:.3g} ms', r / 1e6) when r >= 1e3 then format('{:.3g} µs', r / 1e3) else format('{:.3g} ns', r) end`;

function isLink(path: string): boolean {
  try {
    return readlinkSync(path) !== "";
  } catch {
    return false;
  }
}

/** The same rows of a histogram, counted again by SQL. */
function recounted(table: ColumnTable, sql: string): string {
  const rows = table.objects() as { ok: boolean; low_ns: number; high_ns: number }[];
  if (rows.length === 0) return "select 1 where false";
  const bounds = rows.map(({ ok, low_ns, high_ns }) => `(${ok}, ${low_ns}::double, ${high_ns}::double)`);
  return `select h.ok, low, high, count(id), count(id) / any_value(n) from (values ${bounds.join()}) h(ok, low, high)
    join (select ok, count(*) as n from ${sql} group by ok) using (ok)
    left join ${sql} a on a.ok = h.ok and a.duration_ns >= low and a.duration_ns < high group by h.ok, low, high`;
}
