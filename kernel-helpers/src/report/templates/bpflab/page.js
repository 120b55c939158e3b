// Draws each chart anew in place of its still picture, so that it has tooltips, zoom and a legend to click.
// Expressions are interpreted, not compiled: the page's policy forbids eval.
document.addEventListener("DOMContentLoaded", () => {
  const options = {
    mode: "vega-lite",
    ast: true,
    renderer: "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
  };
  for (const data of document.querySelectorAll('script[type="application/vnd.vegalite.v5+json"]')) {
    const still = data.previousElementSibling;
    const chart = document.createElement("div");
    data.after(chart);
    vegaEmbed(chart, JSON.parse(data.textContent), options).then(
      () => {
        still.remove(); // hidden it would still own the names of its gradients, which the chart uses too
      },
      () => chart.remove(), // the still picture stays
    );
  }
});
