import { existsSync } from "node:fs";
import { ArgumentError } from "../../base/errors.js";
import { isNativeError, native } from "../../base/native.js";
import { byUpdatableLink, type HookKind } from "./attachment.js";
import { withFile } from "./hook-options.js";

/** The network namespace whose sockets or packets a program is about. */
export interface NetNamespaceHook {
  /** A name as `ip netns` lists it, a path such as /proc/PID/ns/net, or a process's id; by default that of this process. */
  namespace?: string | number;
}

/** SEC("sk_lookup") and SEC("flow_dissector"). */
export const netNamespace: HookKind<NetNamespaceHook> = {
  to: "a network namespace",
  takes: ["namespace"],
  attach(program, { namespace }) {
    const path =
      namespace === undefined
        ? "/proc/self/ns/net"
        : typeof namespace === "number"
          ? `/proc/${namespace}/ns/net`
          : namespace.includes("/")
            ? namespace
            : `/run/netns/${namespace}`;
    if (!existsSync(path))
      throw new ArgumentError(`namespace: there is no network namespace ${JSON.stringify(namespace)} (${path}).`, {
        hint: "ip netns lists those with a name; /proc/PID/ns/net is that of a process.",
      });
    try {
      const link = withFile(path, (fd) => native.bpf_link_create(program.object, program.name, fd, program.attachType));
      const attachment = byUpdatableLink(
        link,
        namespace === undefined ? "this network namespace" : `network namespace ${namespace}`,
      );
      return { ...attachment, isExclusive: program.typeName === "flow_dissector" };
    } catch (error) {
      if (isNativeError(error) && error.code === "EEXIST")
        throw new ArgumentError(
          `The network namespace already has a ${program.typeName} program, and the kernel allows only one.`,
          { hint: "bpftool link lists it, with the process that holds it.", cause: error },
        );
      throw error;
    }
  },
};
