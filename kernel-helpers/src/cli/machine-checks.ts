/** What `bpflab doctor` looks at. */
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { atLeast } from "../base/machine.js";
import { lacking, type Capability } from "../base/capabilities.js";
import { clang } from "../clang/clang.js";
import { listNames } from "../base/names.js";
import { native } from "../base/native.js";
import { isKernelspecOf, KERNEL_NAME } from "../jupyter/kernelspec.js";
import { JUPYTER_PREFIX, recordedJupyterLab } from "../report/installation.js";
import { reportPython } from "../report/python.js";
import { type Check, missing, there } from "./finding.js";
import { hookChecks } from "./hook-checks.js";

/** The first line a program prints, or undefined if it does not run. */
async function firstLine(command: string, ...args: string[]): Promise<string | undefined> {
  const result = await execa(command, args, { reject: false, stdin: "ignore", timeout: 30_000 });
  return result.exitCode === 0 ? result.stdout.split("\n")[0] : undefined;
}

/** What is in a file of the system's, or undefined. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** What needs which capability. */
const uses: [Capability, string][] = [
  ["CAP_BPF", "loading programs"],
  ["CAP_PERFMON", "tracing"],
  ["CAP_NET_ADMIN", "network hooks and test hosts"],
];

const RINGBUF = 27; // BPF_MAP_TYPE_RINGBUF

/** Found by making one, for a distribution's kernel may have it before Linux 5.8; by the version where none can be made. */
function hasRingBuffers(): boolean {
  if (atLeast(release(), 5, 8)) return true;
  try {
    return native.libbpf_probe_bpf_map_type(RINGBUF);
  } catch {
    return false; // the addon is not there
  }
}

const systemChecks: Check[] = [
  {
    name: "Node.js",
    needed: true,
    look: () =>
      atLeast(process.versions.node, 20, 19)
        ? there(process.version)
        : missing(process.version, "Install Node.js 20.19 or newer."),
  },
  {
    name: "capabilities",
    needed: true,
    look: () => {
      const missed = lacking(...uses.map(([name]) => name));
      return missed.length === 0
        ? there(process.getuid?.() === 0 ? "root" : "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN")
        : missing(
            `user ${process.getuid?.()} lacks ${listNames(missed)}`,
            `Run bpflab as root, for example with sudo: ${uses.map(([name, use]) => `${name} is for ${use}`).join(", ")}. Captures can be opened and drawn without.`,
          );
    },
  },
  {
    name: "kernel",
    needed: true,
    look: () =>
      hasRingBuffers()
        ? there(release())
        : missing(`${release()}, which has no ring buffers`, "Linux 5.8 or newer is needed, for its ring buffer."),
  },
  {
    name: "BTF",
    needed: true,
    look: () =>
      existsSync("/sys/kernel/btf/vmlinux")
        ? there("/sys/kernel/btf/vmlinux")
        : missing(
            "no /sys/kernel/btf/vmlinux",
            "Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distribution kernels are.",
          ),
  },
  {
    name: "lockdown",
    needed: true,
    look: () => {
      const mode = /\[(\w+)\]/.exec(textOf("/sys/kernel/security/lockdown") ?? "")?.[1] ?? "none";
      return mode !== "confidentiality"
        ? there(mode)
        : missing(
            mode,
            "Under lockdown=confidentiality no program reads kernel memory: boot with lockdown=integrity or none.",
          );
    },
  },
  {
    name: "JIT",
    needed: false,
    look: () => {
      const setting = textOf("/proc/sys/net/core/bpf_jit_enable")?.trim();
      return setting === "0"
        ? missing("off: programs are interpreted", "sysctl net.core.bpf_jit_enable=1, for several times the speed")
        : there(setting === undefined ? "always on" : "on");
    },
  },
  {
    name: "clang",
    needed: true,
    look: async () => {
      const version = await firstLine(clang(), "--version");
      if (version) return there(version);
      const isChosen = clang() !== "clang";
      return missing(
        isChosen ? `${clang()}, which CLANG names, does not run` : "not found",
        isChosen ? "Set CLANG to a clang of version 14 or newer, or unset it" : "apt install clang",
      );
    },
  },
  {
    name: "libbpf",
    needed: true,
    look: () => {
      try {
        const version = native.libbpf_version_string.replace("v", ""); // of the one that the addon runs with
        return atLeast(version, 1, 1)
          ? there(version)
          : missing(version, "Build the addon with libbpf 1.1 or newer: npm run build");
      } catch {
        return missing("unknown while the addon does not load", "npm run build");
      }
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
    name: "system calls",
    needed: false,
    look: async () => {
      const { whyTracepoints } = await import("../bpf/link/system-calls.js");
      const reason = whyTracepoints();
      return there(reason === undefined ? "watched by fentry and fexit" : `watched by tracepoints: ${reason}`);
    },
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
        "Widgets show their state but cannot be operated. Install jupyterlab_widgets beside JupyterLab (Debian: python3-jupyterlab-widgets).",
      );
    },
  },
  {
    name: "notebook kernel",
    needed: true,
    look: () => {
      const file = join(JUPYTER_PREFIX, "share/jupyter/kernels", KERNEL_NAME, "kernel.json");
      if (!existsSync(file)) return missing("not installed", "npm run build");
      return isKernelspecOf(JUPYTER_PREFIX) ? there(file) : missing(`${file} starts another clone's`, "npm run build");
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

/** All of them: what is installed, and what the kernel lets be attached. */
export const checks: Check[] = [...systemChecks, ...hookChecks];
