/** Makes the README's pictures anew, and pictures of all report pages: `npm run pictures [-- readme|pages]`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { helpers } from "./paths.mjs";

/** Returns the exit code. */
export async function makePictures(words) {
  const [code] = await once(
    spawn(process.execPath, [join(helpers, "dist-test/browser/pictures.js"), ...words], { stdio: "inherit" }),
    "close",
  );
  return code ?? 1;
}
