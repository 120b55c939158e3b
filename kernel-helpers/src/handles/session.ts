import type { BpfObject } from "./object.js";

// What runs, by name: so that rerunning a cell replaces instead of adding.
const objects = new Map<string, BpfObject>();

// Of what runs although a newer version of it failed: where that was, such as `cell 4`.
const outdated = new Map<string, string>();

/** Notes that a newer version of an object did not come about, or that one did. */
export function setOutdated(name: string, failedIn: string | undefined): void {
  if (failedIn === undefined) outdated.delete(name);
  else outdated.set(name, failedIn);
}

/** Where a newer version of an object failed, if what runs is an older one. */
export function newerFailedIn(name: string): string | undefined {
  return outdated.get(name);
}

/** The open object that goes by a name. */
export function running(name: string): BpfObject | undefined {
  const object = objects.get(name);
  return object?.closed ? undefined : object;
}

/**
 * All open objects of this process.
 *
 * @example
 * bpf.allRunning().map((object) => object.name)  // such as ["ringbuf", "stats"]
 */
export function allRunning(): BpfObject[] {
  return [...objects.values()].filter((object) => !object.closed);
}

/**
 * Puts an object in the place of the one of the same name: it is attached where the old one
 * was, then the old one is closed. On a network interface the kernel exchanges the programs, and
 * each packet meets one of them. On other hooks both are attached for a moment, so that no event
 * is missed; each has maps of its own, so none is counted twice.
 *
 * @throws what attaching throws; then the old one is still in place
 */
export async function replace(object: BpfObject): Promise<void> {
  const before = running(object.name);
  if (before) {
    const attached = Object.values(before.programs).filter(
      (program) => program.attached && program.name in object.programs,
    );
    const undo: (() => void | Promise<void>)[] = [];
    try {
      for (const { name } of attached)
        undo.push((await object.programs[name]!.takeOver(before.programs[name]!)) ?? (() => {}));
      // Two tables of operations of one name cannot be registered at a time.
      for (const operations of object.structOps) {
        const old = before.structOps.find((one) => one.name === operations.name && one.attached);
        if (!old) continue;
        old.detach();
        undo.push(() => old.attach());
        operations.attach();
        undo.push(() => operations.detach());
      }
    } catch (error) {
      for (const back of undo.reverse()) await back();
      throw error;
    }
  }
  objects.set(object.name, object);
  object.onClose(() => {
    if (objects.get(object.name) === object) objects.delete(object.name);
  });
  before?.close();
}

/**
 * Closes all that runs: programs are detached, maps are freed.
 *
 * @example
 * bpf.closeAll();
 */
export function closeAll(): void {
  for (const object of allRunning()) object.close();
}
