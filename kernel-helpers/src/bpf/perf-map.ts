import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** Functions that a just-in-time compiler has made, as it tells them: `/tmp/perf-PID.map`, one line per function. */
export class PerfMap {
  readonly #pid: number;
  #size = -1;
  #starts: bigint[] = [];
  #functions: { end: bigint; name: string }[] = [];

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** The function at an address; undefined when there is no file, or none that is to be trusted. */
  nameOf(address: bigint): string | undefined {
    return this.#find(address) ?? (this.refresh() ? this.#find(address) : undefined);
  }

  /** Reads the file again when it has grown; true when it has. */
  refresh(): boolean {
    const text = this.#read();
    if (text === undefined) return false;
    // A function that was compiled again stands further down, in the place of what was there.
    const latest = new Map<bigint, { end: bigint; name: string }>();
    for (const [, start, size, name] of text.matchAll(/^([0-9a-f]+) ([0-9a-f]+) (.+)$/gm)) {
      const begin = BigInt(`0x${start}`);
      latest.set(begin, { end: begin + BigInt(`0x${size}`), name: name! });
    }
    const sorted = [...latest].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#starts = sorted.map(([start]) => start);
    this.#functions = sorted.map(([, one]) => one);
    return true;
  }

  #find(address: bigint): string | undefined {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#functions[low - 1];
    return found && address < found.end ? found.name : undefined;
  }

  // Everybody may write into /tmp: only a file of the process's own user, or root's, is believed, and no link is followed.
  #read(): string | undefined {
    try {
      const status = readFileSync(`/proc/${this.#pid}/status`, "utf8");
      const own = Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]);
      const inside = /^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? String(this.#pid);
      const path = `/proc/${this.#pid}/root/tmp/perf-${inside}.map`;
      const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        const { uid, size, isFile } = statOf(fd);
        if (!isFile || (uid !== own && uid !== 0) || size === this.#size) return undefined;
        this.#size = size;
        return readFileSync(fd, "utf8");
      } finally {
        closeSync(fd);
      }
    } catch {
      return undefined; // it has ended, or writes none
    }
  }
}

function statOf(fd: number): { uid: number; size: number; isFile: boolean } {
  const stat = fstatSync(fd);
  return { uid: stat.uid, size: stat.size, isFile: stat.isFile() };
}
