import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execa } from "execa";

interface Distribution {
  name: string;
  version: string;
  title: string;
}
const setup = (name: string) => new URL(`../../setup/${name}.mjs`, import.meta.url).href;
const { distribution, installYourself, packageNames } = (await import(setup("distribution"))) as {
  distribution: (file: string) => Distribution;
  installYourself: (missing: string[], where: Distribution) => string;
  packageNames: (names: string[], where: Distribution) => string[];
};

let directory: string;
before(async () => void (directory = await mkdtemp(join(tmpdir(), "bpflab-distribution-"))));
after(() => rm(directory, { recursive: true }));

/** What os-release(5) says, as these distributions have it. */
const osRelease = {
  "Debian 12": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
  "Debian 13": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n',
  "Ubuntu 22.04": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\n',
  "Ubuntu 24.04": 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
  "Fedora Linux 41": 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora Linux 41 (Server)"\n',
};
async function on(name: keyof typeof osRelease): Promise<Distribution> {
  const file = join(directory, "os-release");
  await writeFile(file, osRelease[name]);
  return distribution(file);
}

test("each distribution has its own names for the packages", async () => {
  const wanted = ["clang", "bpftool", "chromium", "qemu-system-x86"];
  const tools = ["linux-tools-common", `linux-tools-${release()}`];
  for (const [name, names] of [
    ["Debian 12", wanted],
    ["Debian 13", [...wanted, "virtiofsd"]],
    ["Ubuntu 22.04", ["clang", ...tools, "qemu-system-x86"]],
    ["Ubuntu 24.04", ["clang", ...tools, "qemu-system-x86"]],
  ] as const)
    assert.deepEqual(packageNames(wanted, await on(name)), names, name);
});

test("another distribution is told in one sentence what to install", async () => {
  const fedora = await on("Fedora Linux 41");
  assert.equal(
    installYourself(["make", "clang (14 or newer)"], fedora),
    "bpflab installs what it needs by itself on Debian 12, Debian 13, Ubuntu 22.04 and Ubuntu 24.04; on Fedora Linux 41 (Server), install these by its own package manager and run this again: make, clang (14 or newer).",
  );
});

/** Installs packages with commands that write down how they are called, where these lines of a shell's stand for dpkg. */
async function installs(dpkg: string, ...names: string[]): Promise<string[]> {
  const log = join(directory, "log");
  await rm(log, { force: true });
  for (const [name, lines] of Object.entries({ dpkg, "apt-get": "" })) {
    await writeFile(join(directory, name), `#!/bin/sh\necho ${name} "$@" >> ${log}\n${lines}\n`);
    await chmod(join(directory, name), 0o755);
  }
  const script = `import { installPackages } from ${JSON.stringify(setup("debian"))}; await installPackages(${JSON.stringify(names)});`;
  await execa(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: `${directory}:${process.env["PATH"]}` },
  });
  return (await readFile(log, "utf8")).trim().split("\n");
}

test("an installation that was interrupted is ended before another begins", async () => {
  const [configure, update, install, ...more] = await installs("", "one", "two");
  assert.match(configure!, /^dpkg .*--configure -a/);
  assert.equal(update, "apt-get update");
  assert.match(install!, /^apt-get install --fix-broken -y --no-install-recommends one two$/);
  assert.deepEqual(more, []);
});

test("an installation that goes on is waited for", async () => {
  const lock = join(directory, "locked");
  await writeFile(lock, "");
  const calls = await installs(
    `[ -e ${lock} ] || exit 0\nrm ${lock}\necho "dpkg: error: dpkg frontend lock was locked by /usr/bin/apt-get process with pid 5" >&2\nexit 2`,
    "one",
  );
  assert.deepEqual(
    calls.map((call) => call.split(" ").slice(0, 2).join(" ")),
    ["dpkg --configure", "dpkg --configure", "apt-get update", "apt-get install"],
  );
});

test("an installation that fails otherwise is not tried again", async () => {
  await assert.rejects(installs("echo 'dpkg: error: no space left' >&2; exit 2", "one"), /no space left|exit code/);
  assert.equal((await readFile(join(directory, "log"), "utf8")).trim().split("\n").length, 1);
});
