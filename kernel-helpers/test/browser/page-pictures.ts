/// <reference lib="dom" />
/** Pictures of report pages as they are read, for a person to look at: in the light, in the dark, on a phone and on paper. */
import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import type { BrowserContextOptions } from "playwright-core";
import { launchChromium } from "./chromium.js";

const looks: Record<string, BrowserContextOptions> = {
  light: { colorScheme: "light", viewport: { width: 1000, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1000, height: 900 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 } },
};
/** Higher pictures cannot be looked at: they are cut into several. */
const MOST_HEIGHT = 4000;

/** Makes them of each page, in a directory of its own below `target`; returns how many. */
export async function pagePictures(pages: readonly string[], target: string): Promise<number> {
  const browser = await launchChromium();
  let made = 0;
  try {
    for (const page of pages) {
      const directory = join(target, basename(page, ".html"));
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      for (const [look, options] of Object.entries(looks)) {
        const context = await browser.newContext(options);
        const tab = await context.newPage();
        await tab.goto(pathToFileURL(page).href);
        await tab.waitForFunction(() => document.querySelector(".bpflab-still") === null); // all charts are drawn
        const { width, height } = await tab.evaluate(() => {
          const { scrollWidth, scrollHeight } = document.documentElement;
          return { width: scrollWidth, height: scrollHeight };
        });
        for (let y = 0; y < height; y += MOST_HEIGHT, made++)
          await tab.screenshot({
            path: join(directory, `${look}-${y / MOST_HEIGHT + 1}.png`),
            fullPage: true,
            clip: { x: 0, y, width, height: Math.min(MOST_HEIGHT, height - y) },
          });
        if (look === "light")
          for (const format of ["A4", "Letter"]) {
            const pdf = join(directory, `${format}.pdf`);
            await tab.pdf({ path: pdf, format });
            await execa("pdftoppm", ["-r", "70", "-png", pdf, join(directory, format)]);
          }
        await context.close();
      }
    }
  } finally {
    await browser.close();
  }
  return made;
}
