/** What JupyterLab and nbconvert find when this clone starts them: its kernel, its page, and settings that keep off the network. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { cli, helpers, jupyterPrefix, repo } from "./paths.mjs";
import { installReportTemplate, mathScript, scripts, templateSource } from "./report-template.mjs";
import { fingerprint, isStamped, stamped } from "./stamp.mjs";

const stampFile = join(jupyterPrefix, ".stamp");
const sources = [
  join(helpers, "src/jupyter/kernelspec.ts"),
  join(helpers, "labextension"),
  templateSource,
  ...scripts,
  mathScript,
  ...["kernelspec.mjs", "report-template.mjs"].map((name) => join(helpers, "setup", name)),
];
const print = () => fingerprint(sources, [repo, process.execPath]);

/** Pictures of a notebook's text go into the page that JupyterLab exports, as they go into a report. */
const SERVER_CONFIG = { HTMLExporter: { embed_images: true } };

/** JupyterLab asks for news, for a newer version of itself and for a rebuild unless it is told not to. */
const LAB_CONFIG = {
  "default_setting_overrides.json": {
    "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
  },
  "page_config.json": { buildCheck: false, buildAvailable: false },
};

export const kernelspec = {
  title: "Jupyter kernel",
  done: () => isStamped(stampFile, print()),
  run: () =>
    stamped(stampFile, print, async () => {
      await run(process.execPath, [cli, "install", "--prefix", jupyterPrefix], { cwd: repo });
      const labconfig = join(jupyterPrefix, "etc/jupyter/labconfig");
      mkdirSync(labconfig, { recursive: true });
      for (const [name, content] of Object.entries(LAB_CONFIG))
        writeFileSync(
          join(labconfig, name),
          `${JSON.stringify(content, null, 2)}
`,
        );
      const settings = join(jupyterPrefix, "etc/jupyter/jupyter_server_config.d");
      mkdirSync(settings, { recursive: true });
      writeFileSync(
        join(settings, "bpflab.json"),
        `${JSON.stringify(SERVER_CONFIG, null, 2)}
`,
      );
      installReportTemplate();
    }),
};
