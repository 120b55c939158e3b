import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ColumnTable, table as makeTable } from "arquero";
import { ArgumentError } from "../base/errors.js";

/**
 * Asks Parquet files in SQL. DuckDB reads what the question needs and no more: columns that it names, and folders that its
 * conditions leave over.
 *
 * @param path a file, or a directory: all files below it, whose folders `name=value` are columns, as `bpflab fleet keep`
 *   makes them
 * @param sql a question in DuckDB's SQL to the table `events`
 * @returns its answer: integers as numbers where they are exact, else as BigInts; moments as Dates
 * @throws ArgumentError for a path without such files, or SQL that DuckDB refuses, with its reason
 * @example
 * await capture.query("kept/ringbuf.rb", "select host, count(*) as events from events where hour >= '2026-11-26T03' group by host")
 */
export async function query(path: string, sql: string): Promise<ColumnTable> {
  if (!existsSync(path))
    throw new ArgumentError(
      `${path} is not there.`,
      /^\w+:\/\//.test(path) ? { hint: "Mount the bucket (s3fs), and name the directory where it is mounted." } : {},
    );
  const files = statSync(path).isDirectory() ? join(path, "**", "*.parquet") : path;
  const { DuckDBInstance } = await import("@duckdb/node-api"); // 70 MB of library: loaded by whoever asks
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    temp_directory: "",
  });
  const connection = await instance.connect();
  try {
    const from = `read_parquet('${files.replaceAll("'", "''")}', hive_partitioning = true, hive_types_autocast = false, union_by_name = true)`;
    await connection.run(`create view events as select * from ${from}`);
    const answer = await connection.runAndReadAll(sql);
    const names = answer.deduplicatedColumnNames();
    const columns = answer.getColumnsJS();
    return makeTable(
      Object.fromEntries(names.map((name, i) => [name, (columns[i] ?? []).map(asNumber)])) as never,
      names,
    );
  } catch (cause) {
    throw new ArgumentError(`DuckDB cannot answer: ${(cause as Error).message.split("\n")[0]!}`, { cause });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const asNumber = (value: unknown) =>
  typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
