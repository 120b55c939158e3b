import assert from "node:assert/strict";
import { test } from "node:test";
import { html, trusted } from "../../dist/base/html.js";

const hostile = `"><img src=x onerror='alert(1)'>&\u202e\u001b[2J`;
const escaped = "&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;\\u202e\\x1b[2J";

test("text in a template is text, in content and in attributes", () => {
  assert.equal(html`<p title="${hostile}">${hostile}</p>`.toString(), `<p title="${escaped}">${escaped}</p>`);
});

test("HTML stays HTML, lists are put end to end, nothing is left out", () => {
  const rows = ["<b>", 2].map((cell) => html`<td>${cell}</td>`);
  const row = html`<tr>${rows}${undefined}${false}${[]}</tr>`;
  assert.equal(row.toString(), "<tr><td>&lt;b&gt;</td><td>2</td></tr>");
  assert.equal(html`<style>${trusted("p > b {}")}</style>`.toString(), "<style>p > b {}</style>");
});

test("an object that only looks like HTML is not taken for it", () => {
  const forged = { toString: () => "<script>" };
  assert.throws(() => html`${forged as never}`, TypeError);
});
