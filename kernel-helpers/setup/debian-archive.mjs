/** Packages of any Debian release, downloaded and unpacked without being installed: apt with private lists and an empty package database. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, SetupError } from "./command.mjs";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * A Debian release as apt knows it from a work directory of its own.
 *
 * @param {string} suite its code name
 * @param {string} work apt's files go here, downloaded packages into `archives` below it
 * @param {(line: string) => void} progress
 */
export async function debianRelease(suite, work, progress) {
  const archives = join(work, "cache/archives");
  mkdirSync(join(work, "lists/partial"), { recursive: true });
  mkdirSync(join(archives, "partial"), { recursive: true });
  writeFileSync(join(work, "status"), "");
  writeFileSync(join(work, "sources.list"), `deb [signed-by=${KEYRING}] ${await debianMirror()} ${suite} main\n`);
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
  const apt = (command, ...args) => run(command, [...options, ...args], { cwd: archives, onLine: progress });
  await apt("apt-get", "update");
  return {
    /** Where downloaded packages are. */
    archives,
    /** Downloads packages with all that they depend on. */
    downloadClosure: (...names) => apt("apt-get", "-y", "--download-only", "install", ...names),
    /** Downloads these packages alone. */
    download: (...names) => apt("apt-get", "download", ...names),
    /** The names of the packages that one depends on. */
    dependenciesOf: async (name) =>
      [...(await apt("apt-cache", "depends", name)).matchAll(/^\s*Depends: (\S+)$/gm)].map(([, found]) => found),
  };
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

/** Unpacks a package's files into a directory, but for those of the patterns. */
export async function unpackPackage(archive, directory, work, leftOut = []) {
  const files = join(work, "files.tar");
  await run("sh", ["-c", 'dpkg-deb --fsys-tarfile "$1" > "$2"', "sh", archive, files]);
  await run("tar", ["-x", "-f", files, "-C", directory, ...leftOut.map((pattern) => `--exclude=${pattern}`)]);
}
