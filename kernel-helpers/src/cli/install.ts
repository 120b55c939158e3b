import { homedir } from "node:os";
import { join } from "node:path";
import { installKernelspec } from "../jupyter/kernelspec.js";

/** The prefix in which Jupyter looks for this user's kernels. */
function userPrefix(): string {
  return join(homedir(), ".local");
}

/** `bpflab install`: writes the kernelspec where Jupyter finds it. */
export async function install({ prefix = userPrefix() }: { prefix?: string }): Promise<number> {
  console.log(`The kernel "TypeScript (bpflab)" is installed in ${installKernelspec(prefix)}`);
  return 0;
}
