// Draws each chart anew in place of its still picture, so that it has tooltips, zoom and a legend to click.
// Expressions are interpreted, not compiled: the page's policy forbids eval.
document.addEventListener("DOMContentLoaded", () => {
  const options = {
    mode: "vega-lite",
    ast: true,
    renderer: "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
  };
  const drawn = Array.from(document.querySelectorAll('script[type="application/vnd.vegalite.v5+json"]'), (data) => {
    const still = data.previousElementSibling;
    const chart = document.createElement("div");
    data.after(chart);
    const spec = JSON.parse(data.textContent);
    const caption = fit(spec, still);
    return vegaEmbed(chart, spec, options).then(
      () => {
        still.remove(); // hidden it would still own the names of its gradients, which the chart uses too
        if (caption) chart.before(caption);
        const svg = chart.querySelector("svg.marks");
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", spec.description ?? "chart");
        for (const part of svg.children) part.setAttribute("aria-hidden", "true"); // said already, and better
        chart.querySelector("summary")?.setAttribute("aria-label", "Save the picture");
      },
      () => chart.remove(), // the still picture stays
    );
  });

  if (window.temml)
    for (const text of document.querySelectorAll(".jp-RenderedMarkdown, .bpflab-cover"))
      temml.renderMathInElement(text, {
        delimiters: [
          { left: "$$", right: "$$", display: true },
          { left: "\\[", right: "\\]", display: true },
          { left: "$", right: "$", display: false },
          { left: "\\(", right: "\\)", display: false },
          ...["equation", "align", "gather", "alignat"].flatMap((name) => [
            { left: `\\begin{${name}}`, right: `\\end{${name}}`, display: true },
            { left: `\\begin{${name}*}`, right: `\\end{${name}*}`, display: true },
          ]),
        ],
        throwOnError: false,
      });

  // What scrolls by itself must do so by keyboard too.
  Promise.allSettled(drawn).then(() => {
    for (const box of document.querySelectorAll(".jp-OutputArea-output, .jp-RenderedSVG, pre, .jp-RenderedMarkdown"))
      if (box.scrollWidth > box.clientWidth && !box.querySelector("[tabindex]")) box.tabIndex = 0;
  });
});

/**
 * Makes a chart that is wider than the page narrower, if nothing in it has a fixed place: its legend goes below it, and
 * its title becomes text of the page, which wraps. Returns that text. Other wide charts scroll by themselves.
 */
function fit(spec, still) {
  const picture = still.querySelector("svg");
  const room = still.clientWidth;
  const placed = /"(at|above)":-?\d/.test(JSON.stringify(spec.layer ?? []));
  if (!picture || !spec.title || placed || Number(picture.getAttribute("width")) <= room || room > 700)
    return undefined;
  const caption = document.createElement("p");
  caption.className = "bpflab-caption";
  const say = (tag, text, className = "") => {
    const part = caption.appendChild(document.createElement(tag));
    part.textContent = text;
    part.className = className;
  };
  say("strong", spec.title.text);
  say("span", spec.title.subtitle);
  const isLoss = ({ data }) => data?.values?.[0]?.note !== undefined && data.values[0].note !== "no events";
  for (const layer of spec.layer.filter(isLoss)) say("strong", layer.data.values[0].note, "loss");
  spec.layer = spec.layer.filter((layer) => !isLoss(layer));
  delete spec.title;
  const { y } = spec.layer[0].encoding;
  const names = y.type === "nominal" ? 70 + longestName(spec, y) : 0; // and the figures at the ends of bars
  const axis = y.axis === null ? 10 : 95 + names;
  spec.width = Math.max(Math.min(spec.width, room - axis), names ? 120 : 200);
  spec.config = {
    ...spec.config,
    legend: { ...spec.config?.legend, orient: "bottom", columns: 2, labelLimit: 150, gradientLength: 200, labelOverlap: "greedy", labelSeparation: 8 },
  };
  return caption;
}

/** The width of the longest name on an axis of names, which is cut where it would take the chart's place. */
function longestName(spec, y) {
  const most = 140;
  // Of names that are too long the middle goes: they differ at their ends.
  const short = "length(datum.label) > 21 ? slice(datum.label, 0, 10) + '…' + slice(datum.label, -10) : datum.label";
  y.axis = { ...y.axis, labelLimit: most + 20, labelExpr: short };
  return Math.min(Math.max(...spec.data.values.map((row) => 6.5 * String(row[y.field]).length)), most) - 40;
}

// On paper everything is open that is not long: what was lost, above all.
for (const [event, open] of [
  ["beforeprint", true],
  ["afterprint", false],
])
  window.addEventListener(event, () => {
    for (const account of document.querySelectorAll(".bpflab-account")) {
      if (open) account.dataset.before = account.open;
      account.open = open || account.dataset.before === "true";
    }
  });
