/** Source lines with a place in them marked, as compilers show it. */

/** A range in a text; lines and columns count from 0, columns in UTF-16 units. */
export interface Place {
  line: number;
  column: number;
  /** Where the mark ends, on the same line. */
  endColumn?: number;
}

const CONTEXT = 1;

/**
 * The lines around a place, with a caret below it.
 *
 * @example
 * excerpt("const a = 1;\nthrow a;", { line: 1, column: 0 });
 * //   1 | const a = 1;
 * // > 2 | throw a;
 * //     | ^
 */
export function excerpt(source: string, { line, column, endColumn = column + 1 }: Place): string {
  const lines = source.split(/\r?\n/);
  const first = Math.max(0, line - CONTEXT);
  const last = Math.min(lines.length - 1, line + CONTEXT);
  if (line > last) return ""; // a place past the end, as of a missing bracket, may lie on no line at all
  const width = String(last + 1).length;
  const shown: string[] = [];
  for (let i = first; i <= last; i++) {
    shown.push(`${i === line ? ">" : " "} ${String(i + 1).padStart(width)} | ${lines[i]}`);
    if (i !== line) continue;
    // Tabs stay tabs, so that the caret stands below its column whatever their width.
    const indent = lines[i]!.slice(0, column).replace(/[^\t]/g, " ");
    shown.push(`  ${" ".repeat(width)} | ${indent}${"^".repeat(Math.max(1, endColumn - column))}`);
  }
  return shown.join("\n");
}
