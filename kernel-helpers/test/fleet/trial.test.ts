import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, test } from "node:test";
import { execa } from "execa";
import { connectFleet } from "../../dist/api/index.js";
import { childrenUntil } from "../workload/children.js";
import { until } from "../workload/until.js";

const command = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const owned = childrenUntil(afterEach);
const namespacesOf = (pid: number) =>
  readdirSync("/run").includes("netns") ? readdirSync("/run/netns").filter((name) => name.includes(`-${pid}-`)) : [];

for (const signal of ["SIGINT", "SIGTERM"] as const)
  test(`a trial has three hosts, and after ${signal} nothing is left of it`, async () => {
    const trial = owned(spawn(process.execPath, [command, "fleet", "try"], { stdio: ["ignore", "pipe", "inherit"] }));
    const ended = once(trial, "close");
    let text = "";
    trial.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
    await until("it is there", () => text.includes("Ctrl-C") || trial.exitCode !== null);
    const [, url, creds] = /connectFleet\("([^"]+)", \{ creds: "([^"]+)" \}\)/.exec(text)!;
    const fleet = await connectFleet(url!, { creds: creds! });
    assert.deepEqual(fleet.hosts().array("host"), ["db-1", "web-1", "web-2"]);
    assert.ok(namespacesOf(trial.pid!).length > 0);
    await fleet.close();
    trial.kill(signal);
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(namespacesOf(trial.pid!), []);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith(`bpflab-fleet-${trial.pid}-`)),
      [],
    );
  });

test("the service file calls the agent with options that there are, and bounds it", async () => {
  const file = readFileSync(new URL("../../setup/bpflab-agent.service", import.meta.url), "utf8");
  const [, called] = /^ExecStart=\/opt\/bpflab\/kernel-helpers\/setup\/bpflab\.mjs (agent .*)$/m.exec(file)!;
  const { stdout: help } = await execa(process.execPath, [command, "agent", "--help"]);
  const options = called!.match(/--[a-z-]+/g)!;
  assert.ok(options.length >= 4);
  for (const option of options) assert.ok(help.includes(`${option} <`), option);
  assert.match(file, /^CPUQuota=\d+%$/m);
  assert.match(file, /^MemoryMax=\d+M$/m);
});
