/**
 * Debian 13's JupyterLab 4 in a directory of its own on an older Debian: apt-get and dpkg-deb with private lists and
 * a private, empty package database. The packages run by their own Python and C library, so nothing reaches the host.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ask, run, SetupError } from "./command.mjs";

const SUITE = "trixie";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The jupyterlab package names hundreds of JavaScript packages that are already bundled in it: these are what it runs on. */
const RUNS_ON = [
  "python3",
  "python3-jupyter-server",
  "python3-jupyterlab-server",
  "python3-jupyter-events",
  "python3-rpds-py",
  "python3-async-lru",
  "python3-notebook-shim",
  "python3-httpx",
  "python3-jupyterlab-widgets",
];

/** Come along as dependencies, for running a system rather than a server in it. */
const NOT_UNPACKED = /^(adduser|ca-certificates|debconf|dpkg|libc-bin|openssl|passwd|perl-base|python3-typeshed|tar)_/;
const LEFT_OUT = [
  "./usr/share/doc",
  "./usr/share/man",
  "./usr/share/locale",
  "./usr/share/nodejs",
  "*.js.map",
  "*/jupyterlab/tests",
];

/**
 * Fills `directory` with JupyterLab; `directory/python` runs its Python. The directory can be moved afterwards.
 *
 * @param {string} directory
 * @param {(line: string) => void} progress
 */
export async function installPrefix(directory, progress) {
  const work = mkdtempSync(join(tmpdir(), "bpflab-apt-"));
  try {
    const archives = await download(work, progress);
    mkdirSync(directory, { recursive: true });
    for (const file of readdirSync(archives)) {
      if (!file.endsWith(".deb") || NOT_UNPACKED.test(file)) continue;
      progress(`unpacking ${file}`);
      await unpack(join(archives, file), directory, work);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  writeLauncher(directory);
  progress("compiling its Python modules");
  await ask(join(directory, "python"), ["-m", "compileall", "-q", join(directory, "usr/lib/python3/dist-packages")]);
}

/** Downloads all that is needed into a directory, and returns it. */
async function download(work, progress) {
  const archives = join(work, "cache/archives");
  mkdirSync(join(work, "lists/partial"), { recursive: true });
  mkdirSync(join(archives, "partial"), { recursive: true });
  writeFileSync(join(work, "status"), "");
  writeFileSync(join(work, "sources.list"), `deb [signed-by=${KEYRING}] ${await debianMirror()} ${SUITE} main\n`);
  const settings = {
    "Dir::State": work,
    "Dir::State::lists": join(work, "lists"),
    "Dir::State::status": join(work, "status"),
    "Dir::Cache": join(work, "cache"),
    "Dir::Etc::sourcelist": join(work, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "APT::Install-Recommends": "false",
    "APT::Sandbox::User": "root", // apt's own user may not write here
    "Acquire::Languages": "none",
    "Debug::NoLocking": "true",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const aptGet = (...args) => run("apt-get", [...options, ...args], { cwd: archives, onLine: progress });
  await aptGet("update");
  await aptGet("-y", "--download-only", "install", ...RUNS_ON);
  await aptGet("download", "jupyterlab");
  return archives;
}

/** The mirror of Debian's archive that this machine uses, from apt's own reading of its sources. */
async function debianMirror() {
  const printed = await run("apt-get", [
    "indextargets",
    "--format",
    "$(COMPONENT) $(RELEASE) $(REPO_URI)",
    "Created-By: Packages",
  ]);
  const targets = printed.split("\n").map((line) => line.split(" "));
  const main = targets.find(
    ([component, release, uri]) => component === "main" && uri && !/-|\/updates/.test(release) && !/security/.test(uri),
  );
  if (!main) throw new SetupError("apt on this machine has no source for Debian's main archive.");
  return main[2];
}

async function unpack(archive, directory, work) {
  const files = join(work, "files.tar");
  await run("sh", ["-c", 'dpkg-deb --fsys-tarfile "$1" > "$2"', "sh", archive, files]);
  await run("tar", ["-x", "-f", files, "-C", directory, ...LEFT_OUT.map((pattern) => `--exclude=${pattern}`)]);
}

/** Debian 13's Python needs a newer C library than the host's: started through the prefix's own loader, it finds that one. */
function writeLauncher(directory) {
  const loader = ["usr/lib64", "usr/lib"]
    .flatMap((place) => filesIn(join(directory, place)).map((name) => join(place, name)))
    .find((path) => /\/ld-linux[^/]*\.so\.\d+$/.test(path));
  const libraries = filesIn(join(directory, "usr/lib")).find((name) => /-linux-gnu/.test(name));
  if (!loader || !libraries) throw new SetupError("Debian 13's C library is not where it was expected in its package.");
  const python = `usr/bin/${basename(readlinkSync(join(directory, "usr/bin/python3")))}`;
  const launcher = join(directory, "python");
  writeFileSync(
    launcher,
    `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/${loader}" --library-path "$here/usr/lib/${libraries}" --argv0 "$here/${python}" "$here/${python}" "$@"
`,
  );
  chmodSync(launcher, 0o755);
}

function filesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
