import { release } from "node:os";
import { ArgumentError, AttachError, MissingFeatureError } from "../../base/errors.js";
import { isNativeError, native } from "../../base/native.js";
import { attachToEach, byUpdatableLink, type Attachable, type Attachment, type HookKind } from "./attachment.js";
import { attachClsact } from "./clsact.js";
import { interfacesThere, isThere, namedInterfaces, type Interface } from "./interfaces.js";
import { watched } from "./watch.js";

/** Where a network program is attached. */
export interface NetworkHook {
  /** Name of the interface, such as `eth0`, or several. */
  interface: string | string[];
  /** What comes in (default) or what goes out; SEC("tcx/egress") says it too. */
  direction?: "ingress" | "egress";
  /** How; default is a TCX link, and clsact on kernels before 6.6. */
  method?: "tcx" | "clsact";
}

type Direction = "ingress" | "egress";
type Method = "tcx" | "clsact";

// enum bpf_attach_type, newer than libbpf 1.1's
const tcxTypes = { ingress: 46, egress: 47 } as const;

/** SEC("tc"), SEC("tcx/ingress"), SEC("classifier"), SEC("action"): a program that sees an interface's packets. */
export const network: HookKind<NetworkHook> = {
  to: "a network interface",
  takes: ["interface", "direction", "method"],
  inSection: ["direction"],
  defaults: { direction: "ingress" },
  attach(program, { interface: names, direction: given, method }) {
    const named = /^tcx?\/(ingress|egress)$/.exec(program.section)?.[1] as Direction | undefined;
    const direction = given ?? named ?? "ingress";
    if (!["ingress", "egress"].includes(direction) || !["tcx", "clsact", undefined].includes(method))
      throw new ArgumentError(
        `The program ${program.name} attaches to a network interface's "ingress" or "egress", by "tcx" or "clsact".`,
        { hint: `Got direction ${JSON.stringify(direction)} and method ${JSON.stringify(method)}.` },
      );
    if (named && given && named !== given)
      throw new ArgumentError(
        `SEC("${program.section}") of ${program.name} says ${named}, and direction says ${given}.`,
      );
    const each = namedInterfaces(program.name, names, 'attach({ interface: "eth0", direction: "ingress" })');
    let by: Method = "tcx";
    const at = attachToEach(each, (on) => {
      const attached = attachBy(program, on, direction, method);
      by = attached.method;
      return watched(attached, program.name, on);
    });
    return { ...at, hook: { interface: names, direction, method: by } };
  },
};

type Attached = Attachment & Required<Pick<Attachment, "isGone">> & { method: Method };

function attachBy(program: Attachable, on: Interface, direction: Direction, method: NetworkHook["method"]): Attached {
  const where = `${direction} of ${on.name}`;
  try {
    if (method !== "clsact") {
      try {
        return byTcx(program, on, direction, `${where} (tcx)`);
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
    const filter = attachClsact(program.object, program.name, on, direction);
    return { ...filter, where: `${where} (clsact)`, method: "clsact", isGone: () => !filter.isThere() };
  } catch (error) {
    if (!isNativeError(error)) throw error;
    throw new AttachError(
      program.name,
      where,
      `The kernel refuses to attach ${program.name} to the ${where}: ${error.message}.`,
      {
        errno: error.errno,
        cause: error,
        ...(isThere(on.index) ? {} : { hint: `The interface no longer exists. ${interfacesThere()}` }),
      },
    );
  }
}

function byTcx(program: Attachable, on: Interface, direction: Direction, where: string): Attached {
  const link = native.bpf_link_create(program.object, program.name, on.index, tcxTypes[direction]);
  return {
    ...byUpdatableLink(link, where),
    method: "tcx",
    // The link of an interface that was removed, or moved to another namespace, is on none; nor is one that was detached.
    isGone: () => native.bpf_link_ifindex(link) !== on.index,
  };
}
