/** A mistake is named, with what to do about it, under the word that it is about; on the running kernel. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { bpf, BpflabError } from "../../dist/api/index.js";
import { diagnosticText } from "../../dist/clang/diagnostics.js";
import { refusedByTheKernel, seenInTheText, type Mistake } from "./mistakes.js";

/** What a cell prints: warnings, and the error with which it ends. */
async function told(source: string, isLoaded: boolean): Promise<{ text: string; error?: BpflabError }> {
  let warned = "";
  try {
    const compiled = await bpf.compile(source, { name: "mistaken", place: "cell 4" });
    warned = compiled.warnings.map((warning) => diagnosticText(warning, compiled)).join("\n");
    if (isLoaded) await (await bpf.load(compiled)).attach();
    return { text: warned };
  } catch (error) {
    assert.ok(error instanceof BpflabError, String(error));
    return { text: `${warned}\n${error.message}`, error };
  }
}

/** What stands at the caret below a message, to the end of its line. */
function underCaret(text: string, says: RegExp): string {
  const rows = text.slice(says.exec(text)!.index).split("\n");
  const at = rows.findIndex((row) => /^ +\| \s*\^/.test(row));
  assert.ok(at > 0, `there is a caret in\n${text}`);
  return `${rows[at - 1]!.slice(rows[at]!.indexOf("^"))}\n`;
}

function check([what, source, says, advice, under]: Mistake, isLoaded: boolean): void {
  test(what, async () => {
    const { text, error } = await told(source, isLoaded);
    assert.match(text, says);
    assert.match(text, advice);
    assert.ok(underCaret(text, says).startsWith(under), text);
    assert.match(text, /cell 4, line \d+: /);
    assert.doesNotMatch(text, /mistaken\.bpf\.c|0x[0-9a-f]{5,}:/, "a file or a number that nobody has");
    // Whatever the compiler, libbpf or the kernel said is a click away.
    const { log, output = log } = (error ?? {}) as { log?: string; output?: string };
    if (output) assert.match(error!.detailsHtml() ?? "", /<details>/);
  });
}

describe("before it is loaded, a mistake is called what it is", () => {
  for (const mistake of seenInTheText) check(mistake, false);
});

describe("what the kernel refuses is called what it is", () => {
  after(() => bpf.closeAll());
  for (const mistake of refusedByTheKernel) check(mistake, true);
});
