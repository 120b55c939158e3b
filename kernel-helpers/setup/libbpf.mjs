/** libbpf: the distribution's; where that is too old, a release built from libbpf's own source, for this clone alone. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run, SetupError } from "./command.mjs";
import { installPackages, LIBBPF_AT_LEAST, missingPackages } from "./debian.mjs";
import { distribution } from "./distribution.mjs";
import { builtLibbpf } from "./paths.mjs";
import { fingerprint, isStamped, stamped } from "./stamp.mjs";

/** What is built: of the release that Debian 13 has. Fetched by the commit's hash, for that cannot name anything else. */
const SOURCE = {
  url: "https://github.com/libbpf/libbpf",
  version: "1.5.1",
  commit: "b4fa3e39a77fd65574fb5f899486795fc3d89bd9",
};

/** There when it was built whole. */
export const libbpfStamp = join(builtLibbpf, ".stamp");
const print = () => fingerprint([], [SOURCE.commit, process.arch]);
const libraries = join(builtLibbpf, "lib");

/** The environment in which pkg-config finds the libbpf to build with. */
export function libbpfEnvironment() {
  if (!isStamped(libbpfStamp, print())) return {};
  return { PKG_CONFIG_PATH: [join(libraries, "pkgconfig"), process.env.PKG_CONFIG_PATH].filter(Boolean).join(":") };
}

function isInstalled() {
  return spawnSync("pkg-config", [`--atleast-version=${LIBBPF_AT_LEAST}`, "libbpf"]).status === 0;
}

export const libbpf = {
  title: "libbpf",
  done: () => isInstalled() || isStamped(libbpfStamp, print()),
  run: async (progress) => {
    const missing = missingPackages(["git"]) ?? [];
    if (missing.length > 0) await installPackages(missing, progress);
    await stamped(libbpfStamp, print, () => buildLibbpf(progress));
  },
};

async function buildLibbpf(progress) {
  const source = join(builtLibbpf, "source");
  await rm(builtLibbpf, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  const git = (...args) =>
    run("git", ["-C", source, ...args], { env: { GIT_TERMINAL_PROMPT: "0" }, onLine: progress, seconds: 600 });
  await git("init", "--quiet");
  await git("fetch", "--depth", "1", SOURCE.url, SOURCE.commit).catch((error) => {
    throw new SetupError(noLibbpf(installedVersion()), error.tail);
  });
  await git("checkout", "--quiet", "--detach", "FETCH_HEAD");
  const settings = {
    BUILD_STATIC_ONLY: "1", // then the addon needs no library outside of this clone, which may be moved
    CFLAGS: "-O2 -fPIC",
    OBJDIR: join(source, "objects"),
    PREFIX: builtLibbpf,
    LIBDIR: libraries,
  };
  const targets = ["install", "install_uapi_headers"]; // linux/bpf.h is as old as the distribution, too
  await run(
    "make",
    [
      `--jobs=${availableParallelism()}`,
      ...["-C", join(source, "src")],
      ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
      ...targets,
    ],
    { onLine: progress },
  );
  // Its own names this directory, and nothing that a static library needs in turn.
  writeFileSync(
    join(libraries, "pkgconfig/libbpf.pc"),
    `Name: libbpf
Description: libbpf for this clone
Version: ${SOURCE.version}
Cflags: -I\${pcfiledir}/../../include
Libs: -L\${pcfiledir}/.. -lbpf -lelf -lz
`,
  );
  await rm(source, { recursive: true });
}

const installedVersion = () => spawnSync("pkg-config", ["--modversion", "libbpf"], { encoding: "utf8" }).stdout?.trim();

/** @param {string | undefined} version what is installed */
export function noLibbpf(version, { title } = distribution()) {
  return `bpflab needs libbpf ${LIBBPF_AT_LEAST} or newer. ${title} has ${version || "none that pkg-config finds"}, and the source of a newer one could not be fetched from ${SOURCE.url}: let git reach it (\`git config --global http.proxy\` names a proxy, \`url.MIRROR.insteadOf\` another place) and run this again, or install a newer libbpf yourself and name the directory of its libbpf.pc in PKG_CONFIG_PATH.`;
}
