import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { release, type } from "node:os";
import type { Chart } from "../../dist/api/charts.js";

/**
 * Compares a chart's specification with the one in `snapshots/`. What the machine adds (its kernel's
 * name) is taken out. After a change that is meant, write them anew with UPDATE_SNAPSHOTS=1 and read the diff.
 */
export function matchSnapshot(name: string, chart: Chart): void {
  const file = new URL(`../../test/charts/snapshots/${name}.json`, import.meta.url);
  const text = JSON.stringify(chart.spec, undefined, 1).replaceAll(`${type()} ${release()}`, "KERNEL");
  if (process.env["UPDATE_SNAPSHOTS"]) writeFileSync(file, `${text}\n`);
  assert.ok(existsSync(file), `no snapshot ${name}: run once with UPDATE_SNAPSHOTS=1`);
  assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(file, "utf8")));
}
