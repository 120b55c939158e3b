import { DOUBLE, DuckDBDataChunk, DuckDBInstance, ENUM, type DuckDBConnection } from "@duckdb/node-api";
import { aq, charts, latency } from "../../dist/api/index.js";
import { commands, madeUpWrites, type MadeUpWrites } from "../made-up.js";
import { figure, type Figures, type Medians, type Suite, type Way } from "../suite.js";

const EVENTS = 10_000_000;
/** Ten million row objects do not fit into a process's heap; a tenth does, and what counts is the cost of an event. */
const OBJECTS = 1_000_000;
const BINS = { histogram: 60, x: 100, y: 50 };

const OURS = "bpflab";
const DUCKDB = "DuckDB, 2 threads";
const ARQUERO = `arquero from ${OBJECTS / 1e6} M row objects`;

/** The three jobs of each way; what they return is only there to be compared. */
interface Jobs {
  summary(): unknown;
  histogram(): unknown;
  heatmap(): unknown;
}

/** How long each job takes for an event. */
async function timed(jobs: Jobs, events: number): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const name of ["summary", "histogram", "heatmap"] as const) {
    const begun = performance.now();
    await jobs[name]();
    figures[`${name}_ns_per_event`] = ((performance.now() - begun) * 1e6) / events;
  }
  return figures;
}

function ours(writes: MadeUpWrites): Jobs {
  const table = aq.table({ ...writes });
  return {
    summary: () => latency.summary(table, { by: "comm" }),
    histogram: () => charts.histogram(table, { x: "duration_ns", by: "comm", bins: BINS.histogram }),
    heatmap: () => charts.heatmap(table, { xBins: BINS.x, yBins: BINS.y }),
  };
}

function arquero(objects: object[]): Jobs {
  const { op } = aq;
  const all = aq.from(objects);
  const scale = () =>
    all
      .rollup({
        low: op.min("duration_ns"),
        high: op.max("duration_ns"),
        first: op.min("start_ns"),
        last: op.max("start_ns"),
      })
      .object() as Record<"low" | "high" | "first" | "last", number>;
  const percentile = (share: number) => op.quantile("duration_ns", share);
  return {
    summary: () =>
      all
        .groupby("comm")
        .rollup({
          count: op.count(),
          p50: percentile(0.5),
          p90: percentile(0.9),
          p99: percentile(0.99),
          p999: percentile(0.999),
          max: op.max("duration_ns"),
          total: op.sum("duration_ns"),
        })
        .orderby(aq.desc("count"))
        .reify(),
    histogram() {
      const { low, high } = scale();
      return all
        .params({ low, bins: BINS.histogram / Math.log(high / low) })
        .derive({ bin: (d: any, $: any) => aq.op.floor(aq.op.log(d.duration_ns / $.low) * $.bins) })
        .groupby("comm", "bin")
        .count();
    },
    heatmap() {
      const { low, high, first, last } = scale();
      return all
        .params({ low, bins: BINS.y / Math.log(high / low), first, steps: BINS.x / (last - first) })
        .derive({
          column: (d: any, $: any) => aq.op.floor((d.start_ns - $.first) * $.steps),
          row: (d: any, $: any) => aq.op.floor(aq.op.log(d.duration_ns / $.low) * $.bins),
        })
        .groupby("column", "row")
        .count();
    },
  };
}

function duckdb(connection: DuckDBConnection): Jobs {
  const scale =
    "with scale as (select min(duration_ns) low, max(duration_ns) high, min(start_ns) t0, max(start_ns) t1 from writes)";
  const bin = (bins: number) => `floor(${bins} * ln(duration_ns / low) / ln(high / low))`;
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  return {
    summary: () =>
      rows(
        "select comm, count(*) n, quantile_disc(duration_ns, [0.5, 0.9, 0.99, 0.999]), max(duration_ns), sum(duration_ns) from writes group by comm order by n desc",
      ),
    histogram: () => rows(`${scale} select comm, ${bin(BINS.histogram)} bin, count(*) from writes, scale group by all`),
    heatmap: () =>
      rows(
        `${scale} select floor(${BINS.x} * (start_ns - t0) / (t1 - t0)) x, ${bin(BINS.y)} y, count(*) from writes, scale group by all`,
      ),
  };
}

/** Puts the same columns into a table of DuckDB's; an enum is what a column of dictionary codes is there. */
async function fill(connection: DuckDBConnection, { start_ns, duration_ns, comm }: MadeUpWrites): Promise<void> {
  await connection.run(`create type command as enum (${commands.map((name) => `'${name}'`).join(", ")})`);
  await connection.run("create table writes (start_ns double, duration_ns double, comm command)");
  const appender = await connection.createAppender("writes");
  const size = 2048; // rows of a DuckDB vector
  for (let at = 0; at < start_ns.length; at += size) {
    const chunk = DuckDBDataChunk.create([DOUBLE, DOUBLE, ENUM(commands)], Math.min(size, start_ns.length - at));
    const [starts, durations, names] = [0, 1, 2].map((column) => chunk.getColumnVector(column));
    for (let i = 0; i < chunk.rowCount; i++) {
      starts!.setItem(i, start_ns[at + i]!);
      durations!.setItem(i, duration_ns[at + i]!);
      names!.setItem(i, commands[comm.codes[at + i]!]!);
    }
    for (const vector of [starts, durations, names]) vector!.flush();
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/** Both must have measured the same: percentiles that occurred, to the last digit. */
function expectEqual(summary: aq.ColumnTable, rows: unknown): void {
  const our = (summary.objects() as Record<string, unknown>[]).map((row) => [
    row["comm"],
    String(row["count"]),
    [row["p50_ns"], row["p90_ns"], row["p99_ns"], row["p999_ns"]],
    row["max_ns"],
    row["total_ns"],
  ]);
  if (JSON.stringify(our) !== JSON.stringify(rows)) throw new Error("DuckDB's summary says something else than ours");
}

const ratio = (job: string) => (medians: Medians) =>
  figure(medians, OURS, `${job}_ns_per_event`) / figure(medians, DUCKDB, `${job}_ns_per_event`);

/** What a table of events costs to make sense of. */
export const tables: Suite = {
  name: "tables",
  title: `${EVENTS / 1e6} million events by ${commands.length} commands: summary with exact percentiles, histogram, heat map`,
  rounds: 5,
  async prepare() {
    const writes = madeUpWrites(EVENTS);
    const our = ours(writes);
    const connection = await (await DuckDBInstance.create(":memory:", { threads: "2" })).connect();
    const begun = performance.now();
    await fill(connection, writes);
    const load_ns_per_event = ((performance.now() - begun) * 1e6) / EVENTS;
    const their = duckdb(connection);
    expectEqual(our.summary() as aq.ColumnTable, await their.summary());
    const ways: Way[] = [
      { name: OURS, run: () => timed(our, EVENTS) },
      { name: DUCKDB, run: async () => ({ ...(await timed(their, EVENTS)), load_ns_per_event }) },
      {
        name: ARQUERO,
        async run() {
          const objects = Array.from({ length: OBJECTS }, (_, i) => ({
            start_ns: writes.start_ns[i]!,
            duration_ns: writes.duration_ns[i]!,
            comm: commands[writes.comm.codes[i]!]!,
          }));
          const begun = performance.now();
          const jobs = arquero(objects);
          return { load_ns_per_event: ((performance.now() - begun) * 1e6) / OBJECTS, ...(await timed(jobs, OBJECTS)) };
        },
      },
    ];
    return { ways, close: () => connection.closeSync() };
  },
  goals: [
    { text: "summary, as a ratio to DuckDB", of: ratio("summary"), atMost: 1.5 },
    { text: "histogram, as a ratio to DuckDB", of: ratio("histogram"), atMost: 1.5 },
    { text: "heat map, as a ratio to DuckDB", of: ratio("heatmap"), atMost: 1.5 },
  ],
};
