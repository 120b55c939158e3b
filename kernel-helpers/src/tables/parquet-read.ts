/** Parquet files, whoever wrote them, as tables: read by DuckDB, which knows every encoding and codec. */
import type { FileHandle } from "node:fs/promises";
import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, type SchemaElement } from "hyparquet";
import { CapturedTable } from "../streams/captured-table.js";
import { columnNotes, type FileContents, type Metadata, type ReadOptions } from "./file-contents.js";
import { checkMemory } from "./file-errors.js";
import { contradiction, subtreeEnd as endOf } from "./parquet-footer.js";
import { columnReader, type ColumnReader, type Duck, storedWidth } from "./duckdb-columns.js";
import type { AnyColumn } from "../streams/take.js";
import { hasRoundedMoments, readMoments } from "./parquet-moments.js";
import { bufferOf, damageInPages } from "./parquet-pages.js";

/** Text of at most so many different values becomes a dictionary. */
const MOST_WORDS = 60_000;

/**
 * Reads a Parquet file that is open already: so it is the same that was looked at before, and its name is no pattern.
 *
 * @param options.sealed true if a checksum of the whole file has told already that no bit of it has changed
 * @throws whatever DuckDB says of a file that is damaged; ArgumentError for one beyond the bound of memory
 */
export async function readParquet(
  handle: FileHandle,
  { sealed, ...options }: ReadOptions & { sealed: boolean },
): Promise<FileContents> {
  const file = { handle, buffer: await bufferOf(handle), footer: await footerOf(handle) };
  if (!sealed) await check(file);
  // 70 MB of library: loaded by whoever opens a Parquet file.
  const [api, bindings] = await Promise.all([import("@duckdb/node-api"), import("@duckdb/node-bindings")]);
  const duck: Duck = { api, bindings: bindings.default };
  const instance = await api.DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    temp_directory: "",
  });
  const connection = await instance.connect();
  try {
    return await readAll(duck, connection, file, options);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A file that is open, and what hyparquet makes of its footer. */
interface OpenParquet {
  handle: FileHandle;
  buffer: AsyncBuffer;
  footer: FileMetaData | undefined;
}

/** The footer; undefined if DuckDB has to say what is wrong with it. */
async function footerOf(file: FileHandle): Promise<FileMetaData | undefined> {
  return parquetMetadataAsync(await bufferOf(file)).catch(() => undefined);
}

/** @throws if the footer contradicts itself, or a page is not what its checksum says: DuckDB does not look at these */
async function check({ handle, footer }: OpenParquet): Promise<void> {
  const wrong = footer && (contradiction(footer) ?? (await damageInPages(handle, footer)));
  if (wrong !== undefined) throw new Error(wrong);
}

async function readAll(
  duck: Duck,
  connection: DuckDBConnection,
  { handle, buffer, footer }: OpenParquet,
  { path, bigint, maxBytes }: ReadOptions,
): Promise<FileContents> {
  const file = `/proc/self/fd/${handle.fd}`;
  const from = `read_parquet('${file}', hive_partitioning = false)`;
  const metadata = await metadataOf(connection, file);
  const { rows, names, inMilliseconds, bytes, fileBytes } = await claims(connection, file);
  const head = await connection.stream(`select * from ${from} limit 0`);
  const types = head.columnTypes();
  const quoted = head.deduplicatedColumnNames().map((name) => `"${name.replaceAll('"', '""')}"`);
  const sizes = types.map((type, i) => storedWidth(duck, type) * rows + (bytes.get(names[i]!) ?? 0));
  const memory = sizes.reduce((sum, size) => sum + size, 0);
  checkMemory({ path, fileBytes, rows, columns: names.length, bytes: memory }, maxBytes);

  const columns = await momentsOf(buffer, footer, names);
  const wanted = names.flatMap((name, i) => (columns.has(name) ? [] : [i]));
  const selected = await coded(
    duck,
    connection,
    from,
    wanted.map((i) => quoted[i]!),
    wanted.map((i) => types[i]!),
  );
  const notes = columnNotes(metadata, bigint);
  const expressions = selected.map(({ expression }) => expression);
  const result = await connection.stream(`select ${expressions.join(", ") || "null"} from ${from}`);
  const resultTypes = result.columnTypes();
  const readers = wanted.map((column, i): ColumnReader => {
    const [name, type] = [names[column]!, resultTypes[i]!];
    return columnReader(duck, type, rows, {
      bigint: notes.bigint.has(name),
      list: notes.lists[name],
      words: selected[i]!.words,
      inMilliseconds: inMilliseconds[column]!,
      utc: notes.utc.has(name),
    });
  });
  let row = 0;
  for (let chunk; (chunk = await result.fetchChunk()) && chunk.rowCount > 0; row += chunk.rowCount) {
    if (row + chunk.rowCount > rows) throw new Error(`it holds more rows than the ${rows} that it claims`);
    for (const [i, reader] of readers.entries()) reader.add(chunk, i, row);
  }
  if (row !== rows) throw new Error(`it holds ${row} rows and claims ${rows}`);
  for (const [i, reader] of readers.entries()) columns.set(names[wanted[i]!]!, reader.column());
  const inOrder = Object.fromEntries(names.map((name) => [name, columns.get(name)!] as const));
  return { table: new CapturedTable(inOrder as never, names as never), metadata };
}

/** The columns that DuckDB would round. */
async function momentsOf(
  buffer: AsyncBuffer,
  footer: FileMetaData | undefined,
  names: readonly string[],
): Promise<Map<string, AnyColumn>> {
  const columns = new Map<string, AnyColumn>();
  if (!footer || new Set(names).size < names.length) return columns;
  for (const element of topLevel(footer.schema)) {
    const column = hasRoundedMoments(element) ? await readMoments(buffer, footer, element) : undefined;
    if (column) columns.set(element.name, column);
  }
  return columns;
}

/** The elements of a schema that are columns by themselves, with nothing in them. */
function topLevel(schema: readonly SchemaElement[]): SchemaElement[] {
  const found: SchemaElement[] = [];
  for (let at = 1; at < schema.length; at = endOf(schema, at))
    if (!schema[at]!.num_children && schema[at]!.repetition_type !== "REPEATED") found.push(schema[at]!);
  return found;
}

async function metadataOf(connection: DuckDBConnection, file: string): Promise<Metadata> {
  const pairs = await connection.runAndReadAll(
    `select decode(key) as key, decode(value) as value from parquet_kv_metadata('${file}') where value is not null and decode(key) like 'bpflab.%'`,
  );
  return Object.fromEntries(pairs.getRows() as [string, string][]);
}

/** An element of the schema: its name, how many it contains, and whether it counts milliseconds. */
type Element = [string, number, boolean];

/** What the file says of itself: rows, columns in their order, and the bytes that those of a length of their own hold. */
async function claims(connection: DuckDBConnection, file: string) {
  const [[rows, fileBytes]] = (
    await connection.runAndReadAll(
      `select coalesce((select sum(n) from (select any_value(row_group_num_rows) as n from parquet_metadata('${file}') group by row_group_id)), num_rows)::double, file_size_bytes::double from parquet_file_metadata('${file}')`,
    )
  ).getRows() as [[number, number]];
  const schema = (
    await connection.runAndReadAll(
      `select name, coalesce(num_children, 0)::int, coalesce(logical_type like '%MilliSeconds%', converted_type = 'TIMESTAMP_MILLIS', false) from parquet_schema('${file}')`,
    )
  ).getRows() as Element[];
  const names: string[] = [];
  const inMilliseconds: boolean[] = [];
  for (let at = 1; at < schema.length; at = subtreeEnd(schema, at)) {
    names.push(schema[at]![0]);
    inMilliseconds.push(schema[at]![2]);
  }
  const sizes = await connection.runAndReadAll(
    `select split_part(path_in_schema, ', ', 1), sum(total_uncompressed_size)::double from parquet_metadata('${file}') where type in ('BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY') or path_in_schema like '%, %' group by all`,
  );
  return { rows, names, inMilliseconds, fileBytes, bytes: new Map(sizes.getRows() as [string, number][]) };
}

/** Where the schema goes on behind an element and all that is in it. */
function subtreeEnd(schema: readonly Element[], at: number): number {
  let end = at + 1;
  for (let child = 0; child < schema[at]![1]; child++) end = subtreeEnd(schema, end);
  return end;
}

/** What to select for a column, and of text that comes in codes: what they stand for. */
interface Selected {
  expression: string;
  words?: readonly string[];
}

/** The columns as they are to be selected: text of few different values as an enum, which comes as codes. */
async function coded(
  duck: Duck,
  connection: DuckDBConnection,
  from: string,
  quoted: readonly string[],
  types: readonly DuckDBType[],
): Promise<Selected[]> {
  const isText = (type: DuckDBType) => type.typeId === duck.api.DuckDBTypeId.VARCHAR && type.alias === undefined;
  const texts = quoted.filter((_, i) => isText(types[i]!));
  if (texts.length === 0) return quoted.map((expression) => ({ expression }));
  const counts = await connection.runAndReadAll(
    `select ${texts.map((name) => `approx_count_distinct(${name})::double`).join(", ")} from ${from}`,
  );
  const distinct = new Map(texts.map((name, i) => [name, counts.getRows()[0]![i] as number]));
  const selected: Selected[] = [];
  for (const [i, name] of quoted.entries()) {
    const count = distinct.get(name);
    selected.push(
      count === undefined || count === 0 || count > MOST_WORDS
        ? { expression: name }
        : await enumerated(connection, from, name, `words_${i}`),
    );
  }
  return selected;
}

async function enumerated(connection: DuckDBConnection, from: string, name: string, as: string): Promise<Selected> {
  await connection.run(
    `create table ${as} as select distinct ${name} as word from ${from} where ${name} is not null order by word`,
  );
  await connection.run(`create type ${as}_enum as enum (select word from ${as})`);
  // The type's own list ends each word at its first NUL.
  const words = (await connection.runAndReadAll(`select word from ${as}`)).getRows().map(([word]) => word as string);
  return { expression: `${name}::${as}_enum as ${name}`, words };
}
