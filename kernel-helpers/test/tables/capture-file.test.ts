import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromIPC } from "apache-arrow";
import { table as makeTable } from "arquero";
import { execa } from "execa";
import { histogram } from "../../dist/api/charts.js";
import { open, save } from "../../dist/tables/capture-file.js";
import { AddressColumn, BooleanColumn, DictionaryColumn, ListColumn } from "../../dist/streams/event-columns.js";
import { provenance } from "../../dist/streams/clock.js";
import { type Capture, captureOf, markCapture } from "../../dist/streams/capture.js";
import { summary } from "../../dist/tables/latency.js";
import { writes } from "./events.js";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-capture-"));
});
after(() => rm(directory, { recursive: true }));

const account = {
  source: "ringbuf.rb",
  rows: 4,
  lost: 3,
  dropped: 2,
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_005_000,
};

/** Four events with a column of each kind that streams make. */
const events = () =>
  markCapture(
    makeTable({
      duration_ns: Float64Array.of(100, 2500, 2 ** 53, 7),
      pid: Uint32Array.of(1, 2, 4_294_967_295, 4),
      cookie: BigUint64Array.of(1n, 2n, 18_446_744_073_709_551_615n, 4n),
      ok: new BooleanColumn(Uint8Array.of(1, 0, 1, 0)),
      comm: new DictionaryColumn(Uint32Array.of(1, 0, 1, 2), ["dd", "<img src=x oner", "ünï"]),
      source: new AddressColumn(
        Uint8Array.from([
          ...mapped,
          198,
          18,
          0,
          2,
          ...mapped,
          198,
          18,
          0,
          3,
          ...mapped,
          198,
          18,
          0,
          2,
          0x20,
          1,
          0xd,
          0xb8,
          ...new Uint8Array(11),
          1,
        ]),
      ),
      fd: Int32Array.of(-1, 2, 3, 4),
      cpu: Uint8Array.of(0, 255, 1, 2),
      slots: new ListColumn(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 2 ** 40), 2),
      cookies: new ListColumn(BigUint64Array.of(1n, 2n, 3n, 4n, 5n, 6n, 7n, 18_446_744_073_709_551_615n), 2),
      flags: new ListColumn(new BooleanColumn(Uint8Array.of(1, 0, 0, 1, 1, 1, 0, 0)), 2),
      names: new ListColumn(new DictionaryColumn(Uint32Array.of(0, 1, 1, 0, 0, 0, 1, 1), ["a", "b"]), 2),
      since: [new Date(1_700_000_000_123), null, new Date(0), null],
      size_bytes: [1.5, null, 3, null],
    } as never),
    account,
  );

/** What a capture of this machine says of it; its clock is read anew each time. */
function here({ clockOffset_ms }: Capture) {
  assert.ok(Math.abs(clockOffset_ms! - provenance().clockOffset_ms) < 1000);
  return { ...provenance(), clockOffset_ms };
}

/** How IPv4 addresses begin among those of IPv6. */
const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Rows with lists as plain arrays, to compare those of any reader. */
const plainRows = (rows: object[]) =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<unknown>) : value,
      ]),
    ),
  );

for (const kind of ["arrow", "parquet"])
  test(`what is saved as ${kind} comes back: values, kinds of columns, and what was lost`, async () => {
    const path = join(directory, `events.${kind}`);
    await save(events(), path);
    const again = await open(path);
    assert.deepEqual(again.columnNames(), events().columnNames());
    assert.deepEqual(plainRows(again.objects()), plainRows(events().objects()));
    const capture = captureOf(again)!;
    assert.deepEqual(capture, { ...account, ...here(capture) }, "and where it was captured");
    assert.ok(again.column("comm") instanceof DictionaryColumn);
    for (const list of ["slots", "cookies", "flags", "names"])
      assert.ok((again.column(list) as unknown) instanceof ListColumn, list);
    assert.ok(again.column("duration_ns") instanceof Float64Array);
    assert.deepEqual(summary(again, { by: "comm" }).objects(), summary(events(), { by: "comm" }).objects());
  });

test("Apache Arrow's own reader sees the same", async () => {
  const path = join(directory, "foreign.arrow");
  await save(events(), path);
  const read = tableFromIPC(await readFile(path));
  assert.equal(read.numRows, 4);
  for (const name of events()
    .columnNames()
    .filter((name) => name !== "since")) {
    const values = [...read.getChild(name)!].map((value: unknown) =>
      (events().column(name) as unknown) instanceof ListColumn ? [...(value as Iterable<unknown>)] : value,
    );
    assert.deepEqual(
      plainRows(values.map((value) => ({ value }))),
      plainRows(Array.from(events().array(name), (value) => ({ value }))),
      name,
    );
  }
  assert.match(String(read.getChild("comm")!.type), /^Dictionary/);
  const stored = JSON.parse(read.schema.metadata.get("bpflab.capture")!) as Capture;
  assert.deepEqual(stored, { ...account, ...here(stored) });
});

test("DuckDB reads a Parquet capture, and computes the same numbers", async () => {
  const path = join(directory, "duck.parquet");
  await save(events(), path);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = await connection.runAndReadAll(
    `select comm, count(*)::int as n, max(duration_ns) as longest, max(pid)::double as pid, max(cookie)::varchar as cookie from '${path}' group by comm order by comm`,
  );
  assert.deepEqual(rows.getRowObjects(), [
    { comm: "<img src=x oner", n: 2, longest: 2 ** 53, pid: 4_294_967_295, cookie: "18446744073709551615" },
    { comm: "dd", n: 1, longest: 2500, pid: 2, cookie: "2" },
    { comm: "ünï", n: 1, longest: 7, pid: 4, cookie: "4" },
  ]);
  // Of every kind of column, each value; BigInts, and the moments, as text.
  const all = await connection.runAndReadAll(
    `select * replace (cookie::varchar as cookie, cookies::varchar[] as cookies, epoch_ms(since)::double as since) from '${path}'`,
  );
  const expected = plainRows(events().objects()).map((row) => ({
    ...row,
    cookie: String(row["cookie"]),
    cookies: (row["cookies"] as bigint[]).map(String),
    since: (row["since"] as Date | null)?.getTime() ?? null,
  }));
  assert.deepEqual(all.getRowObjectsJson(), expected);
  connection.closeSync();
  instance.closeSync();
});

test("a filtered table is saved as it is seen, and still says what was lost", async () => {
  const path = join(directory, "filtered.arrow");
  await save(
    events().filter((event: { pid: number }) => event.pid < 3),
    path,
  );
  const again = await open(path);
  assert.deepEqual(again.array("pid"), [1, 2]);
  assert.equal(captureOf(again)?.lost, 3);
});

test("a capture of another machine says so in its charts, and when it is saved again", async () => {
  const elsewhere = { host: "elsewhere", kernel: "Linux 5.11.0-other" };
  await save(markCapture(events(), { ...account, ...elsewhere }), join(directory, "elsewhere.parquet"));
  const again = await open(join(directory, "elsewhere.parquet"));
  assert.deepEqual(captureOf(again), { ...account, ...elsewhere });
  const chart = histogram(again, { x: "duration_ns" });
  assert.match(chart.text, /Linux 5\.11\.0-other/);
  const { host, kernel } = chart.frame()["application/vnd.bpflab.capture+json"] as Record<string, unknown>;
  assert.deepEqual({ host, kernel }, elsewhere);
});

for (const kind of ["arrow", "parquet"])
  test(`a capture of nothing, saved as ${kind}, comes back with its columns and its account`, async () => {
    const path = join(directory, `nothing.${kind}`);
    await save(markCapture(writes(0), { ...account, rows: 0 }), path);
    const again = await open(path);
    assert.deepEqual(again.columnNames(), writes(0).columnNames());
    assert.equal(captureOf(again)?.lost, 3);
    assert.equal(summary(again, { by: "comm" }).numRows(), 0);
    assert.match(histogram(again, { x: "duration_ns", by: "comm" }).text, /no events/);
  });

test("a wrong ending, a missing file and a file of another kind are refused in one sentence", async () => {
  await assert.rejects(
    save(events(), join(directory, "events.csv")),
    /^ArgumentError: Expected a name that ends in \.parquet or \.arrow, got .*events\.csv\.$/,
  );
  await assert.rejects(open(join(directory, "nowhere.arrow")), /nowhere\.arrow cannot be read: ENOENT/);
  await writeFile(join(directory, "text.arrow"), "no arrow at all");
  await assert.rejects(
    open(join(directory, "text.arrow")),
    /text\.arrow is neither a Parquet nor an Arrow file: it looks like text/,
  );
});

test("a package that is missing is not called a damaged file", async () => {
  const path = join(directory, "whole.parquet");
  await save(events(), path);
  const hook =
    "export const resolve = (id, context, next) => next(id === '@duckdb/node-api' ? 'no-such-package' : id, context);";
  const script = `
    import { register } from "node:module";
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    const { open } = await import(${JSON.stringify(new URL("../../dist/tables/capture-file.js", import.meta.url))});
    await open(${JSON.stringify(path)}).catch(({ code, message, hint }) => console.log(JSON.stringify([code, message.split(String.fromCharCode(10))[0], hint])));`;
  const { stdout } = await execa(process.execPath, ["--input-type=module", "-e", script]);
  assert.deepEqual(JSON.parse(stdout), [
    "MISSING_FEATURE",
    `${path} cannot be read: a package of bpflab's is missing.`,
    "Install it again with: npm run build",
  ]);
});
