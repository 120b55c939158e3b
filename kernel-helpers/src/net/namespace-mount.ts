import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { erase, read, self, write } from "../base/records.js";

// The first `ip netns add` after a boot mounts this directory on itself, and nobody takes it off again (ip-netns(8)).
const directory = "/run/netns";
const record = "namespace-mount";

function isMounted(): boolean {
  return readFileSync("/proc/self/mounts", "utf8").includes(` ${directory} `);
}

/** To be called before a namespace is made: writes down that the mount is ours, unless somebody made it before. */
export function claimNamespaceMount(): void {
  if (!isMounted()) write(record, { kind: "mount", owner: self() });
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
