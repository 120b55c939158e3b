/** What tells Jupyter how to start this kernel. */
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

/** The kernel's name, as notebooks carry it in their metadata. */
export const KERNEL_NAME = "bpflab";

/** The content of `kernel.json`. */
export interface Kernelspec {
  argv: string[];
  display_name: string;
  language: string;
  interrupt_mode: "message";
  metadata: Record<string, unknown>;
}

/** MB: what the compiler makes for a cell dies young, and is not copied around meanwhile. A snapshot is made with the same options. */
export const V8_OPTIONS = ["--min-semi-space-size=16", "--max-semi-space-size=16"];

/** How the names of snapshots of V8's heap begin, with which kernels start. */
export const SNAPSHOT = fileURLToPath(new URL("../../build/kernel", import.meta.url));
/** What JupyterLab's editor learns: that cells which begin with %%bpf are C. */
const LAB_EXTENSION = fileURLToPath(new URL("../../labextension", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../../setup/kernel.sh", import.meta.url));

/** The snapshot for a Node.js, as setup/kernel.sh finds it. */
export function snapshotOf(node: string): string {
  const { size, mtimeMs, ino } = statSync(node);
  return `${SNAPSHOT}-${size}-${Math.floor(mtimeMs / 1000)}-${ino}.blob`;
}

/** The kernelspec for this installation, run by the Node.js that calls this. */
export function kernelspec(): Kernelspec {
  return {
    argv: [
      ...["/bin/sh", LAUNCHER, process.execPath, SNAPSHOT],
      "--disable-warning=ExperimentalWarning", // require() of ES modules, which cells live on
      ...V8_OPTIONS,
      fileURLToPath(new URL("./main.js", import.meta.url)),
      "{connection_file}",
    ],
    display_name: "TypeScript (bpflab)",
    language: "typescript",
    interrupt_mode: "message",
    metadata: { debugger: true },
  };
}

/**
 * Writes the kernelspec below a prefix, with JupyterLab's extension beside it, and returns its directory.
 *
 * @param prefix such as `/usr/local`, or a virtual environment
 * @example
 * installKernelspec("/usr/local"); // "/usr/local/share/jupyter/kernels/bpflab"
 */
export function installKernelspec(prefix: string): string {
  const directory = join(prefix, "share", "jupyter", "kernels", KERNEL_NAME);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "kernel.json"), `${JSON.stringify(kernelspec(), null, 2)}\n`);
  writeFileSync(join(directory, "logo-svg.svg"), LOGO);
  cpSync(LAB_EXTENSION, join(prefix, "share", "jupyter", "labextensions", "bpflab-editor"), { recursive: true });
  return directory;
}

/** True if the kernel that Jupyter knows below a prefix is this installation's, run by this Node.js. */
export function isKernelspecOf(prefix: string): boolean {
  try {
    const written = readFileSync(join(prefix, "share", "jupyter", "kernels", KERNEL_NAME, "kernel.json"), "utf8");
    return isDeepStrictEqual(JSON.parse(written), kernelspec());
  } catch {
    return false; // none, or half of one
  }
}

/**
 * Makes the kernel below a prefix this installation's: the clone may have been copied or moved since, or Node.js replaced.
 * Where this user may not write there it stays as it is: `isKernelspecOf` tells.
 */
export function keepKernelspec(prefix: string): void {
  if (isKernelspecOf(prefix)) return;
  try {
    installKernelspec(prefix);
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** A probe on a line of events: three bars, one of them looked at. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
  <rect width="64" height="64" rx="12" fill="#1f2a44"/>
  <g fill="#8fb8ff"><rect x="12" y="34" width="8" height="18"/><rect x="44" y="28" width="8" height="24"/></g>
  <rect x="28" y="20" width="8" height="32" fill="#ffc145"/>
  <circle cx="32" cy="20" r="9" fill="none" stroke="#ffc145" stroke-width="3"/>
</svg>
`;
