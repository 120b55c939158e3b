/** Names that do harm where they are not shown as text: of notebooks, interfaces, processes, a map's keys; in the terminal and in pages. */
import assert from "node:assert/strict";
import { readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";
import { bpf, net } from "../../dist/api/index.js";
import { bundleOf } from "../../dist/base/display.js";
import { Tracebacks } from "../../dist/jupyter/typescript/traceback.js";
import { launchChromium } from "../browser/chromium.js";
import { bpflab, directory, notebook, report } from "../report/notebook.js";
import { loadText, refusalOf } from "../workload/programs.js";

/** What a terminal would act on, and what hides what is there. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u202e\ufffd]/;
const assertText = (text: string) => assert.doesNotMatch(text, UNSEEN);
const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));
/** A name of 15 bytes, as an interface and a thread may have. */
const SHORT = "\u001b[2J<b>\u009b1m";
const LONG = "</title><img src=x onerror=document.title=1>\u001b]0;owned\u0007\u202e";

afterEach(() => bpf.closeAll());

describe("a notebook whose file is called so", () => {
  const name = LONG.replace("/", "\\");

  test("is a name in the terminal, and text in its page, which runs no script that was put into it", async () => {
    const file = join(directory, `${name}.ipynb`);
    const untitled = await notebook("plain.ipynb", [
      'import { aq, charts } from "kernel-helpers";',
      "charts.bar(aq.table({ comm: ['<img src=x onerror=document.title=2>', 'b'] }), { x: 'comm' })",
      "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<script>document.title = 3</script><img src=x onerror=\"document.title = 4\">' }) })",
    ]);
    const content = JSON.parse(readFileSync(untitled, "utf8")) as { cells: { cell_type: string }[] };
    content.cells = content.cells.filter(({ cell_type }) => cell_type === "code"); // no heading: the name is the title
    writeFileSync(untitled, JSON.stringify(content));
    renameSync(untitled, file);
    const { exitCode, stdout, stderr } = await report(file, "-o", directory);
    assert.equal(exitCode, 0, stderr);
    assertText(stdout + stderr);

    const browser = await launchChromium();
    try {
      const tab = await browser.newPage();
      await tab.goto(pathToFileURL(join(directory, `${name}.html`)).href);
      const policy = await tab.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute("content");
      assert.match(policy!, /^default-src 'none'; script-src 'nonce-[0-9a-f-]{36}'; /);
      await tab.locator(".vega-embed svg.marks").waitFor();
      const title = await tab.title();
      assert.ok(title.startsWith("<\\title><img src=x onerror=document.title=1>"), title);
      assert.ok((await tab.locator("h1").first().innerText()).startsWith("<\\title><img src=x"));
      // As if somebody had found a way into the page after all.
      await tab.evaluate(`{
        const script = document.createElement("script");
        script.textContent = "document.title = 5";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", '<img src=x onerror="document.title = 6"><a id=out href="javascript:document.title = 7">x</a>');
        document.getElementById("out").click();
      }`);
      await tab.locator(".vega-embed svg.marks .mark-rect path").first().hover();
      const tooltip = tab.locator("#vg-tooltip-element.visible");
      await tooltip.waitFor();
      assert.match(await tooltip.innerText(), /<img src=x onerror=document\.title=2>/);
      assert.equal(await tooltip.locator("img").count(), 0);
      assert.equal(await tab.title(), title, "nothing of it has run");
    } finally {
      await browser.close();
    }
  });

  test("that fails, and one that is not there, are told in a sentence that a terminal can show", async () => {
    const source = await notebook("fails.ipynb", [`throw new Error(${JSON.stringify(LONG)})`]);
    const file = join(directory, `fails ${basename(name)}.ipynb`);
    renameSync(source, file);
    const failed = await report(file, "-o", directory);
    assert.equal(failed.exitCode, 1);
    assertText(failed.stdout + failed.stderr);
    const missing = await report(`/nowhere/${name}.ipynb`);
    assert.match(missing.stderr, /^Expected a notebook/);
    assertText(missing.stderr);
  });
});

test("values of a sweep are text in the terminal, in names of pages and in the comparison", async () => {
  const source = await notebook("sweep.ipynb", ['const name = "a";', "name"], "bpflab", ["parameters"]);
  const { exitCode, stdout, stderr } = await report(source, "-o", directory, "-p", `name=${LONG}`, "-p", "name=../b");
  assert.equal(exitCode, 0, stderr);
  assertText(stdout + stderr);
  for (const page of ["sweep.html", "sweep-name-.._b.html"]) {
    const html = readFileSync(join(directory, page), "utf8");
    assert.match(html, /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-/);
    assert.doesNotMatch(html, /<img src=x/);
    // The icon font of nbconvert's own style has such characters.
    assertText(html.replace(/<(script|style)[^]*?<\/\1>/g, "").replace(/ xlink:href="data:[^"]*"/g, ""));
  }
});

test("every command says what it was given as text", async () => {
  for (const args of [
    [LONG],
    ["report", `--${LONG}`],
    ["run", LONG],
    ["lab", LONG],
    ["doctor", LONG],
    ["exercises", "grade", LONG],
  ]) {
    const { exitCode, stdout, stderr } = await execa(process.execPath, [entry, ...args], { reject: false });
    assert.notEqual(exitCode, 0, args.join(" "));
    assertText(stdout + stderr);
  }
});

test("an interface that is called so is text wherever it is named", async () => {
  using lab = await net.playground();
  const rename = (from: string, to: string) => execa("ip", ["link", "set", from, "name", to]);
  await execa("ip", ["link", "set", lab.interface, "down"]);
  await rename(lab.interface, SHORT);
  try {
    const filter = await bpf.load("tc_icmp_filter");
    for (const on of [undefined, "nowhere", `${SHORT}x`]) {
      const error = await refusalOf(filter.attach({ interface: on } as never));
      const { evalue, traceback } = new Tracebacks().describe(error);
      assert.match(evalue, /\\x1b\[2J<b>\\x9b1m/);
      for (const line of [evalue, ...traceback]) assertText(line);
    }
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (text: string) => void warnings.push(text);
    await filter.attach({ interface: SHORT });
    console.warn = warn;
    assert.match(warnings.join(), /The interface \\x1b\[2J<b>\\x9b1m is down/);
    for (const shown of [filter, bpf.list().links, bpf.list().programs]) {
      const bundle = (await bundleOf(shown)) as Record<string, unknown>;
      for (const text of [bundle["text/html"], bundle["text/plain"]].map(String)) {
        assertText(text);
        if (text === String(bundle["text/html"])) assert.doesNotMatch(text, /\[2J<b>/);
      }
    }
    const doctor = await execa(process.execPath, [bpflab, "doctor"], { reject: false });
    assertText(doctor.stdout + doctor.stderr);
  } finally {
    bpf.closeAll();
    await rename(SHORT, lab.interface);
  }
});

test("a map's keys of text are text, whatever bytes they have", async () => {
  const object = await loadText(
    "keyed",
    `struct name { char name[16]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, struct name); __type(value, u64); } named SEC(".maps");
SEC("tp/syscalls/sys_enter_getppid") int count(void *ctx)
{
	struct name a = { "\\033[2J<b>\\2331m" }, b = { "\\377\\376<i>" };
	u64 one = 1;

	bpf_map_update_elem(&named, &a, &one, BPF_ANY);
	bpf_map_update_elem(&named, &b, &one, BPF_ANY);
	return 0;
}`,
  );
  await object.attach();
  void process.ppid;
  object.detach();
  const { named } = object.maps as unknown as Record<string, { table(): unknown }>;
  for (const shown of [named, named!.table()]) {
    const bundle = (await bundleOf(shown)) as Record<string, unknown>;
    for (const kind of ["text/html", "text/plain"]) {
      const text = String(bundle[kind] ?? "").replace(/<(style|script)[^]*?<\/\1>/g, "");
      assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      if (kind === "text/html") assert.doesNotMatch(text, /<(b|i)>/);
    }
  }
});

test("a process that is called so is text in what `bpflab run` prints, as a table and as JSON", async () => {
  const program = join(directory, SHORT);
  symlinkSync("/bin/true", program);
  const question = `probe("tp/sched/sched_process_exit").select("comm")`;
  for (const json of [[], ["--json"]]) {
    const asked = execa(process.execPath, [entry, "run", question, "--seconds", "4", ...json], { reject: false });
    const timer = setInterval(() => void execa(program, { reject: false }), 100);
    const { exitCode, stdout, stderr } = await asked;
    clearInterval(timer);
    assert.equal(exitCode, 0, stderr);
    assertText(stdout + stderr);
    assert.match(stdout, json.length > 0 ? /\\u001b\[2J<b>\\u009b1m/ : /\\x1b\[2J<b>\\x9b1m/);
  }
});
