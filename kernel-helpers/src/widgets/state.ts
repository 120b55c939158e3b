/** A widget's state for pages where no widget can live: reports, and notebooks without a widget manager. */
import { html, trusted } from "../base/html.js";
import { visible } from "../base/text.js";

/** One label with its value, and a remark such as its range. */
export interface Shown {
  label: string;
  value: string;
  note?: string;
}

// Where JupyterLab shows the live widget (an element of Lumino's, which an exported page has not), this row is not seen.
const STYLE = `
.jp-OutputArea:has(.lm-Widget.jupyter-widgets) .jp-OutputArea-child:has(.bpflab-widget-state) { display: none; }
.bpflab-widget-state { display: grid; grid-template-columns: max-content max-content 1fr; gap: 2px 1em; margin: 0.25em 0; font-size: var(--jp-ui-font-size1, 13px); font-variant-numeric: tabular-nums; }
.bpflab-widget-state small { opacity: 0.75; font-size: inherit; }
`;

export function stateHtml(rows: readonly Shown[]): string {
  const cells = rows.map(
    ({ label, value, note }) => html`<span>${label}</span><b>${value}</b><small>${note}</small>\n`,
  );
  return html`<div class="bpflab-widget-state"><style>${trusted(STYLE)}</style>${cells}</div>`.toString();
}

/** @param kind stands in for a missing label, such as `IntSlider` */
export function stateText(rows: readonly Shown[], kind: string): string {
  if (rows.length === 0) return kind;
  return rows
    .map(({ label, value, note }) => visible(`${label || kind}${value ? `: ${value}` : ""}${note ? ` (${note})` : ""}`))
    .join("\n");
}
