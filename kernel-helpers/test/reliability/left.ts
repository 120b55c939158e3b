/** What a process may leave on this machine: by its process id in names and records, or by a mark in the environment. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { net } from "../../dist/api/index.js";

/** Where root's processes write down what outlives them. */
export const RECORDS = "/run/bpflab";

/** Namespaces, interfaces, records, trace buffers and temporary directories that carry a process's id. */
export async function leftBy(pid: number): Promise<string[]> {
  const namespaces = (await execa("ip", ["netns", "list"])).stdout.split("\n");
  const records = existsSync(RECORDS) ? readdirSync(RECORDS) : [];
  return [
    ...namespaces.filter((line) => line.startsWith(`bpflab-${pid}-`)),
    ...net
      .interfaces()
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`blab${pid}-`)),
    ...records.filter((file) => isRecordOf(file, pid)),
    ...scratchOf(pid),
  ];
}

/** Temporary directories of a process. */
export const scratchOf = (pid: number): string[] =>
  readdirSync(tmpdir()).filter((name) => new RegExp(`^bpflab-[a-z]+-${pid}-`).test(name));

/** Records of test hosts and trace buffers of a process. */
export const recordsOf = (pid: number): string[] =>
  readdirSync(RECORDS).filter((file) => /^(playground|trace)-[\w-]+\.json$/.test(file) && isRecordOf(file, pid));

function isRecordOf(file: string, pid: number): boolean {
  try {
    return readFileSync(join(RECORDS, file), "utf8").includes(`"pid":${pid},`);
  } catch {
    return false; // it is gone by now
  }
}

/** The processes in whose environment `NAME=value` stands, whoever is their parent by now. */
export function markedBy(entry: string): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(entry)) return [];
        return [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ") }];
      } catch {
        return []; // it has ended
      }
    });
}
