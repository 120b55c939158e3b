/**
 * Sorts a table in a page by the column whose heading is clicked, or chosen with the keyboard; once more turns the order
 * round. It comes with each table, and works for all that come later.
 */
(() => {
  const headings = ".bpflab-table thead th";
  const offer = () => {
    for (const heading of document.querySelectorAll(headings)) {
      heading.tabIndex = 0;
      heading.style.cursor = "pointer";
    }
  };
  offer();
  if (window.bpflabSortsTables) return;
  window.bpflabSortsTables = true;
  document.addEventListener("DOMContentLoaded", offer); // at the head of a page the script comes before its tables

  /** All digits of a cell are in its title where it shows fewer; without a number it sorts last. */
  const numberIn = (cell) => parseFloat((cell.title || cell.textContent).replaceAll(",", ""));
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));

  function sort(heading) {
    const body = heading.closest("table").tBodies[0];
    const numeric = heading.style.textAlign === "right";
    const before = heading.getAttribute("aria-sort");
    const order = (before ? before === "ascending" : numeric) ? "descending" : "ascending";
    const rows = Array.from(body.rows, (row) => {
      const cell = row.cells[heading.cellIndex];
      return { row, key: numeric ? numberIn(cell) : cell.textContent };
    });
    rows.sort((a, b) => {
      if (Number.isNaN(a.key) || Number.isNaN(b.key)) return Number.isNaN(a.key) - Number.isNaN(b.key);
      return order === "ascending" ? compare(a.key, b.key) : compare(b.key, a.key);
    });
    body.append(...rows.map(({ row }) => row));
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
  }

  const chosen = (event) => event.target instanceof Element && event.target.closest(headings);
  document.addEventListener("click", (event) => {
    const heading = chosen(event);
    if (heading) sort(heading);
  });
  document.addEventListener("keydown", (event) => {
    const heading = chosen(event);
    if (!heading || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has other uses for these keys
    sort(heading);
  });
})();
