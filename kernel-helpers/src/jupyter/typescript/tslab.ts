/** tslab inside of cells: its executor, and the display functions that `import * as tslab from "tslab"` brings. */
import { createRequire } from "node:module";
import { display, mime, type DisplayHandle, type MimeBundle } from "../../base/display.js";
import { ts } from "./compiler-api.js";

/** What tslab's display functions say. */
interface Shown {
  data: MimeBundle;
  transient?: { display_id?: string };
}

/** tslab's `require`, with the TypeScript that cells are compiled with in place of its own. */
function tslabRequire(): NodeJS.Require {
  const require = createRequire(createRequire(import.meta.url).resolve("tslab/dist/executor.js"));
  const path = require.resolve("@tslab/typescript-for-tslab");
  require.cache[path] ??= Object.assign(Object.create(null) as NodeJS.Module, { id: path, loaded: true, exports: ts });
  return require;
}

export function loadExecutor(): typeof import("tslab/dist/executor.js") {
  return tslabRequire()("./executor.js") as typeof import("tslab/dist/executor.js");
}

/** Lets tslab's display functions show in the notebook, where its own kernel would put their output. */
export function connectDisplays(): void {
  const shown = new Map<string, Promise<DisplayHandle>>();
  const jupyter = tslabRequire()("./jupyter.js") as { lastWriteDisplayData: unknown };
  jupyter.lastWriteDisplayData ??= ({ data, transient }: Shown, update?: boolean): void => {
    const id = transient?.display_id ?? "";
    const known = update ? shown.get(id) : undefined;
    if (known) void known.then((one) => one.update(mime(data)));
    else shown.set(id, display(mime(data)));
  };
}
