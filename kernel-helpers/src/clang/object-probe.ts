/**
 * `node object-probe.js`: opens the object file on standard input with libbpf and reads its types, in a process that may
 * die of it. libbpf 1.1 reads past the end of some damaged objects, and nothing in the process that does so survives.
 */
import { readFileSync } from "node:fs";
import { isNativeError, native } from "../base/native.js";

try {
  const object = native.bpf_object__open_mem(readFileSync(0), "probe");
  native.bpf_object__btf(object);
  native.bpf_object__close(object);
} catch (error) {
  if (!isNativeError(error)) throw error; // libbpf's own complaint is made where the file is opened
}
