import { requireInteger } from "../../base/arguments.js";
import { ArgumentError, MissingFeatureError } from "../../base/errors.js";
import { release } from "node:os";
import { isNativeError, native } from "../../base/native.js";
import { byLinks, type HookKind } from "./attachment.js";

// enum nf_inet_hooks and NFPROTO_* of linux/netfilter.h
const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const families = { ipv4: 2, ipv6: 10 } as const;
const DEFRAGMENT = 1; // BPF_F_NETFILTER_IP_DEFRAG

/** Where in netfilter a program stands; since Linux 6.4. */
export interface NetfilterHook {
  at: keyof typeof hooks;
  family?: keyof typeof families;
  /** Lower ones come first: nftables' filter chains stand at 0, connection tracking at -200. */
  priority?: number;
  /** Packets are whole when the program sees them; since Linux 6.6. */
  defragment?: boolean;
}

const NETFILTER_ATTACH_TYPE = 45; // BPF_NETFILTER

export const netfilter: HookKind<NetfilterHook> = {
  to: "a netfilter hook",
  takes: ["at", "family", "priority", "defragment"],
  attach(program, { at, family = "ipv4", priority = 0, defragment: whole = false }) {
    if (!Object.hasOwn(hooks, at) || !Object.hasOwn(families, family))
      throw new ArgumentError(`The program ${program.name} attaches to a netfilter hook, which must be named.`, {
        hint: `For example attach({ at: "input", family: "ipv4", priority: 0 }); at is one of ${Object.keys(hooks).join(", ")}, family ipv4 or ipv6.`,
      });
    requireInteger("priority", priority, { from: -(2 ** 31) + 1, to: 2 ** 31 - 2 }); // the first and the last are netfilter's own
    const more = Buffer.alloc(16);
    more.writeUInt32LE(families[family], 0);
    more.writeUInt32LE(hooks[at], 4);
    more.writeInt32LE(priority, 8);
    more.writeUInt32LE(whole ? DEFRAGMENT : 0, 12);
    try {
      const link = native.bpf_link_create(program.object, program.name, 0, NETFILTER_ATTACH_TYPE, 0, more);
      // Two programs of one priority are refused, and the kernel exchanges none.
      return { ...byLinks([link], `netfilter ${family} ${at}, priority ${priority}`), isExclusive: true };
    } catch (error) {
      if (!isNativeError(error)) throw error;
      if (error.code === "EBUSY")
        throw new ArgumentError(
          `priority: another BPF program already has priority ${priority} in netfilter's ${family} ${at}.`,
          {
            hint: "Choose another priority; bpftool link lists those in use.",
            cause: error,
          },
        );
      if (error.code === "EINVAL")
        throw new MissingFeatureError("netfilter programs", `This kernel (${release()}) has no netfilter links.`, {
          since: "6.4",
          hint: "Use tc or a cgroup hook instead, or leave it out: " + `programs: { ${program.name}: false }.`,
          cause: error,
        });
      throw error;
    }
  },
};
