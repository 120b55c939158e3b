import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { erase, read, self, write } from "../base/records.js";

// The first `ip netns add` after a boot mounts this directory on itself, and nobody takes it off again (ip-netns(8)).
const directory = "/run/netns";

/** Each mount namespace has its own: one in a private namespace says nothing of the machine's. */
const record = `namespace-mount-${/\d+/.exec(readlinkSync("/proc/self/ns/mnt"))?.[0] ?? "0"}`;

function isMounted(): boolean {
  return readFileSync("/proc/self/mounts", "utf8").includes(` ${directory} `);
}

/**
 * To be called before a namespace is made: writes down that the mount is ours, unless somebody made it before. What it
 * returns is to be called when the namespace is there: another process may have taken the mount off, with what was
 * written, in between.
 */
export function claimNamespaceMount(): () => void {
  const isOurs = !isMounted() || read(record) !== undefined;
  const claim = () => {
    if (isOurs) write(record, { kind: "mount", owner: self() });
  };
  claim();
  return claim;
}

/** To be called when namespaces have gone: takes the mount off if it is ours and nobody has a namespace left. */
export function removeNamespaceMount(): void {
  if (!read(record)) return;
  if (isMounted()) {
    if (readdirSync(directory).length > 0) return;
    try {
      execFileSync("umount", [directory], { stdio: "ignore" });
    } catch {
      return; // somebody made a namespace just now
    }
  }
  erase(record);
}
