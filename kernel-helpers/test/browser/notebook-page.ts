/// <reference lib="dom" />
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Locator, Page } from "playwright-core";
import { pictures } from "./lab.js";

/** A notebook in JupyterLab, used as a person does: by menu, mouse and keyboard. */
export class NotebookPage {
  readonly panel: Locator;
  /** Everything that the notebook's cells show. */
  readonly outputs: Locator;
  /** The charts among it. */
  readonly charts: Locator;

  constructor(
    readonly page: Page,
    readonly name: string,
  ) {
    page.setDefaultTimeout(60_000);
    page.context().setDefaultTimeout(60_000);
    this.panel = page.locator(".jp-NotebookPanel");
    this.outputs = this.panel.locator(".jp-OutputArea-output");
    this.charts = this.outputs.locator("canvas.marks");
  }

  /** Waits until the notebook is there and its kernel idle. */
  async ready(): Promise<void> {
    await this.panel.locator(".jp-Cell").first().waitFor();
    await this.idle();
  }

  async idle(): Promise<void> {
    await this.page.locator("#jp-main-statusbar", { hasText: "| Idle" }).waitFor(); // the indicator says so too early
    await this.panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
  }

  /** The code cell with this number, from 0. */
  cell(index: number): Locator {
    return this.panel.locator(".jp-CodeCell").nth(index);
  }

  /** What a code cell shows below itself. */
  output(index: number): Locator {
    return this.cell(index).locator(".jp-OutputArea-output");
  }

  /** Clicks through a menu: `menu("Run", "Run All Cells")`. */
  async menu(...path: [string, ...string[]]): Promise<void> {
    const [bar, ...items] = path;
    await this.page.locator(".lm-MenuBar-itemLabel", { hasText: exactly(bar) }).click();
    for (const [depth, item] of items.entries())
      await this.page
        .locator(".lm-Menu")
        .nth(depth)
        .locator(".lm-Menu-itemLabel", { hasText: exactly(item) })
        .click();
  }

  /** Runs all cells and waits until each has run and the kernel is idle. */
  async runAll(timeout = 60_000): Promise<void> {
    await this.menu("Run", "Run All Cells");
    const allHaveRun = () => {
      const prompts = Array.from(
        document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt"),
        (prompt) => prompt.textContent ?? "",
      );
      return prompts.length > 0 && prompts.every((prompt) => /\[\d+\]/.test(prompt));
    };
    await this.page.waitForFunction(allHaveRun, undefined, { timeout });
    await this.idle();
  }

  /** Puts the cursor at the end of a code cell. */
  async edit(index: number): Promise<void> {
    await this.cell(index).locator(".cm-content").click();
    await this.page.keyboard.press("Control+End");
  }

  /** Replaces a code cell's text. */
  async replace(index: number, text: string): Promise<void> {
    await this.edit(index);
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.insertText(text);
  }

  /** Runs a code cell with Shift-Enter and waits for its end. */
  async run(index: number): Promise<void> {
    await this.edit(index);
    const prompt = this.cell(index).locator(".jp-InputArea-prompt");
    const before = await prompt.textContent();
    await this.page.keyboard.press("Shift+Enter");
    await this.page.waitForFunction(
      ([element, old]) => /\[\d+\]/.test(element.textContent ?? "") && element.textContent !== old,
      [await prompt.elementHandle(), before] as const,
    );
    await this.idle();
  }

  /** What Tab offers at the end of a code cell. */
  async completions(index: number): Promise<string[]> {
    await this.edit(index);
    const items = this.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match");
    // JupyterLab gives up on a kernel that has not answered within a second, as on a loaded machine.
    for (let tries = 1; ; tries++) {
      await this.page.keyboard.press("Tab");
      const shown = items.first().waitFor({ timeout: 5000 });
      if (
        await shown.then(
          () => true,
          (error: unknown) => tries === 12 && Promise.reject(error),
        )
      )
        break;
    }
    return items.allInnerTexts();
  }

  /** Waits until a code cell has a number, which is when it has run. */
  async hasRun(index: number): Promise<void> {
    await this.cell(index)
      .locator(".jp-InputArea-prompt", { hasText: /\[\d+\]/ })
      .waitFor();
    await this.idle();
  }

  /** Changes JupyterLab's theme by the menu. */
  async theme(which: "light" | "dark"): Promise<void> {
    await this.menu("Settings", "Theme", which === "light" ? "JupyterLab Light" : "JupyterLab Dark");
    await this.page.locator(`body[data-jp-theme-light="${which === "light"}"]`).waitFor({ state: "attached" });
  }

  /** Saves by the menu and waits until it is done. */
  async save(): Promise<void> {
    await this.menu("File", "Save Notebook");
    await this.page.locator(".lm-TabBar-tab.jp-mod-dirty, .jp-mod-dirty").first().waitFor({ state: "detached" });
  }

  /** Exports by the menu as HTML; returns the page's text. */
  async exportHtml(): Promise<string> {
    // Newer releases ask something first and download from the page; older ones open a tab that does.
    const popup = this.page
      .context()
      .waitForEvent("page")
      .then((page) => page.waitForEvent("download"));
    const download = Promise.any([this.page.waitForEvent("download"), popup]);
    await this.menu("File", "Save and Export Notebook As", "HTML");
    const accepted = this.page.locator(".jp-Dialog button.jp-mod-accept").click();
    accepted.catch(() => undefined);
    const downloaded = await Promise.race([download, accepted.then(() => download)]);
    return text(await downloaded.createReadStream()); // the browser may be another process's
  }

  /** Shows a page's text in a tab of its own. */
  async newTab(html: string): Promise<Page> {
    const page = await this.page.context().newPage();
    await page.setContent(html, { waitUntil: "domcontentloaded" });
    return page;
  }

  /** How many different pictures the chart of a cell shows, from now until the cell has run. */
  framesWhileRunning(cell: Locator): Promise<number> {
    return cell.evaluate(async (element) => {
      const pictures = new Set<string>();
      while (!/\[\d+\]/.test(element.querySelector(".jp-InputArea-prompt")?.textContent ?? "")) {
        const canvas = element.querySelector("canvas");
        if (canvas) pictures.add(canvas.toDataURL());
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return pictures.size;
    });
  }

  /** How many different pictures the chart of a cell shows within so many milliseconds. */
  framesWithin(cell: Locator, ms: number): Promise<number> {
    return cell.evaluate(async (element, ms) => {
      const pictures = new Set<string>();
      for (const end = Date.now() + ms; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
        const canvas = element.querySelector("canvas");
        if (canvas) pictures.add(canvas.toDataURL());
      }
      return pictures.size;
    }, ms);
  }

  /** Moves the mouse onto a mark of a chart, and gives what is said of it there. */
  async tooltip(chart: Locator): Promise<string> {
    const at = await chart.evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement;
      const { data } = (element as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
      const isColoured = (x: number, y: number) => {
        const pixel = data.slice(4 * (y * width + x), 4 * (y * width + x) + 3);
        return Math.max(...pixel) - Math.min(...pixel) > 40;
      };
      for (let y = 0; y < height - 6; y++)
        for (let x = 0; x < width - 6; x++)
          if (isColoured(x, y) && isColoured(x + 6, y + 6) && isColoured(x + 6, y)) return { x: x + 3, y: y + 3 };
      return undefined;
    });
    assert.ok(at, "a mark as large as a mouse needs");
    await chart.hover({ position: at });
    const tooltip = this.page.locator("#vg-tooltip-element.visible");
    await tooltip.waitFor();
    return tooltip.innerText();
  }

  /** A picture of the page down to the notebook's end, for a person to look at. */
  async picture(name: string): Promise<void> {
    await mkdir(pictures, { recursive: true });
    const end = await this.panel.locator(".jp-Cell").last().boundingBox();
    const { width, height } = this.page.viewportSize()!;
    const clip = { x: 0, y: 0, width, height: Math.min(height, Math.ceil(end ? end.y + end.height + 60 : height)) };
    await this.page.screenshot({ path: join(pictures, `${name}.png`), clip });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}…?$`);

/** How many pixels of a chart are in colours that neither text nor grid has. */
export async function colouredPixels(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const { data } = (element as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
    let coloured = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, alpha] = [data[i]!, data[i + 1]!, data[i + 2]!, data[i + 3]!];
      if (alpha > 128 && Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured++;
    }
    return coloured;
  });
}

/** Fails unless a chart is there in full size with marks in it. */
export async function assertDrawn(chart: Locator): Promise<void> {
  await chart.waitFor();
  const box = await chart.boundingBox();
  assert.ok(box && box.width > 300 && box.height > 100, `a chart of ${box?.width} × ${box?.height} pixels`);
  const coloured = await colouredPixels(chart);
  assert.ok(coloured > 200, `a chart with ${coloured} coloured pixels`);
}
