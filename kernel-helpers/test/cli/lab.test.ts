import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa, type ResultPromise } from "execa";
import { alive, descendantsOf } from "../../dist/base/processes.js";
import { childrenUntil } from "../workload/children.js";
import { printed } from "./output.js";

const repo = fileURLToPath(new URL("../../../", import.meta.url));
const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));

/** The address that a starting JupyterLab prints. */
const addressOf = async (process: ResultPromise): Promise<URL> =>
  new URL((await printed(process, /http:\S+(?=\n)/))[0]);

/** Local addresses on which something listens on this port, as /proc/net/tcp writes them. */
async function listeners(port: number): Promise<string[]> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((table) => readFile(`/proc/net/${table}`, "utf8").catch(() => "")),
  );
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = tables.flatMap((table) => table.split("\n").slice(1)).map((row) => row.trim().split(/\s+/));
  return rows
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === "0A")
    .map(([, local]) => local!.split(":")[0]!);
}

async function waitUntil(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return;
    await delay(100);
  }
  assert.fail(`${what} did not happen`);
}

/** Ends what is left of a process group. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // all of it has ended
  }
}

const owned = childrenUntil(afterEach);

test("npm start opens JupyterLab on loopback with its token and our kernel, and Ctrl-C ends all of it", async () => {
  const runtime = join(await mkdtemp(join(tmpdir(), "bpflab-runtime-")), "runtime");
  const npm = execa("npm", ["start"], {
    cwd: repo,
    detached: true,
    reject: false,
    buffer: false,
    stdin: "ignore",
    env: { JUPYTER_RUNTIME_DIR: runtime },
  });
  try {
    const address = await addressOf(npm);
    assert.equal(address.hostname, "127.0.0.1");
    assert.deepEqual(await listeners(Number(address.port)), ["0100007F"]);

    const specs = new URL("/api/kernelspecs", address);
    assert.equal((await fetch(specs)).status, 403);
    const headers = { Authorization: `token ${address.searchParams.get("token")}` };
    const known = (await (await fetch(specs, { headers })).json()) as {
      kernelspecs: Record<string, { spec: { display_name: string } }>;
    };
    assert.equal(known.kernelspecs["bpflab"]?.spec.display_name, "TypeScript (bpflab)");
    assert.equal((await fetch(address)).status, 200);

    const started = await fetch(new URL("/api/kernels", address), {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "bpflab" }),
    });
    assert.equal(started.status, 201);
    const runsKernel = async () => {
      const commands = descendantsOf(npm.pid!).map(({ pid }) =>
        readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
      );
      return (await Promise.all(commands)).some((command) => command.includes("dist/jupyter/main.js"));
    };
    await waitUntil(runsKernel, "the kernel's start");
    await assertPrivate(runtime);

    const processes = descendantsOf(npm.pid!);
    process.kill(-npm.pid!, "SIGINT"); // as a terminal does: to all of the foreground group
    const { exitCode } = await npm;
    assert.equal(exitCode, 0);
    assert.deepEqual(alive(processes), []);
  } finally {
    endGroup(npm.pid!);
    await rm(dirname(runtime), { recursive: true });
  }
});

/** What holds a token or a key is for this user alone. */
async function assertPrivate(runtime: string): Promise<void> {
  const mode = async (path: string) => (await stat(path)).mode & 0o777;
  assert.equal(await mode(runtime), 0o700);
  const files = (await readdir(runtime)).map((name) => join(runtime, name));
  for (const kind of [/kernel-[\w-]+\.json$/, /jpserver-\d+\.json$/])
    assert.ok(
      files.some((file) => kind.test(file)),
      `${kind} in ${files.join()}`,
    );
  const log = join(repo, "kernel-helpers/build/jupyterlab.log");
  assert.match(await readFile(log, "utf8"), /[?&]token=/);
  for (const file of [...files.filter((file) => file.endsWith(".json")), log])
    assert.equal(await mode(file), 0o600, file);
}

test("JupyterLab does not outlive a killed bpflab", async () => {
  const lab = owned(execa(process.execPath, [entry, "lab"], { reject: false, buffer: false, stdin: "ignore" }));
  await addressOf(lab);
  const processes = descendantsOf(lab.pid!);
  assert.ok(processes.length > 0);
  lab.kill("SIGKILL");
  await lab;
  await waitUntil(() => alive(processes).length === 0, "the server's end");
});

test("a configuration that switches the token off is refused", async () => {
  const config = await mkdtemp(join(tmpdir(), "bpflab-open-"));
  try {
    await writeFile(
      join(config, "jupyter_server_config.json"),
      JSON.stringify({ IdentityProvider: { token: "" }, ServerApp: { token: "" } }),
    );
    const { exitCode, stdout, stderr } = await execa(process.execPath, [entry, "lab"], {
      env: { JUPYTER_CONFIG_DIR: config },
      reject: false,
      stdin: "ignore",
    });
    assert.equal(exitCode, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^Jupyter's configuration on this machine switches the token off/);
  } finally {
    await rm(config, { recursive: true });
  }
});
