/** What `bpflab doctor` looks at. */
import { existsSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { KERNEL_NAME } from "../jupyter/kernelspec.js";
import { jupyterPrefix, recordedJupyterLab } from "../report/installation.js";
import { reportPython } from "../report/python.js";

/** What a look at the machine found. */
export interface Finding {
  ok: boolean;
  /** What is there, or what is not. */
  found: string;
  /** How to get it. */
  mend?: string;
}

/** One thing to look at. */
export interface Check {
  name: string;
  /** False for what only a part of bpflab needs. */
  needed: boolean;
  look(): Finding | Promise<Finding>;
}

/** The first line a program prints, or undefined if it does not run. */
async function firstLine(command: string, ...args: string[]): Promise<string | undefined> {
  const result = await execa(command, args, { reject: false, stdin: "ignore", timeout: 30_000 });
  return result.exitCode === 0 ? result.stdout.split("\n")[0] : undefined;
}

/** True if version `a.b` is at least `major.minor`. */
export function atLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}

const there = (found: string): Finding => ({ ok: true, found });
const missing = (found: string, mend: string): Finding => ({ ok: false, found, mend });

export const checks: Check[] = [
  {
    name: "Node.js",
    needed: true,
    look: () =>
      atLeast(process.versions.node, 20, 19)
        ? there(process.version)
        : missing(process.version, "Install Node.js 20.19 or newer."),
  },
  {
    name: "root",
    needed: true,
    look: () =>
      process.getuid?.() === 0
        ? there("yes")
        : missing(
            `no, user ${process.getuid?.()}`,
            "Run bpflab as root, for example with sudo: loading BPF programs needs it.",
          ),
  },
  {
    name: "kernel",
    needed: true,
    look: () =>
      atLeast(release(), 5, 11)
        ? there(release())
        : missing(release(), "Linux 5.11 or newer is needed, for memory that a program hangs onto a thread."),
  },
  {
    name: "BTF",
    needed: true,
    look: () =>
      existsSync("/sys/kernel/btf/vmlinux")
        ? there("/sys/kernel/btf/vmlinux")
        : missing(
            "no /sys/kernel/btf/vmlinux",
            "Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as the distributions' kernels are.",
          ),
  },
  {
    name: "clang",
    needed: true,
    look: async () => {
      const version = await firstLine("clang", "--version");
      return version ? there(version) : missing("not found", "apt install clang");
    },
  },
  {
    name: "libbpf",
    needed: true,
    look: async () => {
      const version = await firstLine("pkg-config", "--modversion", "libbpf");
      if (version === undefined) return missing("not found by pkg-config", "apt install libbpf-dev pkg-config");
      return atLeast(version, 1, 1)
        ? there(version)
        : missing(version, "libbpf 1.1 or newer is needed: use Debian 12 or newer.");
    },
  },
  {
    name: "addon",
    needed: true,
    look: async () => {
      const failure = await import("bpflab-native").then(
        () => undefined,
        (error: Error) => error.message.split("\n")[0],
      );
      return failure === undefined ? there("loads") : missing(failure, "npm run build");
    },
  },
  {
    name: "tracefs",
    needed: true,
    look: async () => {
      const { tracefs } = await import("../bpf/link/tracefs.js");
      try {
        const directory = tracefs();
        return there(directory.startsWith("/proc/") ? "not mounted; bpflab mounts it for its own use" : directory);
      } catch (error) {
        return missing(
          error instanceof Error ? error.message.split("\n")[0]! : String(error),
          "mount -t tracefs tracefs /sys/kernel/tracing",
        );
      }
    },
  },
  {
    name: "TCX",
    needed: false,
    look: () =>
      atLeast(release(), 6, 6)
        ? there(`Linux ${release()} has it`)
        : missing(
            `not before Linux 6.6`,
            "Network filters use clsact instead: they work, and are swept up at the next start after a crash.",
          ),
  },
  {
    name: "ip, ping",
    needed: false,
    look: async () => {
      const tools = [await firstLine("ip", "-V"), await firstLine("ping", "-V")];
      return tools.every(Boolean)
        ? there(tools.join("; "))
        : missing("not found", "apt install iproute2 iputils-ping, for test hosts in network namespaces");
    },
  },
  {
    name: "JupyterLab",
    needed: true,
    look: () => {
      const lab = recordedJupyterLab();
      return lab ? there(`${lab.version}, ${lab.origin}`) : missing("none set up", "npm start");
    },
  },
  {
    name: "widgets",
    needed: false,
    look: async () => {
      const lab = recordedJupyterLab();
      const [program = "", ...module] = lab?.command ?? [];
      const lister =
        module[0] === "-m"
          ? [program, "-m", "jupyterlab.labextensions"]
          : [join(dirname(program), "jupyter-labextension")];
      const listed =
        lab &&
        (await execa(lister[0]!, [...lister.slice(1), "list"], {
          reject: false,
          stdin: "ignore",
          all: true,
          timeout: 30_000,
        }));
      const manager = /@jupyter-widgets\/jupyterlab-manager (\S+)/.exec(listed?.all ?? "");
      if (manager) return there(`@jupyter-widgets/jupyterlab-manager ${manager[1]}`);
      return missing(
        "JupyterLab has no widget manager",
        "Widgets show their state and cannot be moved. Install jupyterlab_widgets beside JupyterLab (Debian: python3-jupyterlab-widgets).",
      );
    },
  },
  {
    name: "notebook kernel",
    needed: true,
    look: () => {
      const file = join(jupyterPrefix, "share/jupyter/kernels", KERNEL_NAME, "kernel.json");
      return existsSync(file) ? there(file) : missing("not installed", "npm run build");
    },
  },
  {
    name: "nbconvert",
    needed: false,
    look: async () => {
      const python = await reportPython().catch(() => undefined);
      const version = python && (await firstLine(python, "-m", "nbconvert", "--version"));
      return version
        ? there(`${version}, in ${python}`)
        : missing("not found", "apt install jupyter-nbconvert python3-nbclient, for reports");
    },
  },
];
