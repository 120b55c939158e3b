import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { execa } from "execa";

/** Where iproute2 looks for network namespaces by their names (ip-netns(8)). */
const DIRECTORY = "/run/netns";

/**
 * Makes network namespaces that `ip -n NAME` finds and `ip netns del NAME` removes. Not by `ip netns add`: on a machine
 * that has just booted that would mount the directory on itself, and nobody would ever take this mount off again.
 */
export async function makeNamespaces(names: readonly string[]): Promise<void> {
  mkdirSync(DIRECTORY, { recursive: true });
  const files = names.map((name) => `${DIRECTORY}/${name}`);
  for (const file of files) writeFileSync(file, "", { flag: "wx" });
  for (const file of files) await execa("unshare", [`--net=${file}`, "true"]);
}

/** Whether there is one of this name, or the file that it was to have. */
export function hasNamespace(name: string): boolean {
  return existsSync(`${DIRECTORY}/${name}`);
}
