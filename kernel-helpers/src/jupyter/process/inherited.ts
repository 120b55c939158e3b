/** Children that inherit this process's output would write past the notebook: they get pipes, and what comes is their cell's. */
import children from "node:child_process";
import type { Readable } from "node:stream";

type Fd = 1 | 2;

/** The stream of this process that an entry of `stdio` hands on. */
function handedOn(entry: unknown, fd: Fd): NodeJS.WriteStream | undefined {
  if (entry === "inherit") return fd === 1 ? process.stdout : process.stderr;
  if (entry === 1 || entry === process.stdout) return process.stdout;
  if (entry === 2 || entry === process.stderr) return process.stderr;
  return undefined;
}

/** `stdio` with pipes in place of this process's output, and where what comes from them goes. */
function redirected(stdio: unknown): { stdio: unknown[]; outputs: Map<Fd, NodeJS.WriteStream> } {
  const all = Array.isArray(stdio) ? [...(stdio as unknown[])] : [stdio, stdio, stdio];
  const outputs = new Map<Fd, NodeJS.WriteStream>();
  for (const fd of [1, 2] as const) {
    const output = handedOn(all[fd], fd);
    if (!output) continue;
    outputs.set(fd, output);
    all[fd] = "pipe";
  }
  return { stdio: all, outputs };
}

interface Spawning extends children.ChildProcess {
  spawn(options: { stdio?: unknown }): number;
}

/** Shows the output of children as it comes, and that of those that a cell waits for in a call when they have ended. */
export function showInherited(): void {
  const prototype = children.ChildProcess.prototype as unknown as Spawning;
  const { spawn } = prototype;
  prototype.spawn = function (this: Spawning, options) {
    const { stdio, outputs } = redirected(options.stdio);
    const code = spawn.call(this, outputs.size > 0 ? { ...options, stdio } : options);
    for (const [fd, output] of outputs) {
      (this.stdio[fd] as Readable | null)?.on("data", (data: Buffer) => output.write(data));
      // As it is where a child inherits: there is nothing to read from.
      this.stdio[fd] = null;
      Object.assign(this, fd === 1 ? { stdout: null } : { stderr: null });
    }
    return code;
  };
  children.spawnSync = waiting(children.spawnSync);
  children.execSync = waiting(children.execSync);
  children.execFileSync = waiting(children.execFileSync);
}

/** What such a call gives, or throws. */
interface Ended {
  stdout?: unknown;
  stderr?: unknown;
  output?: unknown[] | null;
}

function waiting<F extends (...args: never[]) => unknown>(call: F): F {
  const apply = (target: F, self: unknown, args: unknown[]): unknown => {
    const last = args.at(-1);
    const options = typeof last === "object" && !Array.isArray(last) ? (last as { stdio?: unknown } | null) : undefined;
    const { stdio, outputs } = redirected(options?.stdio);
    if (outputs.size === 0) return Reflect.apply(target, self, args) as unknown;
    const given = [...args.slice(0, -1), { maxBuffer: Infinity, ...options, stdio }];
    try {
      const ended = Reflect.apply(target, self, given) as unknown;
      const isPlain = typeof ended === "string" || ended instanceof Uint8Array; // the output itself
      if (!isPlain) return shown(ended as Ended, outputs);
      outputs.get(1)?.write(ended);
      return outputs.has(1) ? null : ended;
    } catch (error) {
      shown(error as Ended, outputs);
      throw error;
    }
  };
  return new Proxy(call, { apply });
}

function shown(ended: Ended, outputs: ReadonlyMap<Fd, NodeJS.WriteStream>): Ended {
  for (const [fd, output] of outputs) {
    const text = ended.output?.[fd];
    if (typeof text === "string" || text instanceof Uint8Array) output.write(text);
    if (ended.output) ended.output[fd] = null;
    if (fd === 1) ended.stdout = null;
    else ended.stderr = null;
  }
  return ended;
}
