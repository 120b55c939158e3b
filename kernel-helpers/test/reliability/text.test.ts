/** Text that is chosen to do harm, on each way to a reader: it stays text. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { table as makeTable } from "arquero";
import { ArgumentError, charts, latency } from "../../dist/api/index.js";
import { bundleOf } from "../../dist/base/display.js";
import { visibleJson } from "../../dist/base/text.js";
import { Tracebacks } from "../../dist/jupyter/typescript/traceback.js";
import { markCapture } from "../../dist/streams/capture.js";
import { parametersOf, parameterSets, withParameters } from "../../dist/report/parameters.js";
import { sourceOf, type Notebook } from "../../dist/report/notebook.js";
import { rounds, seeded } from "./seeded.js";

const HOSTILE: Record<string, string> = {
  "an element": "<img src=x onerror=alert(1)>",
  "the end of a script": "</script><script>alert(1)</script><!--",
  "an attribute": `" onmouseover="alert(1)`,
  "a terminal's sequences": "\u001b[2J\u001b]0;owned\u0007\u009b31m",
  "line breaks": "one\r\ntwo\nthree\u2028four",
  "reordered text": "\u202egnp.exe",
  "half a character": "\ud800x\udc00",
  "4 KB": "<b>".repeat(1366),
  "a name of JavaScript's": "__proto__",
  "Markdown and mathematics": "$\\href{javascript:alert(1)}{x}$ [x](javascript:alert(1)) `",
};

/** What a terminal would act on, and what hides what is there; line breaks are the outlet's own. */
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e\ufffd]/;
// A table brings a script of its own, which sorts it.
const MARKUP = /<(img|b)[\s>]|<script>alert|<[a-z][^<>]*\son(error|mouseover)="/i;

const events = (text: string) =>
  makeTable({
    comm: Array.from({ length: 40 }, (_, i) => (i % 2 ? text : "cat")),
    path: Array.from({ length: 40 }, () => text),
    start_ns: Array.from({ length: 40 }, (_, i) => i * 1e6),
    duration_ns: Array.from({ length: 40 }, (_, i) => 1000 + i * 10),
  });

const outlets: Record<string, (text: string) => unknown> = {
  "a table": events,
  "a table whose column is called so": (text) => makeTable({ [text]: [1, 2] }),
  "a summary": (text) => latency.summary(events(text) as never, { by: "comm" } as never),
  "a histogram": (text) => charts.histogram(events(text), { x: "duration_ns", by: "comm" }),
  bars: (text) => charts.bar(events(text), { x: "comm" }),
  "a timeline": (text) =>
    charts.timeline(events(text), { x: "start_ns", by: "comm", marks: [{ at: 1e6, label: text }] } as never),
  "a heat map with a title": (text) => charts.heatmap(events(text), { x: "start_ns", y: "duration_ns", title: text }),
  "a capture that says whence it comes": (text) =>
    markCapture(events(text), {
      source: text,
      rows: 40,
      lost: 3,
      dropped: 0,
      startedAt: 0,
      endedAt: 1000,
      host: text,
      kernel: text,
    }),
  "bars by path, with their axis": (text) => charts.bar(events(text), { x: "path", y: "duration_ns" }),
  "an axis whose column is called so": (text) => charts.histogram(makeTable({ [text]: [1, 2, 3] }), { x: text }),
  "lines by process": (text) => charts.lines(events(text), { x: "start_ns", y: "duration_ns", by: "comm" } as never),
  "a flame graph": (text) =>
    charts.flamegraph(makeTable({ stack: [`main;${text}`, text, "main;a"], samples: [3, 2, 1] }), {
      stack: "stack",
      value: "samples",
      title: text,
    } as never),
  "a map's strings as keys": (text) => makeTable({ key: [text, "b"], value: [1, 2] }),
  "an error": (text) => new ArgumentError(`There is no ${text}.`, { hint: `There is ${text}.` }),
  "an ECDF": (text) => charts.ecdf(events(text), { x: "duration_ns", by: "comm" }),
};

for (const [outlet, make] of Object.entries(outlets))
  describe(outlet, () => {
    for (const [what, text] of Object.entries(HOSTILE))
      test(`shows ${what} as text`, async () => {
        const bundle = (await bundleOf(make(text))) as Record<string, unknown>;
        for (const kind of ["text/html", "image/svg+xml"]) {
          const shown = String(bundle[kind] ?? "").replace(/<style>[^]*?<\/style>/g, "");
          assert.doesNotMatch(shown, MARKUP, kind);
          assert.doesNotMatch(shown, UNSEEN, kind);
        }
        assert.doesNotMatch(String(bundle["text/plain"] ?? ""), UNSEEN);
      });
  });

describe("text on its way to a terminal", () => {
  for (const [what, text] of Object.entries(HOSTILE))
    test(`${what}: JSON says the same, and an error of ours shows it`, () => {
      const json = visibleJson({ [text]: [text] });
      assert.doesNotMatch(json, UNSEEN);
      assert.deepEqual(JSON.parse(json), { [text]: [text] });
      const { evalue, traceback } = new Tracebacks().describe(new ArgumentError(`There is no ${text}.`));
      for (const line of [evalue, ...traceback]) assert.doesNotMatch(line, UNSEEN);
    });
});

describe("a parameter of a notebook", () => {
  const notebook = (value: string): Notebook =>
    ({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: [
        { cell_type: "code", metadata: { tags: ["parameters"] }, source: `const name = ${value};\nconst count = 3;` },
      ],
    }) as never;
  const valueOf = (set: Notebook) =>
    runInNewContext(`${sourceOf(set.cells[0]!).replaceAll("const ", "var ")}\nJSON.stringify([name, count])`) as string;

  for (const literal of ['"a"', "'a'", "`a`"])
    test(`never becomes code, in place of ${literal}`, () => {
      const random = seeded(7);
      const pieces = [
        `"`,
        "'",
        "`",
        "\\",
        "${",
        "}",
        ";",
        "\n",
        "\u2028",
        "process.exit()",
        "//",
        "/*",
        "</script>",
        "=",
        ",",
      ];
      const given = Object.values(HOSTILE);
      for (let i = 0; i < rounds(300, 20_000); i++)
        given.push(
          Array.from({ length: 1 + Math.floor(random() * 8) }, () => pieces[Math.floor(random() * pieces.length)]).join(
            "",
          ),
        );
      for (const text of given) {
        const [set] = parameterSets(notebook(literal), [`name=${text}`]);
        assert.equal(valueOf(withParameters(notebook(literal), set!)), JSON.stringify([text, 3]));
      }
    });

  test("of another type is refused, and so is a name that there is not", () => {
    for (const assignment of [
      "count=3; process.exit()",
      "count=[]",
      "count=1e999",
      "__proto__=1",
      "constructor=1",
      "na me=1",
    ])
      assert.throws(() => parameterSets(notebook('"a"'), [assignment]), /^ArgumentError/, assignment);
    assert.equal(parametersOf(notebook('"a"')).length, 2);
  });
});
