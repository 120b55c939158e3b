import assert from "node:assert/strict";
import { testNotebook } from "./shipped.js";

testNotebook("10-tcp", {
  async then({ notebook, cells }) {
    assert.equal(await notebook.charts.count(), 6);
    const table = notebook.outputs.locator(".bpflab-table", { hasText: "connections" }).first();
    const rows = (await table.locator("tbody tr").allInnerTexts()).map((row) => row.split(/\s+/));
    const ours = rows.filter(([comm]) => /^(app|web-\d)$/.test(comm!)); // others of the machine's connect meanwhile
    // Three clients of 60 connections each; of the web's, the n-th asks for 40,000 × (1 + n mod 5) bytes.
    assert.deepEqual(ours.map(([comm, , , port, count]) => [comm, port, count]).sort(), [
      ["app", "5432", "60"],
      ["web-1", "8080", "60"],
      ["web-2", "8080", "60"],
    ]);
    const events = notebook.outputs.locator(".bpflab-table", { hasText: "local_port" }).first();
    const names = (await events.locator("thead th").allInnerTexts()).map((name) => name.split("\n")[0]);
    const ports = await events.locator(`tbody td:nth-child(${names.indexOf("local_port") + 1})`).allInnerTexts();
    assert.ok(ports.length > 0 && ports.every((port) => /^\d{4,5}$/.test(port)), ports.join());
    const lossy = JSON.stringify(cells.find(({ source }) => String(source).includes("packets dropped"))!.outputs);
    const [, dropped, again] = /(\d+) packets dropped, (\d+) segments sent again/.exec(lossy)!;
    assert.ok(Number(dropped) > 0 && Number(again) > 0, lossy);
  },
});
