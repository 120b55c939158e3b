import { lstatSync, mkdirSync } from "node:fs";
import { BpflabError } from "./errors.js";

/**
 * Makes a directory that only this user can write to, or checks the one that is there: what another user could have
 * put into it would be taken for ours, and run or removed as root.
 *
 * @returns the path
 * @throws BpflabError when it belongs to somebody else, others can write to it, or it is not a directory but a link
 */
export function ownDirectory(path: string): string {
  // A link is looked at, not followed: what it leads to need not be there.
  if (!lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(path);
  const user = process.geteuid?.() ?? uid;
  const wrong =
    (mode & 0o170000) !== 0o040000
      ? "is not a directory"
      : uid !== user
        ? `belongs to user ${uid}`
        : (mode & 0o022) !== 0
          ? "can be written to by others"
          : undefined;
  if (wrong === undefined) return path;
  throw new BpflabError("NOT_TRUSTED", `${path} ${wrong}, so nothing in it is trusted.`, {
    hint: "Find out who made it, then remove it, or make it yours alone with chown and chmod 700.",
  });
}
