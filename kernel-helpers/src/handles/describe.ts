import { inspect } from "node:util";
import type { MimeBundle } from "../base/display.js";
import { machineBundle } from "../base/machine.js";
import { html } from "../base/html.js";
import { visible } from "../base/text.js";
import type { Layout } from "../bpf/btf.js";
import type { BpfMap } from "./map.js";
import { isRing } from "../bpf/ring-records.js";
import type { BpfProgram } from "../bpf/program.js";

/** A layout as C would write it, on one line: `struct event_to_match { u64 ts; s32 fd }`. */
export function cType(layout: Layout | undefined): string {
  switch (layout?.kind) {
    case undefined:
      return "–";
    case "int":
      return layout.bigEndian ? `__be${layout.size * 8}` : `${layout.signed ? "s" : "u"}${layout.size * 8}`;
    case "bool":
      return "bool";
    case "float":
      return layout.size === 4 ? "float" : "double";
    case "enum":
      return layout.name ? `enum ${layout.name}` : "enum";
    case "pointer":
      return "pointer";
    case "text":
      return `char[${layout.size}]`;
    case "address":
      return layout.size === 4 ? "__be32" : "struct in6_addr";
    case "bytes":
      return `${layout.size} bytes`;
    case "array": {
      // C writes the outermost dimension first: an array of 2 arrays of 3 is int[2][3].
      const [, element, inner] = /^(.*?)((?:\[\d+\])*)$/s.exec(cType(layout.element))!;
      return `${element}[${layout.length}]${inner}`;
    }
    case "struct":
      return `struct ${layout.name ? `${layout.name} ` : ""}{ ${layout.fields.map((f) => `${cType(f.layout)} ${f.name}${f.bits ? `:${f.bits.size}` : ""}`).join("; ")} }`;
  }
}

/** What is shown of a `BpfObject`. */
interface Described {
  name: string;
  attached: boolean;
  closed: boolean;
  programs: Record<string, BpfProgram>;
  maps: Record<string, BpfMap>;
  globals: object;
  ring(name: string): { records: readonly { layout: Layout }[] };
}

interface Part {
  title: string;
  head: string[];
  rows: string[][];
}

function parts(object: Described): Part[] {
  const programs = Object.values<BpfProgram>(object.programs).map((p) => [
    p.name,
    p.section,
    stateOfProgram(p),
    `${p.instructions.toLocaleString("en")} instructions`,
  ]);
  const maps = Object.values<BpfMap>(object.maps).map((map) => {
    if (!isRing({ typeName: map.type }))
      return [
        map.name,
        map.type,
        cType(map.keyLayout),
        cType(map.valueLayout),
        map.maxEntries ? map.maxEntries.toLocaleString("en") : "–",
      ];
    return [
      map.name,
      map.type,
      "–",
      object.closed ? "–" : recordsOf(object, map.name),
      map.type === "ringbuf" ? `${(map.maxEntries / 1024).toLocaleString("en")} KiB` : "a ring per CPU",
    ];
  });
  const globals = object.closed ? [] : Object.entries(object.globals).map(([name, value]) => [name, inspect(value)]);
  return [
    { title: "Programs", head: ["name", "hook", "state", "size"], rows: programs },
    { title: "Maps", head: ["name", "type", "key", "value", "room"], rows: maps },
    { title: "Globals", head: ["name", "value now"], rows: globals },
    { title: "Pinned, and left behind on purpose", head: ["path", "what"], rows: pins(object) },
  ].filter((part) => part.rows.length > 0);
}

/** What stays after the object and its process, because somebody pinned it. */
function pins(object: Described): string[][] {
  const rows = (what: string, all: { name: string; pinned: string[] }[]) =>
    all.flatMap(({ name, pinned }) => pinned.map((path) => [path, `${what} ${name}`]));
  return [
    ...rows("program", Object.values<BpfProgram>(object.programs)),
    ...rows(
      "link of program",
      Object.values<BpfProgram>(object.programs).map(({ name, pinnedLinks }) => ({ name, pinned: pinnedLinks })),
    ),
    ...rows("map", Object.values<BpfMap>(object.maps)),
  ];
}

/** The types of a ring's records. */
function recordsOf(object: Described, ring: string): string {
  const { records } = object.ring(ring);
  return records.length > 0 ? records.map(({ layout }) => cType(layout)).join(" or ") : "bytes";
}

function stateOfProgram({ isLoaded, hasHook, where }: BpfProgram): string {
  if (!isLoaded) return "left out";
  if (!hasHook) return "run by hand";
  return where === undefined ? "not attached" : `attached to ${where}`;
}

function stateOf(object: Described): string {
  return object.closed ? "closed" : object.attached ? "attached" : "loaded, not attached";
}

/** What an object holds, as aligned text. */
export function describeText(object: Described): string {
  const blocks = parts(object).map(({ title, rows }) => {
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    return [
      `${title}:`,
      ...rows.map(
        (row) =>
          `  ${row
            .map((cell, column) => visible(cell).padEnd(widths[column]!))
            .join("  ")
            .trimEnd()}`,
      ),
    ].join("\n");
  });
  return [`BPF object ${object.name} (${stateOf(object)})`, ...blocks].join("\n");
}

/** What an object holds, as a notebook shows it. */
export function describeBundle(object: Described): MimeBundle {
  // A struct's members may take a line or two of a narrow page, not one each.
  const cell = (text: string) =>
    html`<td style="text-align:left;padding:2px 14px 2px 0${text.length > 40 && html`;min-width:18em`}">${text}</td>`;
  const tables = parts(object).map(({ title, head, rows }) => {
    const names = head.map(
      (name) => html`<th style="text-align:left;padding:2px 14px 2px 0;font-weight:400;opacity:0.7">${name}</th>`,
    );
    const body = rows.map((row) => html`<tr>${row.map(cell)}</tr>`);
    return html`<p style="margin:8px 0 0;break-after:avoid"><strong>${title}</strong></p><table style="margin:0"><thead><tr>${names}</tr></thead><tbody>${body}</tbody></table>`;
  });
  const page = html`<div style="break-inside:avoid"><strong>BPF object ${object.name}</strong> <span style="opacity:0.7">${stateOf(object)}</span>${tables}</div>`;
  return { ...machineBundle(), "text/html": page.toString(), "text/plain": describeText(object) };
}
