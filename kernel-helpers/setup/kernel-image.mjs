/** Debian's own kernels, as files: an image to boot and the modules beside it. Nothing is installed on this machine. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { run, SetupError } from "./command.mjs";
import { debianRelease, unpackPackage } from "./debian-archive.mjs";
import { dataDirectory } from "./paths.mjs";

/** What a kernel's meta package leads to: the image itself and, in newer releases, its parts. */
const PARTS = /^linux-(image|binary|modules|base-\d)/;

/**
 * The kernel of a Debian release for cloud machines, small and with all that bpflab uses; downloaded once.
 *
 * @param {string} suite code name, such as "bookworm"
 * @param {(line: string) => void} progress
 * @returns {Promise<{ release: string, image: string, modules: string }>} `modules`: what belongs into /lib/modules/RELEASE
 */
export async function debianKernel(suite, progress) {
  const directory = join(dataDirectory, "kernels", suite);
  if (!existsSync(directory)) {
    const temporary = `${directory}.new`;
    await rm(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    await download(suite, temporary, progress);
    await rename(temporary, directory);
  }
  return inDirectory(directory);
}

async function download(suite, directory, progress) {
  const work = join(directory, ".apt");
  mkdirSync(work);
  const release = await debianRelease(suite, work, progress);
  const parts = new Set();
  const addPartsOf = async (name) => {
    for (const part of await release.dependenciesOf(name))
      if (PARTS.test(part) && !parts.has(part)) {
        parts.add(part);
        await addPartsOf(part);
      }
  };
  await addPartsOf("linux-image-cloud-amd64");
  await release.download(...parts);
  for (const file of readdirSync(release.archives))
    if (file.endsWith(".deb")) await unpackPackage(join(release.archives, file), directory, work);
  await rm(work, { recursive: true });
  const { release: version, modules } = inDirectory(directory);
  // depmod looks below lib/, where older releases have their modules and newer ones a link.
  if (!existsSync(join(directory, "lib"))) await run("ln", ["-s", "usr/lib", join(directory, "lib")]);
  await run("depmod", ["-b", directory, version]);
  if (!existsSync(join(modules, "modules.dep")))
    throw new SetupError(`depmod made no list of the modules in ${modules}.`);
}

/** Where a release keeps them: newer ones have the image among the modules. */
function inDirectory(directory) {
  for (const lib of ["usr/lib/modules", "lib/modules"]) {
    const [release] = existsSync(join(directory, lib)) ? readdirSync(join(directory, lib)) : [];
    if (release === undefined) continue;
    const modules = join(directory, lib, release);
    const image = [join(directory, `boot/vmlinuz-${release}`), join(modules, "vmlinuz")].find((file) =>
      existsSync(file),
    );
    if (image) return { release, image, modules };
  }
  throw new SetupError(`${directory} holds no kernel: delete it and try again.`);
}
