/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Locator } from "playwright-core";

/** What WCAG 2 asks of text, as the ratio between its brightness and that of what is behind it. */
const READABLE = 4.5;

/** Fails if a text in one of the elements cannot be told well from what is behind it. Charts have texts of their own: `assertChartReadable`. */
export async function assertReadable(elements: Locator): Promise<void> {
  const texts = await elements.evaluateAll((roots) => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
    /** A CSS colour as red, green, blue from 0 to 255 and alpha from 0 to 1. */
    const parse = (css: string): number[] => {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = css;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, alpha] = context.getImageData(0, 0, 1, 1).data;
      return [r!, g!, b!, alpha! / 255];
    };
    const over = (above: number[], below: number[]) =>
      [0, 1, 2].map((i) => above[i]! * above[3]! + below[i]! * (1 - above[3]!));
    const brightness = (color: number[]) => {
      const [r, g, b] = color.map((part) =>
        part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    const found: { text: string; contrast: number }[] = [];
    for (const element of roots.flatMap((root) => [root, ...Array.from(root.querySelectorAll("*"))])) {
      const own = Array.from(element.childNodes)
        .filter((node) => node.nodeType === Node.TEXT_NODE)
        .map((node) => node.textContent!.trim())
        .join(" ");
      if (
        own === "" ||
        /^(style|script)$/i.test(element.tagName) ||
        element.closest("svg") ||
        !(element as HTMLElement).checkVisibility()
      )
        continue;
      const ancestors: Element[] = [];
      for (let each: Element | null = element; each; each = each.parentElement) ancestors.unshift(each);
      const ground = ancestors.reduce(
        (below, each) => over(parse(getComputedStyle(each).backgroundColor), below),
        [255, 255, 255],
      );
      const opacity = ancestors.reduce((product, each) => product * Number(getComputedStyle(each).opacity), 1);
      const [r, g, b, alpha] = parse(getComputedStyle(element).color);
      const [dark, light] = [brightness(over([r!, g!, b!, alpha! * opacity], ground)), brightness(ground)].sort(
        (a, b) => a - b,
      );
      found.push({ text: own.slice(0, 60), contrast: Number(((light! + 0.05) / (dark! + 0.05)).toFixed(1)) });
    }
    return found;
  });
  assert.ok(texts.length > 0, "there is text");
  assert.deepEqual(
    texts.filter(({ contrast }) => contrast < READABLE),
    [],
  );
}

/** Fails unless a chart's title, subtitle and both axes can be told well from the ground, which it has to bring along. */
export async function assertChartReadable(chart: Locator): Promise<void> {
  await chart.waitFor();
  const contrasts = await chart.evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const { width, height } = canvas;
    const brightness = ([r, g, b]: Uint8ClampedArray) => {
      const [x, y, z] = [r!, g!, b!].map((part) =>
        part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * x! + 0.7152 * y! + 0.0722 * z!;
    };
    const context = canvas.getContext("2d")!;
    const corner = context.getImageData(1, 1, 1, 1).data;
    const ground = brightness(corner);
    /** The contrast of the pixel in a strip that stands out most, of those without colour: the stem of some letter. */
    const strongest = (x: number, y: number, w: number, h: number) => {
      const { data } = context.getImageData(x, y, w, h);
      let most = 1;
      for (let i = 0; i < data.length; i += 4) {
        const pixel = data.subarray(i, i + 3);
        if (Math.max(...pixel) - Math.min(...pixel) > 20) continue;
        const [dark, light] = [brightness(pixel), ground].sort((a, b) => a - b);
        most = Math.max(most, (light! + 0.05) / (dark! + 0.05));
      }
      return most;
    };
    return {
      opaque: corner[3] === 255,
      title: strongest(0, 0, width, 22),
      subtitle: strongest(0, 22, width, 18),
      left: strongest(0, 50, 40, height - 100),
      bottom: strongest(0, height - 20, width, 20),
    };
  });
  assert.ok(contrasts.opaque, "a ground of its own");
  for (const part of ["title", "subtitle", "left", "bottom"] as const)
    assert.ok(contrasts[part] >= READABLE, `${part}: ${contrasts[part].toFixed(1)}`);
}
