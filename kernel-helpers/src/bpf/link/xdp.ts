import { requireOneOf } from "../../base/arguments.js";
import { ArgumentError, MissingFeatureError } from "../../base/errors.js";
import { isNativeError, native } from "../../base/native.js";
import { attachToEach, byUpdatableLink, type HookKind } from "./attachment.js";
import { namedInterfaces, type Interface } from "./interfaces.js";
import { watched } from "./watch.js";

/** The interfaces on which an XDP program sees what comes in, before the network stack does. */
export interface XdpHook {
  /** Name of the interface, such as `eth0`, or several. */
  interface: string | string[];
  /** Run by the driver, or by the stack on every driver; by default by the driver where it can. */
  mode?: "native" | "generic";
}

const XDP_ATTACH_TYPE = 37; // BPF_XDP
const modes = { native: 4, generic: 2 } as const; // XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE

export const xdp: HookKind<XdpHook> = {
  to: "a network interface",
  takes: ["interface", "mode"],
  attach(program, { interface: names, mode }) {
    if (mode !== undefined) requireOneOf("mode", mode, ["native", "generic"]);
    const each = namedInterfaces(program.name, names, 'attach({ interface: "eth0", mode: "generic" })');
    const flags = mode ? modes[mode] : 0;
    const at = attachToEach(each, (on) => attachXdp(program, on, flags, mode));
    return { ...at, hook: { interface: names, ...(mode ? { mode } : {}) } };
  },
};

function attachXdp(
  program: Parameters<typeof xdp.attach>[0],
  on: Interface,
  flags: number,
  mode: XdpHook["mode"],
): ReturnType<typeof watched> {
  try {
    const link = native.bpf_link_create(program.object, program.name, on.index, XDP_ATTACH_TYPE, flags);
    const attachment = byUpdatableLink(link, `XDP of ${on.name}${mode ? ` (${mode})` : ""}`);
    return watched(
      { ...attachment, isExclusive: true, isGone: () => native.bpf_link_ifindex(link) !== on.index },
      program.name,
      on,
    );
  } catch (error) {
    if (!isNativeError(error)) throw error;
    if (error.code === "EBUSY" || error.code === "EEXIST")
      throw new ArgumentError(`The interface ${on.name} already has an XDP program, and the kernel allows only one.`, {
        hint: `ip link show ${on.name} and bpftool net show it; ip link set ${on.name} xdp off detaches one that has no link.`,
        cause: error,
      });
    if (mode === "native" && error.code === "EOPNOTSUPP")
      throw new MissingFeatureError("native XDP", `The driver of ${on.name} has no native XDP support.`, {
        hint: 'Leave mode out, or attach with mode: "generic".',
        cause: error,
      });
    throw error;
  }
}
