import * as charts from "../../dist/api/charts.js";

/** The rows that a chart's specification carries. */
export const rowsOf = <Row>(chart: charts.Chart) => (chart.spec["data"] as { values: Row[] }).values;
export const subtitleOf = (chart: charts.Chart) => (chart.spec["title"] as { subtitle: string }).subtitle;
export const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);

/** What the tooltips of bins say. */
export async function rangesOf(chart: charts.Chart): Promise<string> {
  const [{ transform }] = chart.spec["layer"] as [{ transform: object[] }];
  const layer = [{ transform, mark: "text", encoding: { text: { field: "range" } } }];
  return (await new charts.Chart({ ...chart.spec, layer }, "").toSVG()).replace(/<[^>]*>/g, "\n");
}
