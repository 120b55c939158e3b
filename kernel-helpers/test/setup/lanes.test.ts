import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

interface Lane {
  name: string;
  atATime: number;
  tests: string[];
  names: string[];
}
const { LANES, inLanes } = (await import(new URL("../../setup/lanes.mjs", import.meta.url).href)) as {
  LANES: Lane[];
  inLanes: (names: string[]) => Lane[];
};

const places = readdirSync(fileURLToPath(new URL("../../test/", import.meta.url)), {
  recursive: true,
  encoding: "utf8",
})
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => file.replace(/\.test\.ts$/, ""));

test("every test is in one lane", () => {
  assert.deepEqual(
    inLanes(places)
      .flatMap(({ names }) => names)
      .sort(),
    [...places].sort(),
  );
});

test("every entry of the table names a test, or a folder of tests", () => {
  for (const entry of LANES.flatMap(({ tests }) => tests))
    assert.ok(
      places.some((name) => (/^$|\/$/.test(entry) ? name.startsWith(entry) : name === entry)),
      entry,
    );
});

test("the closest entry counts, the lanes' order and their entries' order hold, and what nobody names runs alone", () => {
  const [unit, apart, alone] = ["unit", "apart", "alone"].map((name) => LANES.find((lane) => lane.name === name)!);
  const names = ["of/nobody", "jupyter/typescript/positions", "net/wire", "tables/paths", "tables/log2", "net/filter"];
  assert.deepEqual(
    inLanes(names).map(({ name, names }) => [name, names]),
    [
      [unit!.name, ["tables/log2", "jupyter/typescript/positions"]],
      [apart!.name, ["net/filter", "net/wire", "tables/paths"]],
      [alone!.name, ["of/nobody"]],
    ],
  );
  assert.equal(alone!.atATime, 1);
});
