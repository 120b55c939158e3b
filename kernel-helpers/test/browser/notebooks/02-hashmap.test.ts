import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("02-hashmap", {
  async then({ notebook }) {
    assert.equal(await notebook.charts.count(), 1);
  },
});
