/** What must hold before anything is changed. */
import { SetupError } from "./command.mjs";

const NODE_AT_LEAST = [20, 19];

/** Throws SetupError unless Node is new enough and this is root. */
export function checkPreconditions() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < NODE_AT_LEAST[0] || (major === NODE_AT_LEAST[0] && minor < NODE_AT_LEAST[1])) {
    throw new SetupError(`bpflab needs Node.js ${NODE_AT_LEAST.join(".")} or newer, and this is ${process.version}.`);
  }
  if (process.platform !== "linux")
    throw new SetupError(`bpflab looks into the Linux kernel, and this is ${process.platform}.`);
  if (process.getuid() !== 0) {
    throw new SetupError(
      "bpflab needs root to load programs into the kernel and to install what is missing: run this as root, for example with sudo.",
    );
  }
}
