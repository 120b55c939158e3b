/**
 * HTML whose values cannot be markup: what stands in `${}` is escaped, unless it is HTML made the same way.
 * As root, one forgotten escape would let a process's name run script in the page.
 */
import { escapeHtml } from "./text.js";

/** A piece of markup that was made by `html`, or that its maker vouches for. */
export class Html {
  readonly #markup: string;

  /** @internal use `html` */
  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** What may stand in a template: text and numbers are escaped, nothing is left out, lists are put end to end. */
export type HtmlValue = Html | string | number | false | undefined | readonly HtmlValue[];

function markupOf(value: HtmlValue): string {
  if (value instanceof Html) return value.toString();
  if (value === undefined || value === false) return "";
  if (typeof value === "object") return value.map(markupOf).join("");
  return escapeHtml(String(value));
}

/**
 * A piece of HTML from a template. Values may stand in content and in quoted attributes.
 *
 * @example
 * html`<p title="${comm}">${comm}</p>`.toString()  // of the name <b>: <p title="&lt;b&gt;">&lt;b&gt;</p>
 */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(parts.reduce((markup, part, i) => markup + markupOf(values[i - 1]) + part));
}

/** Markup as it is: style sheets and scripts of ours, never anything that came from outside. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** Lines as a `<pre>`: escaped, but for the line breaks and tabs they are made of. */
export function preformatted(text: string): Html {
  const parts = text.split(/([\n\t])/).map((part) => (part === "\n" || part === "\t" ? trusted(part) : part));
  return html`<pre>${parts}</pre>`;
}

/** Lines that a page shows after a click on their title. */
export function folded(title: string, text: string): Html {
  return html`<details><summary>${title}</summary>${preformatted(text)}</details>`;
}
