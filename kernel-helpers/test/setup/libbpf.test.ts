/** Where the distribution's libbpf is too old. Building a newer one takes the network, so only what comes without it is tried here. */
import assert from "node:assert/strict";
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";

const setup = fileURLToPath(new URL("../../setup/", import.meta.url));

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "bpflab-libbpf-"));
  await cp(setup, join(directory, "kernel-helpers/setup"), { recursive: true });
  await mkdir(join(directory, "bin"));
  // Of version 0.5.0, as Ubuntu 22.04's.
  const lines = '#!/bin/sh\ncase "$1" in --modversion) echo 0.5.0 ;; --exists) ;; *) exit 1 ;; esac\n';
  await writeFile(join(directory, "bin/pkg-config"), lines);
  await chmod(join(directory, "bin/pkg-config"), 0o755);
});
after(() => rm(directory, { recursive: true }));

/** Runs the step in a clone that has this place instead of libbpf's own; what it printed. */
async function runStep(place: string): Promise<string> {
  const module = JSON.stringify(pathToFileURL(join(directory, "kernel-helpers/setup/libbpf.mjs")).href);
  const script = `import { libbpf } from ${module};
    if (libbpf.done()) throw new Error("it is not there");
    await libbpf.run(() => {}).catch(({ message, tail }) => console.log([...tail, message].join("\\n")));
    console.log(libbpf.done());`;
  const { stdout } = await execa(process.execPath, ["--input-type=module", "-e", script], {
    env: {
      PATH: `${join(directory, "bin")}:${process.env["PATH"]}`,
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: `url.${place}.insteadOf`,
      GIT_CONFIG_VALUE_0: "https://github.com/libbpf/libbpf",
      BPFLAB_SETUP_LOCK: join(directory, "lock"),
    },
  });
  return stdout;
}

const SENTENCE =
  /^bpflab needs libbpf 1\.1 or newer\. .+ has 0\.5\.0, and the source of a newer one could not be fetched from https:\S+: let git reach it .* PKG_CONFIG_PATH\.\nfalse$/m;

test("a source that cannot be reached is named, with git's words and what to do", async () => {
  const said = await runStep(join(directory, "nowhere"));
  assert.match(said, /^fatal: .*nowhere/);
  assert.match(said, SENTENCE);
});

test("a source without the commit that is asked for is not built, whatever its tags are called", async () => {
  const other = join(directory, "other");
  const git = (...args: string[]) => execa("git", ["-C", other, "-c", "user.name=a", "-c", "user.email=a@b", ...args]);
  await mkdir(other);
  await git("init", "--quiet");
  await git("commit", "--quiet", "--allow-empty", "--message", "another");
  await git("tag", "v1.5.1");
  const said = await runStep(other);
  assert.match(said, /not our ref|no such ref|couldn't find remote ref/i);
  assert.match(said, SENTENCE);
});
