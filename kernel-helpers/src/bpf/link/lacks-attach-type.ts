import type { NativeError } from "../../base/native.js";
import { kernelTypes } from "../kernel-btf.js";
import type { Attachable } from "./attachment.js";

/** Enumerators of bpf_attach_type that libbpf 1.1 or Linux 5.10 does not know, by their numbers. */
const names: Record<number, string> = {
  42: "BPF_TRACE_KPROBE_MULTI",
  48: "BPF_TRACE_UPROBE_MULTI",
  56: "BPF_TRACE_KPROBE_SESSION",
  57: "BPF_TRACE_UPROBE_SESSION",
};

/** Whether a kind of link was refused because the kernel has none of it, which it calls an invalid argument like others. */
export function lacksAttachType(error: NativeError, { attachType }: Attachable): boolean {
  const name = names[attachType];
  return error.code === "EINVAL" && name !== undefined && !kernelTypes().hasName(name);
}
