import { constants } from "node:fs";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { visible } from "../base/text.js";
import { ArgumentError } from "../base/errors.js";
import { NOTEBOOKS } from "../report/installation.js";

const CONFIG = `# nbgrader on bpflab's exercises: all code cells are TypeScript to Jupyter, also those in C, and both know this comment.
c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {"typescript": "// your code here"}
c.Execute.timeout = 120
`;

/**
 * `bpflab exercises new DIR`: a fresh set of the exercises, with nbgrader's configuration. Files that are there stay.
 *
 * @throws ArgumentError when one of them is there already
 */
export async function newExercises(directory: string): Promise<number> {
  const from = join(NOTEBOOKS, "exercises");
  const files = (await readdir(from)).filter((file) => file.endsWith(".ipynb")).sort();
  await mkdir(directory, { recursive: true });
  const there = new Set(await readdir(directory));
  const taken = [...files, "nbgrader_config.py"].filter((file) => there.has(file));
  if (taken.length > 0)
    throw new ArgumentError(`${directory} has ${taken.join(", ")} already, which would be overwritten.`, {
      hint: "Name a new directory.",
    });
  for (const file of files) await copyFile(join(from, file), join(directory, file), constants.COPYFILE_EXCL);
  await writeFile(join(directory, "nbgrader_config.py"), CONFIG, { flag: "wx" });
  console.log(`${files.length} exercises are in ${visible(resolve(directory))}.`);
  console.log(`Open them with: npx bpflab lab ${visible(directory)}`);
  return 0;
}
