/** The text of a notebook with these code cells, for the kernel that the set-up installs. */
export function notebookText(cells: readonly string[]): string {
  return JSON.stringify({
    cells: cells.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
    metadata: { kernelspec: { name: "bpflab", display_name: "TypeScript (bpflab)", language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 5,
  });
}
