/**
 * Debian 13's JupyterLab 4 in a directory of its own on an older Debian. The packages run by their own Python and C library, so nothing reaches the host.
 */
import { chmodSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ask, SetupError } from "./command.mjs";
import { debianRelease, unpackPackage } from "./debian-archive.mjs";

const SUITE = "trixie";

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
  const work = join(directory, ".apt"); // in the directory, so that it goes with it should this be killed
  mkdirSync(work, { recursive: true });
  try {
    const release = await debianRelease(SUITE, work, progress);
    await release.downloadClosure(...RUNS_ON);
    await release.download("jupyterlab");
    for (const file of readdirSync(release.archives)) {
      if (!file.endsWith(".deb") || NOT_UNPACKED.test(file)) continue;
      progress(`unpacking ${file}`);
      await unpackPackage(join(release.archives, file), directory, work, LEFT_OUT);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  writeLauncher(directory);
  progress("compiling its Python modules");
  await ask(join(directory, "python"), ["-m", "compileall", "-q", join(directory, "usr/lib/python3/dist-packages")]);
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
