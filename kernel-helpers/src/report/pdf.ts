import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { inScratch } from "../base/scratch.js";
import { replaceFile } from "../tables/replace-file.js";
import { BpflabError, MissingFeatureError } from "../base/errors.js";

const browsers = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * The browser that prints.
 *
 * @throws MissingFeatureError when there is no Chromium on PATH
 */
export function printingBrowser(): string {
  const path = (process.env["PATH"] ?? "").split(delimiter);
  const browser = browsers
    .flatMap((name) => path.map((directory) => join(directory, name)))
    .find((file) => existsSync(file));
  if (!browser)
    throw new MissingFeatureError("Chromium", "Printing a report needs Chromium, which is not there.", {
      hint: "Install it: apt install chromium.",
    });
  return browser;
}

/**
 * Prints a page with Chromium.
 *
 * @throws MissingFeatureError when there is no Chromium on PATH
 */
export async function printPdf(page: string, pdf: string): Promise<void> {
  const browser = printingBrowser();
  // A browser that runs already must not take the job.
  await inScratch("bpflab-print-", async (profile) => {
    const printed = join(profile, "page.pdf");
    const options = [
      "--headless",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ];
    const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // Chromium's sandbox refuses root
    // Virtual time runs until the charts are drawn.
    const print = [
      "--no-pdf-header-footer",
      "--virtual-time-budget=20000",
      `--print-to-pdf=${printed}`,
      pathToFileURL(resolve(page)).href,
    ];
    const { exitCode, stderr } = await execa(
      browser,
      [...options, ...sandbox, `--user-data-dir=${profile}`, ...print],
      {
        reject: false,
        stdin: "ignore",
        timeout: 120_000,
      },
    );
    if (exitCode !== 0 || !existsSync(printed))
      throw new BpflabError(
        "REPORT",
        `Chromium could not print ${page}: ${stderr.trim().split("\n").at(-1) ?? "no reason given"}`,
      );
    await replaceFile(pdf, (aside) => copyFile(printed, aside), 0o666);
  });
}
