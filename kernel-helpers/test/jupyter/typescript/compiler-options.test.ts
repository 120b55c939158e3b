import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { optionsFor } from "../../../dist/jupyter/typescript/compiler-options.js";

const repository = new URL("../../../../", import.meta.url);

test("the notebooks that bpflab ships are not held to the rules of its own sources", () => {
  assert.equal(optionsFor(fileURLToPath(repository)).noUncheckedIndexedAccess, true, "these are strict");
  for (const directory of ["notebooks", "notebooks/exercises"]) {
    const { strict, noUncheckedIndexedAccess } = optionsFor(fileURLToPath(new URL(directory, repository)));
    assert.deepEqual([strict, noUncheckedIndexedAccess], [undefined, undefined], directory);
  }
});
