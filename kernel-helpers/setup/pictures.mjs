/** Makes the README's pictures anew, from a JupyterLab of its own: `npm run pictures`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { helpers } from "./paths.mjs";

/** Returns the exit code. */
export async function makePictures() {
  const [code] = await once(
    spawn(process.execPath, [join(helpers, "dist-test/browser/pictures.js")], { stdio: "inherit" }),
    "close",
  );
  return code ?? 1;
}
