import { release } from "node:os";
import { ArgumentError, AttachError, MissingFeatureError } from "../../base/errors.js";
import { isNativeError, native, type LinkHandle, type ObjectHandle } from "../../base/native.js";
import { attachClsact } from "./clsact.js";
import { findInterface, interfaces, isThere, type Interface } from "./interfaces.js";

/** Where a network program is attached. */
export interface NetworkHook {
  /** Name of the interface, such as `eth0`. */
  interface: string;
  /** What comes in (default) or what goes out. */
  direction?: "ingress" | "egress";
  /** How; default is a TCX link, and clsact on kernels before 6.6. */
  method?: "tcx" | "clsact";
}

/** A network program on its interface. */
export interface NetworkAttachment {
  readonly hook: Required<NetworkHook>;
  /** Puts another program in its place, atomically: each packet meets the one or the other. */
  swap(object: ObjectHandle, program: string): void;
  /** True when the interface has gone and the attachment with it, or when another process detached it. */
  isGone(): boolean;
  detach(): void;
}

// enum bpf_attach_type, newer than libbpf 1.1's
const tcxTypes = { ingress: 46, egress: 47 } as const;

/** How often an attachment is looked for, ms. */
const watchEvery = 500;

/**
 * Attaches a program to an interface.
 *
 * @throws ArgumentError, AttachError when the interface is not there or the kernel refuses, MissingFeatureError
 */
export function attachToInterface(
  object: ObjectHandle,
  program: string,
  hook: NetworkHook | undefined,
): NetworkAttachment {
  const { interface: name, direction = "ingress", method } = hook ?? ({} as Partial<NetworkHook>);
  if (
    typeof name !== "string" ||
    !["ingress", "egress"].includes(direction) ||
    !["tcx", "clsact", undefined].includes(method)
  ) {
    throw new ArgumentError(`The program ${program} is attached to a network interface, which has to be named.`, {
      hint: `For example attach({ interface: ${JSON.stringify(interfaces()[0]?.name ?? "lo")}, direction: "ingress" }); ${thereAre()}`,
    });
  }
  const on = findInterface(name);
  if (!on)
    throw new AttachError(
      program,
      `${direction} of ${name}`,
      `There is no network interface ${JSON.stringify(name)}.`,
      { hint: thereAre() },
    );
  if (!on.up)
    console.warn(
      `The interface ${name} is down: ${program} will see no packets until it is up (ip link set ${name} up).`,
    );
  const attached = attachBy(object, program, on, direction, method);
  return watched({ ...attached, hook: { interface: name, direction, method: attached.method } }, program, on);
}

function thereAre(): string {
  return `Interfaces here: ${interfaces()
    .map((one) => (one.up ? one.name : `${one.name} (down)`))
    .join(", ")}.`;
}

type Attached = Omit<NetworkAttachment, "hook"> & { method: "tcx" | "clsact" };

function attachBy(
  object: ObjectHandle,
  program: string,
  on: Interface,
  direction: "ingress" | "egress",
  method: NetworkHook["method"],
): Attached {
  try {
    if (method !== "clsact") {
      try {
        return byTcx(native.bpf_link_create(object, program, on.index, tcxTypes[direction]), on);
      } catch (error) {
        // Kernels that do not know the attach type call it an invalid argument.
        if (!isNativeError(error) || error.code !== "EINVAL") throw error;
        if (method === "tcx") {
          throw new MissingFeatureError("TCX", `This kernel (${release()}) has no TCX links.`, {
            since: "6.6",
            hint: 'Leave method out, or attach with method: "clsact".',
            cause: error,
          });
        }
      }
    }
    const filter = attachClsact(object, program, on, direction);
    return { method: "clsact", swap: filter.swap, detach: filter.detach, isGone: () => !filter.isThere() };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    throw new AttachError(
      program,
      `${direction} of ${on.name}`,
      `The kernel refuses to attach ${program} to the ${direction} of ${on.name}: ${error.message}.`,
      {
        errno: error.errno,
        cause: error,
        ...(isThere(on.index) ? {} : { hint: `The interface has gone meanwhile. ${thereAre()}` }),
      },
    );
  }
}

function byTcx(link: LinkHandle, on: Interface): Attached {
  return {
    method: "tcx",
    swap: (object, program) => native.bpf_link_update(link, object, program),
    detach: () => native.bpf_link__destroy(link),
    // The link of an interface that was removed, or moved to another namespace, is on none; nor is one that was detached.
    isGone: () => native.bpf_link_ifindex(link) !== on.index,
  };
}

/** Says so when the interface goes or somebody takes the program off: a filter that filters nothing must not look as if it did. */
function watched(attachment: NetworkAttachment, program: string, on: Interface): NetworkAttachment {
  const timer = setInterval(() => {
    if (!attachment.isGone()) return;
    detach(); // frees what is left of it here
    if (isThere(on.index))
      console.warn(`${program} was detached from the interface ${on.name} by another process: attach it again to go on.`);
    else console.warn(`The interface ${on.name} has gone: ${program} is attached to nothing any more. ${thereAre()}`);
  }, watchEvery);
  timer.unref();
  let detached = false;
  const detach = () => {
    if (detached) return;
    detached = true;
    clearInterval(timer);
    attachment.detach();
  };
  return { hook: attachment.hook, swap: attachment.swap, isGone: () => detached || attachment.isGone(), detach };
}
