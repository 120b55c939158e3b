/** Packages of the distribution: what the set-up needs, and how it gets what is missing. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { run, SetupError } from "./command.mjs";
import { distribution, installYourself, packageNames } from "./distribution.mjs";

/** To build and run BPF programs, and to turn notebooks into pages. */
const TO_RUN = [
  "g++",
  "make",
  "pkg-config",
  "python3", // the addon; node-gyp is partly Python
  "clang",
  "libbpf-dev",
  "libdw-dev", // what a program's debug information says of its records
  "iproute2",
  "iputils-ping",
  "jupyter-nbconvert",
  "python3-nbclient",
];

/** What the tests compare with and drive. */
const TO_TEST = [
  "bpftrace",
  "bpftool",
  "python3-jupyter-kernel-test",
  "chromium",
  "poppler-utils",
  "nats-server",
  "libclang-rt-dev", // libFuzzer and the sanitizers
];

/** What the benchmark sets beside bpflab. */
const TO_BENCH = ["bpftrace", "nftables", "python3-ipykernel"];

/** What checks the form of the C and C++. */
const TO_CHECK = ["clang-format", "git"];

/** What boots other kernels. */
const TO_BOOT = ["qemu-system-x86", "busybox-static", "kmod", "cpio", "xz-utils"];

const MORE = { run: [], check: TO_CHECK, test: TO_TEST, bench: TO_BENCH, kernels: TO_BOOT };

/** The same to run, where packages have other names: a command that comes with it, and how to call it in a sentence. */
const COMMANDS = {
  "g++": "a C++17 compiler (g++)",
  make: "make",
  "pkg-config": "pkg-config",
  python3: "python3",
  clang: "clang (14 or newer)",
  ip: "iproute2",
  ping: "ping (iputils)",
};
/** The addon is written against this one; libbpf.mjs builds it where an older one is installed. */
export const LIBBPF_AT_LEAST = "1.1";

/** For another installation to end. */
const PATIENCE_MS = 600_000;

/** The names of these packages that are not installed; undefined where there is no dpkg. @param {string[]} names */
export function missingPackages(names) {
  // It ends with 1 as soon as one of them is unknown, and has told about the others.
  const { error, stdout } = spawnSync("dpkg-query", ["-W", "-f", "${db:Status-Status} ${Package}\n", ...names], {
    encoding: "utf8",
  });
  if (error) return undefined;
  const known = stdout.split("\n");
  return names.filter((name) => !known.includes(`installed ${name}`));
}

/** Brings apt's lists up to date and installs packages with no more than they depend on. */
export async function installPackages(names, onLine) {
  // An installation that was interrupted has to be ended before another one can begin.
  await whenUnlocked("dpkg", ["--configure", "-a", "--force-confdef", "--force-confold"], onLine);
  await whenUnlocked("apt-get", ["update"], onLine);
  const options = ["-y", "--no-install-recommends"];
  await whenUnlocked("apt-get", ["install", "--fix-broken", ...options, ...names], onLine);
}

/** Runs it; again, while another installation goes on: the machine's own upgrades, or what a killed set-up left running. */
async function whenUnlocked(command, args, onLine) {
  // dpkg has a lock of its own; ours would go on with the services that packages start.
  const how = { env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" }, onLine, keepsLock: false };
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(1000)) {
    try {
      return await run(command, args, how);
    } catch (error) {
      const isLocked = error.tail.some((line) =>
        /was locked by|Could not get lock|Unable to (acquire|lock)/.test(line),
      );
      if (!isLocked || Date.now() > deadline) throw error;
      onLine?.("waiting for another installation to finish");
    }
  }
}

/** What of COMMANDS and libbpf is not there, in words. */
function missingCommands() {
  const places = (process.env.PATH ?? "").split(delimiter);
  const missing = Object.keys(COMMANDS).filter((name) => !places.some((place) => existsSync(join(place, name))));
  const hasLibbpf = spawnSync("pkg-config", ["--exists", "libbpf"]).status === 0;
  return [
    ...missing.map((name) => COMMANDS[name]),
    ...(hasLibbpf ? [] : [`libbpf ${LIBBPF_AT_LEAST} or newer with its headers`]),
  ];
}

/** @param {keyof typeof MORE} purpose what is to be done with them */
export function debianPackages(purpose) {
  const names = packageNames([...TO_RUN, ...MORE[purpose]]);
  const missing = () => missingPackages(names) ?? missingCommands();
  return {
    title: `${distribution().name || "System"} packages`,
    done: () => missing().length === 0,
    run: async (progress) => {
      if (missingPackages(names) === undefined) throw new SetupError(installYourself(missing()));
      await installPackages(missingPackages(names), progress);
    },
  };
}
