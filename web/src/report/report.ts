// unstuck report and watch: runs, from the verdict down to the numbers.
import "./report.css";
import { el } from "../dom";
import { date } from "../format";
import { frame } from "../page";
import { tr } from "../settings";
import { answer } from "./answer";
import { compare, ranked } from "./compare";
import { curves, type Curves } from "./curves";
import type { ReportData, Run } from "./data";
import { layers } from "./layers";
import { numbers } from "./numbers";
import { spectrum } from "./spectrum";

export type { ReportData } from "./data";

/** Of several runs, the one that is told in full; its place in data.runs. */
let shown: number | null = null;

function detail(data: ReportData, run: Run): HTMLElement[] {
  return [answer(run), spectrum(data, run), layers(run), numbers(run)];
}

function picker(data: ReportData, run: Run, show: (run: Run) => void): HTMLElement {
  const select = el("select", { id: "which-run" }, ...data.runs.map((r, i) => el("option", { value: i, selected: r === run }, r.name)));
  select.addEventListener("change", () => show(data.runs[Number(select.value)]!));
  return el("p", { class: "picker" }, el("label", { for: "which-run" }, tr("In full: ", "详情: ")), select);
}

/** Puts new sections in the place of old ones, with the same drawers open. */
function replace(fresh: HTMLElement): void {
  const old = document.getElementById(fresh.id);
  if (!old) return;
  const open = new Set([...old.querySelectorAll("details[open] > summary")].map((s) => s.textContent));
  fresh.querySelectorAll("details").forEach((d) => (d.open = open.has(d.querySelector("summary")?.textContent ?? "")));
  old.replaceWith(fresh);
}

let drawn: Curves | null = null;

/** Builds the page. */
export function report(data: ReportData): void {
  const several = data.runs.length > 1;
  const run = data.runs[shown ?? data.runs.indexOf(ranked(data.runs)[0]!)]!;
  drawn = curves(data);
  const show = (other: Run) => {
    shown = data.runs.indexOf(other);
    detail(data, other).forEach(replace);
    const select = document.getElementById("which-run") as HTMLSelectElement | null;
    if (select) select.value = String(shown);
    document.getElementById("answer")?.scrollIntoView();
  };
  const [first, ...rest] = detail(data, run);
  const sections = several ? [compare(data, show), drawn.element, picker(data, run, show), first!, ...rest] : [first!, drawn.element, ...rest];
  const name = several ? tr(`${data.runs.length} runs`, `${data.runs.length} 个训练`) : run.name;
  const about = el("span", {}, data.live ? tr("live", "实时") : date(data.created), " · ", el("span", { id: "folder" }, several ? data.runs.map((r) => r.name).join(", ") : run.folder));
  frame(name, about, data, sections);
}

/** New data of the same runs: curves move on in place, other sections are built anew where something changed. */
export function reportUpdate(before: ReportData, data: ReportData): void {
  const told = (d: ReportData) => d.runs.map((r) => ({ ...r, series: null }));
  drawn?.update(data);
  if (JSON.stringify(told(before)) === JSON.stringify(told(data))) return;
  const run = data.runs[shown ?? 0] ?? data.runs[0]!;
  replace(answer(run));
  const lists = (d: ReportData) => d.runs.map((r) => [r.verdicts, r.results]);
  if (JSON.stringify(lists(before)) === JSON.stringify(lists(data))) return;
  [spectrum(data, run), layers(run), numbers(run)].forEach(replace);
}
