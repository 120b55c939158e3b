/** What cells see of kernel-helpers, rxjs and arquero: few files, which say the same as those that they are made of. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, describe, test } from "node:test";
import ts from "typescript";
import { optionsFor } from "../../../dist/jupyter/typescript/compiler-options.js";
import { documentationOf } from "../../../dist/jupyter/typescript/documentation.js";
import { CellService } from "../../../dist/jupyter/typescript/service.js";

const packageRoot = fileURLToPath(new URL("../../../", import.meta.url));
const elsewhere = mkdtempSync(join(tmpdir(), "bpflab-test-"));
after(() => rmSync(elsewhere, { recursive: true }));

function cell(text: string, directory = packageRoot): CellService {
  const service = new CellService(directory, optionsFor(directory));
  service.setCurrent(text, false);
  return service;
}

const complaints = (service: CellService): string[] =>
  service.diagnostics().map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));

/** What a name of a cell is, and what its documentation begins with. */
function shown(service: CellService, at: number): [string, string] {
  const info = service.service.getQuickInfoAtPosition(service.current, at);
  const declarations = service.service.getDefinitionAtPosition(service.current, at) ?? [];
  const { text } = documentationOf(declarations, (file) => ts.sys.readFile(file) ?? "");
  return [ts.displayPartsToString(info?.displayParts), text];
}

describe("declarations rolled up", () => {
  test("a cell's program has few files, and none of what they are made of", () => {
    const service = cell(
      'import { aq, bpf } from "kernel-helpers"; import { map } from "rxjs/operators"; aq; bpf; map;',
    );
    assert.deepEqual(complaints(service), []);
    const files = service
      .program()
      .getSourceFiles()
      .map(({ fileName }) => fileName);
    const ours = files.filter((file) => file.startsWith(join(packageRoot, "dist/")));
    assert.ok(ours.length > 2 && ours.length < 20, ours.join("\n"));
    const parts =
      /node_modules\/(?:rxjs|arquero|execa|acorn|undici-types|@uwdata|@nats-io)\/|\/dist\/(?!declarations\/|jupyter\/)/;
    assert.deepEqual(
      files.filter((file) => parts.test(file)),
      [],
    );
  });

  test("a name shows its declaration and its documentation", () => {
    const names: [expression: string, declaration: RegExp, documentation: RegExp][] = [
      ["charts.histogram", /function charts\.histogram</, /histogram|bars/i],
      ["latency.histogram", /function latency\.histogram</, /buckets that double/],
      ["probe.list", /var probe\.list: \(pattern: string\) => Promise</, /^/],
      ["capture.open", /function capture\.open\(path: string/, /Reads a table/],
      ["charts.bar", /function charts\.bar</, /bar/i],
      ["bpf.load", /function bpf\.load</, /program/i],
      ["aq.table", /function table\(/, /table/i],
      ["interval", /function interval\(/, /Observable/],
      ["map", /function map</, /^/],
    ];
    const lines = names.map(([expression]) => `${expression};`);
    const text = `import { aq, bpf, capture, charts, latency, probe } from "kernel-helpers";
      import { interval } from "rxjs";
      import { map } from "rxjs/operators";\n${lines.join("\n")}`;
    const service = cell(text);
    assert.deepEqual(complaints(service), []);
    for (const [expression, declaration, documentation] of names) {
      const [said, documented] = shown(service, text.indexOf(`\n${expression};`) + expression.length);
      assert.match(said, declaration);
      assert.match(documented, documentation, expression);
      assert.doesNotMatch(said, /_d\b|\$\d/);
    }
  });

  test("an Observable is the same whichever module it comes from", () => {
    assert.deepEqual(
      complaints(
        cell(`import { bpf } from "kernel-helpers";
          import { Observable, type OperatorFunction } from "rxjs";
          import { ajax } from "rxjs/ajax";
          import { map } from "rxjs/operators";
          import { TestScheduler } from "rxjs/testing";
          const lengths: Observable<number> = bpf.tracePipe().pipe(map(({ message }) => message.length));
          const same: OperatorFunction<string, number> = map((text: string) => text.length);
          const answers: Observable<unknown> = ajax("http://127.0.0.1/");
          const hot: Observable<string> = new TestScheduler(() => undefined).createHotObservable("a");
          const wrong: Observable<string> = lengths;
          export { same, answers, hot, wrong };`),
      ).map((line) => line.slice(0, 33)),
      ["Type 'Observable<number>' is not "],
    );
  });

  test("a directory's own package is left as it is", () => {
    const own = join(elsewhere, "node_modules/rxjs");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "package.json"), '{ "name": "rxjs", "version": "0.0.1", "types": "own.d.ts" }');
    writeFileSync(join(own, "own.d.ts"), "export declare const own: string;");
    const service = cell('import { own } from "rxjs"; import { watch } from "kernel-helpers"; own; watch;', elsewhere);
    assert.deepEqual(complaints(service), []);
  });
});
