import { existsSync } from "node:fs";
import { execa } from "execa";
import { MissingFeatureError } from "../base/errors.js";
import { recordedJupyterLab } from "./installation.js";

/**
 * The Python that has nbconvert and nbclient. Debian's comes first: its packages serve only /usr/bin/python3, which
 * need not be the `python3` on PATH.
 *
 * @throws MissingFeatureError when none has them
 */
export async function reportPython(): Promise<string> {
  const lab = recordedJupyterLab()?.command ?? [];
  const candidates = ["/usr/bin/python3", ...(lab[1] === "-m" ? lab.slice(0, 1) : []), "python3"];
  for (const python of candidates) {
    if (python.startsWith("/") && !existsSync(python)) continue;
    const tried = await execa(python, ["-c", "import nbconvert, nbclient"], { reject: false, stdio: "ignore" });
    if (tried.exitCode === 0) return python;
  }
  throw new MissingFeatureError("nbconvert", "No Python with nbconvert and nbclient was found.", {
    hint: "Install them: apt install jupyter-nbconvert python3-nbclient.",
  });
}
