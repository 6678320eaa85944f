// unstuck report and watch: runs, from the verdict down to the numbers.
import "./report.css";
import { el } from "../dom";
import { date } from "../format";
import { frame } from "../page";
import { forgetPictures } from "../plot";
import { tr } from "../settings";
import { answer, behind, facts } from "./answer";
import { compare, ranked } from "./compare";
import { curves, type Curves } from "./curves";
import type { ReportData, Run } from "./data";
import { layers } from "./layers";
import { numbers } from "./numbers";
import { spectrum } from "./spectrum";

export type { ReportData } from "./data";

/** What the page shows now: of several runs, `shown` is the place in data.runs of the one that is told in full. */
let data: ReportData;
let shown = -1;
let drawn: Curves | null = null;

function detail(data: ReportData, run: Run): HTMLElement[] {
  return [answer(run), spectrum(data, run), layers(run), numbers(run)];
}

function show(other: Run): void {
  shown = data.runs.indexOf(other);
  detail(data, other).forEach(replace);
  const select = document.getElementById("which-run") as HTMLSelectElement | null;
  if (select) select.value = String(shown);
  document.getElementById("answer")?.scrollIntoView();
}

function picker(run: Run): HTMLElement {
  const select = el("select", { id: "which-run" }, ...data.runs.map((r, i) => el("option", { value: i, selected: r === run }, r.name)));
  select.addEventListener("change", () => show(data.runs[Number(select.value)]!));
  return el("p", { class: "picker" }, el("label", { for: "which-run" }, tr("In full: ", "详情: ")), select);
}

/** Puts new sections in the place of old ones, with the same drawers open and the keyboard where it was. */
function replace(fresh: HTMLElement): void {
  const old = document.getElementById(fresh.id);
  if (!old) return;
  const open = new Set([...old.querySelectorAll("details[open] > summary")].map((s) => s.textContent));
  fresh.querySelectorAll("details").forEach((d) => (d.open = open.has(d.querySelector("summary")?.textContent ?? "")));
  const reached = "button, a, summary, [tabindex]";
  const focus = [...old.querySelectorAll(reached)].indexOf(document.activeElement!);
  forgetPictures(old);
  old.replaceWith(fresh);
  if (focus >= 0) fresh.querySelectorAll<HTMLElement>(reached)[focus]?.focus({ preventScroll: true });
}

/** Builds the page. */
export function report(given: ReportData): void {
  data = given;
  const several = data.runs.length > 1;
  if (shown < 0) shown = data.runs.indexOf(ranked(data.runs)[0]!);
  const run = data.runs[shown]!;
  drawn = curves(data);
  const [first, ...rest] = detail(data, run);
  const sections = several ? [compare(data, show), drawn.element, picker(run), first!, ...rest] : [first!, drawn.element, ...rest];
  const name = several ? tr(`${data.runs.length} runs`, `${data.runs.length} 个训练`) : run.name;
  const about = el("span", {}, data.live ? tr("live", "实时") : date(data.created), " · ", el("span", { id: "folder" }, several ? data.runs.map((r) => r.name).join(", ") : run.folder));
  frame(name, about, data, sections);
}

/** New data of the same runs: curves move on in place, other sections are built anew where something changed. */
export function reportUpdate(fresh: ReportData): void {
  const before = data, run = fresh.runs[shown]!;
  data = fresh;
  drawn?.update(data);
  const differs = (of: (run: Run) => unknown) => JSON.stringify(before.runs.map(of)) !== JSON.stringify(data.runs.map(of));
  if (!differs((r) => ({ ...r, series: null, results: null }))) return;
  if (data.runs.length > 1) replace(compare(data, show));
  if (differs((r) => [r.status, r.events, r.verdicts])) replace(answer(run));
  else [facts(run), behind(run)].forEach(replace);
  if (differs((r) => [r.verdicts, r.results])) [spectrum(data, run), layers(run), numbers(run)].forEach(replace);
}
