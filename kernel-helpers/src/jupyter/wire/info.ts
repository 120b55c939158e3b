/** What the kernel says of itself; the wire answers it before TypeScript is loaded. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { PROTOCOL_VERSION } from "./message.js";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const { version: TYPESCRIPT } = createRequire(import.meta.url)("typescript/package.json") as { version: string };

/** The content of a kernel_info_reply. */
export const kernelInfo = {
  status: "ok",
  protocol_version: PROTOCOL_VERSION,
  implementation: "bpflab",
  implementation_version: version,
  language_info: {
    name: "typescript",
    version: TYPESCRIPT,
    mimetype: "text/typescript",
    file_extension: ".ts",
    pygments_lexer: "typescript",
    codemirror_mode: "typescript", // JupyterLab 4 looks the editor's language up by this name first
    nbconvert_exporter: "script",
  },
  banner: `bpflab ${version}: TypeScript and BPF C on Node.js ${process.version}`,
  debugger: true,
  supported_features: ["debugger"],
  help_links: [],
};
