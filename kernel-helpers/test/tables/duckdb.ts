import { after, before } from "node:test";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** A DuckDB of this test file's own, which writes files as others do. */
export let connection: DuckDBConnection;
let instance: DuckDBInstance;
before(async () => {
  instance = await DuckDBInstance.create(":memory:");
  connection = await instance.connect();
});
after(() => {
  connection.closeSync();
  instance.closeSync();
});

export const sql = async (text: string) => (await connection.runAndReadAll(text)).getRowObjectsJS();
