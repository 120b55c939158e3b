import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Writes a file aside and puts it in the place of the old one when all of it is on the disk: whatever happens meanwhile,
 * under that name stands the old file or the new one. Remains of a process that was killed while it wrote are removed.
 *
 * @param write fills the file of that name, which exists and is empty
 * @param modeOfNew the mode of a file where this user had none, before the umask: by default what a kernel's events tell is
 *   nobody else's business until somebody says so
 */
export async function replaceFile(
  path: string,
  write: (aside: string, file: FileHandle) => Promise<void>,
  modeOfNew = 0o600,
): Promise<void> {
  const directory = dirname(path);
  await removeRemains(path);
  const mode = await lstat(path).then(
    (old) => (old.isFile() && old.uid === process.geteuid?.() ? old.mode & 0o777 : modeOfNew), // else others chose it
    () => modeOfNew,
  );
  const aside = join(directory, `.${basename(path)}.${process.pid}-${randomBytes(4).toString("hex")}.partial`);
  const file = await open(aside, "wx+", mode);
  try {
    await write(aside, file);
    await file.sync();
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  const entries = await open(directory, "r");
  await entries.sync().finally(() => entries.close()); // else the new name may not outlive a loss of power
}

async function removeRemains(path: string): Promise<void> {
  const prefix = `.${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(prefix) && /^(\d+)-[0-9a-f]{8}\.partial$/.exec(name.slice(prefix.length))?.[1];
    if (pid && !(await isAlive(pid))) await rm(join(dirname(path), name), { force: true });
  }
}

const isAlive = (pid: string) =>
  stat(`/proc/${pid}`).then(
    () => true,
    () => false,
  );
