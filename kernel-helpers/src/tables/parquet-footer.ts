/** What a Parquet file's footer says of its rows, in three places which have to agree: else rows would go missing unseen. */
import type { ColumnMetaData, FileMetaData, SchemaElement } from "hyparquet";
import { counted } from "./units.js";

/** Where a footer contradicts itself, in words; undefined if it does not. */
export function contradiction({ num_rows, row_groups, schema }: FileMetaData): string | undefined {
  const inGroups = row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (inGroups !== num_rows) return `it claims ${rows(num_rows)}, and its row groups claim ${rows(inGroups)}`;
  for (const group of row_groups)
    for (const { meta_data: chunk, file_path } of group.columns) {
      if (!chunk || file_path) continue;
      const name = chunk.path_in_schema.join(".");
      const fits = isRepeated(schema, chunk) ? chunk.num_values >= group.num_rows : chunk.num_values === group.num_rows;
      if (!fits)
        return `a row group claims ${rows(group.num_rows)}, and column ${name} has ${counted(Number(chunk.num_values), "value")} there`;
    }
  return undefined;
}

const rows = (count: bigint) => counted(Number(count), "row");

/** True for a column of lists, in whatever they lie, which may have more values than rows; an empty list counts as one. */
function isRepeated(schema: readonly SchemaElement[], { path_in_schema: path }: ColumnMetaData): boolean {
  let at = 0;
  for (const name of path) {
    const children = schema[at]?.num_children ?? 0;
    let child = at + 1;
    for (let i = 0; i < children && schema[child]?.name !== name; i++) child = subtreeEnd(schema, child);
    if (schema[child]?.repetition_type === "REPEATED") return true;
    at = child;
  }
  return false;
}

/** Where a schema goes on behind an element and all that is in it. */
export function subtreeEnd(schema: readonly SchemaElement[], at: number): number {
  let end = at + 1;
  for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) end = subtreeEnd(schema, end);
  return end;
}
