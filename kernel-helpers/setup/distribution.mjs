/** Which Linux distribution this is, and what the packages that bpflab needs are called there. */
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";

/** Those whose packages were looked through by name; on others that have apt the names of Debian 12 are tried. */
const KNOWN = ["Debian 12", "Debian 13", "Ubuntu 22.04", "Ubuntu 24.04"];

/** What is called otherwise than on Debian 12; an empty list is for what comes with another package, or not at all. */
const OTHER_NAMES = {
  "Debian 13": { "qemu-system-x86": ["qemu-system-x86", "virtiofsd"] },
  // bpftool is a part of the kernel's tools. Chromium is a snap only, which no test can drive.
  Ubuntu: { bpftool: ["linux-tools-common", `linux-tools-${release()}`], chromium: [] },
};

/**
 * This machine's distribution from os-release(5): { name, id, version, title }.
 * @param {string} [file]
 */
export function distribution(file = ["/etc/os-release", "/usr/lib/os-release"].find((one) => existsSync(one))) {
  const text = file ? readFileSync(file, "utf8") : "";
  const field = (name) => new RegExp(`^${name}=["']?(.*?)["']?$`, "m").exec(text)?.[1] ?? "";
  const name = { debian: "Debian", ubuntu: "Ubuntu" }[field("ID")] ?? field("NAME");
  return { name, version: field("VERSION_ID"), title: field("PRETTY_NAME") || "this distribution" };
}

/** Debian 12's names of packages as this distribution has them. */
export function packageNames(names, { name, version } = distribution()) {
  const others = { ...OTHER_NAMES[name], ...OTHER_NAMES[`${name} ${version}`] };
  return [...new Set(names.flatMap((one) => others[one] ?? [one]))];
}

/** What to say where there is no apt. @param {string[]} missing what has to be there, in words */
export function installYourself(missing, { title } = distribution()) {
  return `bpflab installs what it needs by itself on ${KNOWN.slice(0, -1).join(", ")} and ${KNOWN.at(-1)}; on ${title}, install these by its own package manager and run this again: ${missing.join(", ")}.`;
}
