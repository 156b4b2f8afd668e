"use strict";
// Sorts a table by the column whose head is clicked: numbers descending first, text ascending first.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  for (const [column, head] of heads.entries()) {
    const number = head.classList.contains("number");
    const key = (row) => {
      const cell = row.cells[column];
      return number ? Number(cell.dataset.n) : cell.textContent.trim().toLowerCase();
    };
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const ascending = before ? before === "descending" : !number;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (ascending ? 1 : -1));
      body.append(...rows.map(([, row]) => row));
    });
  }
}
