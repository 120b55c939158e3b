/** Debian packages: what the set-up needs, and how it gets what is missing. */
import { spawnSync } from "node:child_process";
import { run, SetupError } from "./command.mjs";

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
const TO_TEST = ["bpftrace", "bpftool", "python3-jupyter-kernel-test", "chromium", "poppler-utils"];

/** What the benchmark sets beside bpflab. */
const TO_BENCH = ["bpftrace", "nftables", "python3-ipykernel"];

/** What the check of the sources runs. */
const TO_CHECK = ["clang-format", "git"];

const MORE = { run: [], check: TO_CHECK, test: TO_TEST, bench: TO_BENCH };

/** The names of these packages that are not installed. @param {string[]} names */
export function missingPackages(names) {
  // It ends with 1 as soon as one of them is unknown, and has told about the others.
  const { error, stdout } = spawnSync("dpkg-query", ["-W", "-f", "${db:Status-Status} ${Package}\n", ...names], {
    encoding: "utf8",
  });
  if (error)
    throw new SetupError(
      `bpflab sets itself up with Debian's packages, and dpkg-query does not run here; it needs: ${names.join(" ")}.`,
    );
  const known = stdout.split("\n");
  return names.filter((name) => !known.includes(`installed ${name}`));
}

/** Brings apt's lists up to date and installs packages with no more than they depend on. */
export async function installPackages(names, onLine) {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update"], { env, onLine });
  await run("apt-get", ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", ...names], {
    env,
    onLine,
  });
}

/** @param {keyof typeof MORE} purpose what is to be done with them */
export function debianPackages(purpose) {
  const names = [...TO_RUN, ...MORE[purpose]];
  return {
    title: "Debian packages",
    done: () => missingPackages(names).length === 0,
    run: (progress) => installPackages(missingPackages(names), progress),
  };
}
