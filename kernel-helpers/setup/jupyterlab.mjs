/**
 * Finds a JupyterLab or gets one, in this order: one on PATH, pip into a private virtual environment, the
 * distribution's package, Debian 13's package in a private prefix. Writes down which one it is.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { ask, run, SetupError } from "./command.mjs";
import { installPackages, missingPackages } from "./debian.mjs";
import { installPrefix } from "./jupyterlab-prefix.mjs";
import { dataDirectory, jupyterLabRecord } from "./paths.mjs";

/** Releases before 3 do not know the chart format of vega-lite 5. */
const OLDEST_MAJOR = 3;

/** Where PATH has a command, or undefined. */
function onPath(name) {
  const directories = (process.env.PATH ?? "").split(delimiter).filter(isAbsolute);
  return directories.map((directory) => join(directory, name)).find((file) => existsSync(file));
}

/** The version that this command line says it is, if it is a JupyterLab that runs. */
async function versionOf(command) {
  const [file, ...args] = command;
  if (!existsSync(file)) return undefined;
  const printed = await ask(file, [...args, "--version"], { seconds: 60 });
  const version = /^(\d+)\.\d+\S*/m.exec(printed ?? "");
  return version && Number(version[1]) >= OLDEST_MAJOR ? version[0] : undefined;
}

/** Makes `directory` by filling a temporary one beside it, so that nobody ever sees half of it. */
async function fillDirectory(directory, fill) {
  const temporary = `${directory}.new`; // one at a time, by the set-up's lock: what is there was left by one that was killed
  mkdirSync(dirname(directory), { recursive: true });
  await rm(temporary, { recursive: true, force: true });
  try {
    await fill(temporary);
    await rm(directory, { recursive: true, force: true });
    await rename(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Makes a virtual environment's scripts those of the place that it is going to have. */
export function renameInScripts(directory, place) {
  for (const { name } of readdirSync(join(directory, "bin"), { withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )) {
    const script = join(directory, "bin", name);
    const content = readFileSync(script, "latin1"); // byte by byte: one or the other may be a program
    if (content.includes(directory)) writeFileSync(script, content.replaceAll(directory, place), "latin1");
  }
}

const environment = join(dataDirectory, "jupyterlab-venv");

const virtualEnvironment = {
  origin: "pip, in a private virtual environment",
  command: () => [join(environment, "bin/python"), "-m", "jupyterlab"],
  /** What draws widgets, and is installed last; environments of the first releases are without it. */
  isWhole: () => existsSync(join(environment, "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager")),
  async install(progress) {
    const missing = missingPackages(["python3-venv"]) ?? [];
    if (missing.length > 0) await installPackages(missing, progress);
    await fillDirectory(environment, async (directory) => {
      await run("/usr/bin/python3", ["-m", "venv", directory], { onLine: progress });
      // Where PyPI cannot be reached this must fail in seconds: pip's own patience is minutes for each package.
      const quick = ["--timeout", "10", "--retries", "1", "--disable-pip-version-check"];
      await run(join(directory, "bin/python"), ["-m", "pip", "install", ...quick, "jupyterlab", "jupyterlab_widgets"], {
        onLine: progress,
        seconds: 600,
      });
      renameInScripts(directory, environment);
    });
  },
};

const distributionPackage = {
  origin: "the distribution's package",
  command: () => ["/usr/bin/jupyter-lab"],
  async install(progress) {
    const policy = await run("apt-cache", ["policy", "jupyterlab"]);
    if (!/Candidate: \d/.test(policy)) throw new SetupError("This distribution has no package jupyterlab.");
    await installPackages(["jupyterlab"], progress);
  },
};

const privatePrefix = {
  origin: "Debian 13's package, in a private prefix",
  command: () => [join(dataDirectory, "jupyterlab-debian13/python"), "-m", "jupyterlab"],
  install: (progress) =>
    fillDirectory(join(dataDirectory, "jupyterlab-debian13"), (directory) => installPrefix(directory, progress)),
};

/** The first JupyterLab that runs; gets one if there is none. */
async function obtain(progress) {
  const candidate = onPath("jupyter-lab");
  const version = candidate && (await versionOf([candidate]));
  if (version) return { origin: "found on PATH", command: [candidate], version, candidate };

  const routes = [virtualEnvironment, distributionPackage, privatePrefix];
  const installed = async (route) => {
    const found = (route.isWhole?.() ?? true) && (await versionOf(route.command()));
    return found && { origin: route.origin, command: route.command(), version: found, candidate };
  };
  for (const route of routes) {
    const there = await installed(route);
    if (there) return there;
  }
  const failures = [];
  for (const route of routes) {
    progress(`trying ${route.origin}`);
    const failure = await route.install(progress).catch((error) => error);
    const there = await installed(route);
    if (there) return there;
    failures.push(`${route.origin}: ${failure?.message ?? "it does not start"}`, ...(failure?.tail ?? []).slice(-3));
  }
  throw new SetupError(
    "No JupyterLab could be found or installed. Install JupyterLab 4 so that `jupyter-lab` is on PATH, then run this again.",
    failures,
  );
}

/** True while the JupyterLab written down is there, and PATH has not got another one since. */
function isRecorded() {
  if (!existsSync(jupyterLabRecord)) return false;
  const { command, candidate, origin } = JSON.parse(readFileSync(jupyterLabRecord, "utf8"));
  const whole = origin !== virtualEnvironment.origin || virtualEnvironment.isWhole();
  return whole && existsSync(command[0]) && candidate === onPath("jupyter-lab");
}

export const jupyterLab = {
  title: "JupyterLab",
  done: isRecorded,
  async run(progress) {
    const found = await obtain(progress);
    mkdirSync(dirname(jupyterLabRecord), { recursive: true });
    writeFileSync(`${jupyterLabRecord}.new`, `${JSON.stringify(found, null, 2)}\n`);
    await rename(`${jupyterLabRecord}.new`, jupyterLabRecord); // whole or not at all
  },
};
