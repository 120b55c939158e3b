/** `npm run pictures`: makes the README's picture anew, from a real JupyterLab on the running kernel. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Lab } from "./lab.js";

const directory = fileURLToPath(new URL("../../../notebooks/pictures/", import.meta.url));

const CELLS = [
  'import { bpf, charts, collect } from "kernel-helpers";\nimport { spawn } from "node:child_process";',
  `%%bpf opens --attach
#include "bpflab.h"
char LICENSE[] SEC("license") = "GPL";

__u64 opened = 0;

SEC("tp/syscalls/sys_enter_openat")
int count_opens(void *ctx) { __sync_fetch_and_add(&opened, 1); return 0; }`,
  `const ringbuf = await (await bpf.load("ringbuf")).attach();
const writers = [["4k", "of=/dev/null"], ["256k", "of=/tmp/bpflab-picture"]].map(([bs, to]) =>
  spawn("timeout", ["4", "sh", "-c", \`while dd if=/dev/zero \${to} bs=\${bs} count=200; do sleep 0.02; done\`], { stdio: "ignore" }));
const writes = await collect(ringbuf.events("rb"), { seconds: 3 });
const dd = writes.filter((write) => write.comm === "dd");
charts.heatmap(dd, { x: "start_ns", y: "duration_ns" })`,
  "`${opens.globals.opened} files were opened meanwhile`",
  'opens.close(); ringbuf.close(); spawn("rm", ["-f", "/tmp/bpflab-picture"]);',
];

const lab = await Lab.start();
try {
  const notebook = await lab.open(await lab.write("first-look.ipynb", CELLS), { height: 1500 });
  await notebook.runAll();
  console.log(await notebook.outputs.allInnerTexts());
  await notebook.charts.first().waitFor({ timeout: 5000 });
  const last = (await notebook.output(3).first().boundingBox())!;
  await mkdir(directory, { recursive: true });
  await notebook.page.screenshot({ path: join(directory, "first-look.png"), clip: { x: 0, y: 0, width: 1300, height: Math.ceil(last.y + last.height + 24) } });
  await notebook.close();
} finally {
  await lab.close();
}
console.log(`✓ ${join(directory, "first-look.png")}`);
