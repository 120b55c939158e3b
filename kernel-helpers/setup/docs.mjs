/** `npm run docs`: the API reference, built from the docstrings by typedoc. */
import { join } from "node:path";
import { run } from "./command.mjs";
import { helpers, repo } from "./paths.mjs";

const target = join(helpers, "build/docs");

/** Writes the reference as pages below `kernel-helpers/build/docs`. Returns the exit code. */
export async function makeDocs() {
  const typedoc = join(repo, "node_modules/.bin/typedoc");
  await run(typedoc, ["--options", join(helpers, "typedoc.json"), "--out", target], {
    cwd: helpers,
    onLine: console.log,
  });
  return 0;
}
