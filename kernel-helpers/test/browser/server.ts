import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { printed } from "../cli/output.js";

const entry = fileURLToPath(new URL("../../setup/bpflab.mjs", import.meta.url));

/** A running JupyterLab. */
export interface Server {
  /** With its token. */
  address: string;
  /** What it serves. */
  directory: string;
  stop(): Promise<void>;
}

/** Starts a JupyterLab on a directory of its own. Settings, workspaces and signatures of this user stay untouched. */
export async function startServer(): Promise<Server> {
  const scratch = await mkdtemp(join(tmpdir(), "bpflab-browser-"));
  const directory = join(scratch, "notebooks");
  await mkdir(directory);
  const env = {
    JUPYTER_CONFIG_DIR: join(scratch, "config"),
    JUPYTER_DATA_DIR: join(scratch, "data"),
    JUPYTERLAB_SETTINGS_DIR: join(scratch, "settings"),
    JUPYTERLAB_WORKSPACES_DIR: join(scratch, "workspaces"),
  };
  const server = execa(process.execPath, [entry, "lab", directory], {
    env,
    reject: false,
    buffer: false,
    stdin: "ignore",
  });
  const stop = async () => {
    server.kill("SIGTERM");
    await server;
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    const [address] = await printed(server, /http:\S+(?=\n)/);
    return { address, directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
