import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ownDirectory } from "../base/own-directory.js";
import { ArgumentError, BpflabError, MissingFeatureError } from "../base/errors.js";
import { BUILD, jupyterEnvironment, JUPYTER_PREFIX, NOTEBOOKS, recordedJupyterLab } from "../report/installation.js";
import { keepKernelspec } from "../jupyter/kernelspec.js";
import { alive, descendantsOf } from "../base/processes.js";

const START_SECONDS = 60;
const STOP_SECONDS = 10;

/** What a running Jupyter server writes about itself. */
interface ServerInfo {
  url: string;
  token: string;
  password: boolean;
}

/**
 * `bpflab lab [directory]`: runs JupyterLab on the shipped notebooks, or on those of a directory, until Ctrl-C, and
 * prints the address to open.
 *
 * @throws ArgumentError when the directory is none, MissingFeatureError without JupyterLab, BpflabError when it does not start or
 * would let anybody in
 */
export async function lab({ directory = NOTEBOOKS, port }: { directory?: string; port?: number }): Promise<number> {
  const isDirectory = await stat(directory).then(
    (there) => there.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new ArgumentError(`Expected a directory with notebooks, got ${directory}.`);
  const found = recordedJupyterLab();
  if (!found)
    throw new MissingFeatureError("JupyterLab", "No JupyterLab has been set up.", {
      hint: "Run `npm start`, which finds or installs one.",
    });
  keepKernelspec(JUPYTER_PREFIX);
  const runtime = ownDirectory(runtimeDirectory()); // what the server says in it about itself is believed
  const logFile = join(BUILD, "jupyterlab.log");
  await mkdir(BUILD, { recursive: true });
  const log = await open(logFile, "w", 0o600); // no pipe: kernels inherit it, and would keep it open
  await log.chmod(0o600); // the server writes its token into it

  // A server must not outlive this process, whatever ends it; a group of its own keeps Ctrl-C for us to pass on.
  const server = spawn(
    "setpriv",
    ["--pdeathsig", "TERM", "--", ...found.command, ...serverOptions(resolve(directory), port)],
    {
      env: { ...process.env, ...jupyterEnvironment(), JUPYTER_RUNTIME_DIR: runtime },
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
    },
  );
  const ended = once(server, "exit").then(
    ([code, signal]) => String(code ?? signal),
    (error: Error) => error.message,
  );
  await log.close();
  const stopped = stopOnSignal(server, ended);
  try {
    const info = await serverInfo(server, join(runtime, `jpserver-${server.pid}.json`));
    if (info === undefined) {
      if (stopped.requested) return 0;
      throw new BpflabError("JUPYTER", `JupyterLab ${found.version} (${found.origin}) did not start.`, {
        hint: `Its log: ${logFile}`,
      });
    }
    if (!info.token && !info.password) {
      throw new BpflabError(
        "JUPYTER",
        "Jupyter's configuration on this machine switches the token off, so that every local user could run code as root.",
        {
          hint: "Remove the empty token from it (`jupyter --paths` lists where it may be), then start again.",
        },
      );
    }
    console.log(
      `\nJupyterLab ${found.version} is running. Open:\n\n  ${info.url}lab${info.token ? `?token=${info.token}` : ""}\n\nCtrl-C stops it. Its log: ${logFile}`,
    );
    const end = await ended;
    if (stopped.requested) return 0;
    throw new BpflabError("JUPYTER", `JupyterLab ended unexpectedly (${end}).`, {
      hint: `Its log: ${logFile}`,
    });
  } finally {
    await stopped.stop();
  }
}

function serverOptions(directory: string, port: number | undefined): string[] {
  const hasDisplay = process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"];
  return [
    "--ServerApp.ip=127.0.0.1",
    ...(port === undefined ? [] : [`--ServerApp.port=${port}`]),
    "--ServerApp.allow_remote_access=False",
    "--ServerApp.allow_root=True",
    `--ServerApp.root_dir=${directory}`,
    ...(hasDisplay ? [] : ["--no-browser"]),
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
    "--HTMLExporter.template_name=bpflab", // the menu's export makes the page that `bpflab report` does
  ];
}

/** Where Jupyter keeps what belongs to running servers; by its own rules, but told to it, so that both sides agree. */
function runtimeDirectory(): string {
  const { JUPYTER_RUNTIME_DIR, JUPYTER_DATA_DIR, XDG_DATA_HOME } = process.env;
  return (
    JUPYTER_RUNTIME_DIR ||
    join(JUPYTER_DATA_DIR || join(XDG_DATA_HOME || join(homedir(), ".local/share"), "jupyter"), "runtime")
  );
}

/** What the server says about itself once it answers; undefined if it ends or never does. */
async function serverInfo(server: ChildProcess, file: string): Promise<ServerInfo | undefined> {
  const deadline = Date.now() + START_SECONDS * 1000;
  while (server.exitCode === null && server.signalCode === null && server.pid !== undefined && Date.now() < deadline) {
    const info = await readFile(file, "utf8")
      .then((text) => JSON.parse(text) as ServerInfo)
      .catch(() => undefined);
    const answers =
      info &&
      (await fetch(`${info.url}api`).then(
        (response) => response.ok,
        () => false,
      ));
    if (answers) return info;
    await delay(100);
  }
  return undefined;
}

/** Ends the server and all that it has started when this process is told to stop. */
function stopOnSignal(
  server: ChildProcess,
  ended: Promise<unknown>,
): { readonly requested: boolean; stop: () => Promise<void> } {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let requested = false;
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= endServer(server, ended).finally(() => signals.forEach((signal) => process.off(signal, onSignal))));
  const onSignal = (): void => {
    requested = true; // once or more: npm passes on a Ctrl-C that the terminal has sent to us too
    void stop();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    get requested() {
      return requested;
    },
    stop,
  };
}

async function endServer(server: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (server.pid === undefined) return;
  const kernels = descendantsOf(server.pid);
  server.kill("SIGTERM"); // Jupyter shuts its kernels down, then itself
  const late = setTimeout(() => server.kill("SIGKILL"), STOP_SECONDS * 1000);
  await ended;
  clearTimeout(late);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    for (const { pid } of alive(kernels)) process.kill(pid, signal);
    for (let waited = 0; alive(kernels).length > 0 && waited < 2000; waited += 100) await delay(100);
  }
}
