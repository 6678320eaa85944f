// Tables, and the same as CSV for a spreadsheet.
import { el, save, type Child } from "./dom";
import { number } from "./format";
import { tr } from "./settings";

export type Cell = string | number | null | Node;

export interface TableOptions {
  caption?: string;
  /** Name of the CSV that a button saves; none when absent. */
  csv?: string;
  /** Rows for the CSV, where it has more than the table shows. */
  full?: (string | number | null)[][];
}

function quoted(cell: string | number | null): string {
  if (cell === null) return "";
  const text = String(cell);
  // A spreadsheet takes a text that begins so for a formula.
  const safe = typeof cell === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function plain(cell: Cell): string | number | null {
  return cell instanceof Node ? (cell.textContent ?? "") : cell;
}

function shown(cell: Cell): Child {
  return typeof cell === "number" ? number(cell, 6) : (cell ?? "–");
}

/** A table with a heading for each column; columns of numbers stand to the right. */
export function table(heads: string[], rows: Cell[][], options: TableOptions = {}): HTMLElement {
  const numeric = heads.map((_, i) => rows.some((r) => typeof r[i] === "number"));
  const kind = (i: number) => (numeric[i] ? "number" : undefined);
  const body = el(
    "table",
    {},
    options.caption && el("caption", {}, options.caption),
    el("thead", {}, el("tr", {}, ...heads.map((h, i) => el("th", { scope: "col", class: kind(i) }, h)))),
    el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((c, i) => el("td", { class: kind(i) }, shown(c)))))),
  );
  const name = options.csv;
  const csv = () =>
    [heads, ...(options.full ?? rows.map((r) => r.map(plain)))].map((r) => r.map(quoted).join(",")).join("\n") + "\n";
  return el(
    "div",
    {},
    // What scrolls sideways must be reachable by keyboard.
    el("div", { class: "table", tabindex: 0, role: "region", "aria-label": options.caption ?? heads.join(", ") }, body),
    name && el("button", { type: "button", onclick: () => save(name, "text/csv", csv()) }, tr("Save as CSV", "保存为 CSV")),
  );
}
