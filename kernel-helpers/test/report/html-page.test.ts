import assert from "node:assert/strict";
import { test } from "node:test";
import { outsideLoads } from "../../dist/report/html-page.js";

test("finds what a page would load from elsewhere", () => {
  const loads = {
    '<script src="https://cdn.example/x.js"></script>': "https://cdn.example/x.js",
    "<img alt='a' src=http://example/pixel.png>": "http://example/pixel.png",
    '<link rel="stylesheet" href="//cdn.example/x.css">': "//cdn.example/x.css",
    "<style>@import 'https://fonts.example/f.css';</style>": "https://fonts.example/f.css",
    "<style>b { background: url(https://example/b.png) }</style>": "https://example/b.png",
  };
  for (const [html, address] of Object.entries(loads)) assert.deepEqual(outsideLoads(html), [address], html);
});

test("links to follow, data and names of formats are no loads", () => {
  for (const html of [
    '<a class="x" href="https://docs.example/">docs</a>',
    '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    '<img src="data:image/png;base64,AAAA">',
    "<pre>curl https://example/</pre>",
  ]) {
    assert.deepEqual(outsideLoads(html), [], html);
  }
});
