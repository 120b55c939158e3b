import { release } from "node:os";
import { ArgumentError, MissingFeatureError } from "../../base/errors.js";
import { isNativeError, native } from "../../base/native.js";
import { attachToEach, byUpdatableLink, type Attachable, type Attachment, type HookKind } from "./attachment.js";
import { namedInterfaces, type Interface } from "./interfaces.js";
import { watched } from "./watch.js";

/** SEC("netkit/primary") and SEC("netkit/peer"), on a pair of netkit interfaces, of which the primary one is named. */
export interface NetkitHook {
  /** Name of the primary interface, or several. */
  interface: string | string[];
}

export const netkit: HookKind<NetkitHook> = {
  to: "a netkit interface",
  takes: ["interface"],
  attach(program, { interface: names }) {
    const each = namedInterfaces(program.name, names, 'attach({ interface: "nk0" })');
    return { ...attachToEach(each, (on) => attachNetkit(program, on)), hook: { interface: names } };
  },
};

function attachNetkit(program: Attachable, on: Interface): Attachment {
  try {
    const link = native.bpf_link_create(program.object, program.name, on.index, program.attachType);
    const attachment = byUpdatableLink(link, `${program.section.replace("netkit/", "")} of ${on.name} (netkit)`);
    return watched({ ...attachment, isGone: () => native.bpf_link_ifindex(link) !== on.index }, program.name, on);
  } catch (error) {
    if (!isNativeError(error)) throw error;
    // A kernel that knows the kind of link says ENXIO or EACCES of an interface that is none of the primary ones.
    if (error.code === "ENXIO" || error.code === "EACCES")
      throw new ArgumentError(`The interface ${on.name} is not the primary one of a netkit pair.`, {
        hint: "ip link add NAME type netkit makes a pair; programs of both ends are attached to the primary one.",
        cause: error,
      });
    if (error.code === "EINVAL")
      throw new MissingFeatureError("netkit", `This kernel (${release()}) has no netkit interfaces (CONFIG_NETKIT).`, {
        since: "6.7",
        hint: 'SEC("tcx/ingress") and SEC("tcx/egress") attach to interfaces of any kind.',
        cause: error,
      });
    throw error;
  }
}
