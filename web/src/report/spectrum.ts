// The Hessian's eigenvalues: how the loss curves.
import { ground, line, meaning } from "../colors";
import { el, type Child } from "../dom";
import { number, percent, shell } from "../format";
import { drawer, section } from "../page";
import { picture } from "../plot";
import { tr } from "../settings";
import { table, type Cell } from "../table";
import { lastVerdict, result, type ReportData, type Run, type Spectrum } from "./data";

const MANY = 240; // eigenvalues that are shown one by one

function finite(values: (number | null)[] | undefined): number[] {
  return (values ?? []).filter((v): v is number => v !== null && Number.isFinite(v));
}

/** Each eigenvalue a bar, in order; or a histogram of many, its counts on a logarithmic axis. */
function all(values: number[], resolution: number): HTMLElement {
  const sorted = [...values].sort((a, b) => a - b);
  const color = (v: number) => (v < -resolution ? meaning.bad : v > resolution ? meaning.plain : ground().axis);
  const label = tr(`${sorted.length} eigenvalues from ${number(sorted[0])} to ${number(sorted[sorted.length - 1])}`, `${sorted.length} 个特征值, 从 ${number(sorted[0])} 到 ${number(sorted[sorted.length - 1])}`);
  if (sorted.length <= MANY)
    return picture(
      [{ type: "bar", x: sorted.map((_, i) => i + 1), y: sorted, marker: { color: sorted.map(color) }, hovertemplate: "%{x}: %{y:.5g}<extra></extra>" }],
      { xaxis: { title: { text: tr("eigenvalue, in order", "特征值 (按大小排列)") } }, yaxis: { title: { text: tr("curvature", "曲率") } }, bargap: 0.15 },
      { label, height: 280 },
    ).element;
  const low = sorted[0]!, high = sorted[sorted.length - 1]!, bins = 80;
  const width = (high - low) / bins || 1;
  const counts = new Array<number>(bins).fill(0);
  for (const v of sorted) counts[Math.min(bins - 1, Math.floor((v - low) / width))]!++;
  const at = counts.map((_, i) => low + (i + 0.5) * width);
  return picture(
    [{ type: "bar", x: at, y: counts.map((c) => c || null), width, marker: { color: at.map((v) => color(v)) }, hovertemplate: "%{x:.4g}: %{y}<extra></extra>" }],
    { xaxis: { title: { text: tr("eigenvalue", "特征值") } }, yaxis: { type: "log", title: { text: tr("how many", "个数") } } },
    { label, height: 280 },
  ).element;
}

function density(s: Spectrum): HTMLElement {
  const d = s.density!;
  const ends = [...(s.bottom ?? []), ...(s.top ?? [])].filter((p) => p.value !== null);
  const least = Math.min(...d.density.filter((v) => v > 0)), floor = Math.max(least, 1e-9);
  return picture(
    [
      { type: "scatter", mode: "lines", name: tr("density", "密度"), x: d.at, y: d.density.map((v) => (v > 0 ? v : null)), line: { color: meaning.plain, width: 2 } },
      { type: "scatter", mode: "markers", name: tr("measured ends", "两端的特征值"), x: ends.map((p) => p.value), y: ends.map(() => floor), marker: { symbol: "line-ns-open", size: 14, line: { width: 2 }, color: ends.map((p) => (p.value! < -(s.resolution ?? 0) ? meaning.bad : ground().text)) } },
    ],
    { xaxis: { title: { text: tr("eigenvalue", "特征值") } }, yaxis: { type: "log", tickformat: ".0e", title: { text: tr("density", "密度") } } },
    { label: tr("Density of the eigenvalues, with both ends", "特征值密度与两端"), height: 300 },
  ).element;
}

/** Share of positive eigenvalues against the loss: what is no minimum has less than all. */
function minima(runs: Run[]): Child[] {
  const points = runs.flatMap((run, i) =>
    run.verdicts.flatMap((v) =>
      v.verdict?.spectrum && v.verdict.spectrum.minimum_ratio !== null && v.verdict.loss !== null ? [{ i, run, step: v.step, loss: v.verdict.loss, ratio: v.verdict.spectrum.minimum_ratio }] : [],
    ),
  );
  if (points.length < 2) return [];
  return [
    el("h3", {}, tr("Share of positive eigenvalues against the loss", "正特征值比例与损失")),
    el("p", { class: "note" }, tr("Each point is a diagnosis. A minimum is at 1; to the left of it there are ways down.", "每点为一次诊断。极小值位于 1; 其左侧均有下降方向。")),
    picture(
      [{ type: "scatter", mode: "markers", x: points.map((p) => p.ratio), y: points.map((p) => p.loss), text: points.map((p) => `${p.run.name}, ${tr("step", "步")} ${p.step}`), hoverinfo: "x+y+text", marker: { size: 10, color: points.map((p) => line(p.i).color) } }],
      { xaxis: { range: [-0.03, 1.03], title: { text: tr("share of positive eigenvalues", "正特征值比例") } }, yaxis: { title: { text: tr("loss", "损失") } } },
      { label: tr("Share of positive eigenvalues against the loss", "正特征值比例与损失"), height: 280 },
    ).element,
  ];
}

export function spectrum(data: ReportData, run: Run): HTMLElement {
  const verdict = lastVerdict(run)?.verdict;
  const measured = result<Spectrum>(run, "spectrum", "hessian");
  const diagnosed = result<Spectrum>(run, "spectrum", "diagnosis");
  const ends = verdict?.spectrum;
  const values = finite(diagnosed?.values ?? measured?.values);
  const children: Child[] = [];
  if (ends) {
    const counts =
      ends.negative !== null
        ? tr(`${number(ends.negative)} negative, ${number(ends.zero)} zero, ${number(ends.positive)} positive`, `${number(ends.negative)} 个负, ${number(ends.zero)} 个零, ${number(ends.positive)} 个正`)
        : tr("those between the ends are not counted", "两端之间的未计数");
    children.push(
      el("p", {}, tr("Eigenvalues from ", "特征值从 "), el("b", { class: (ends.min ?? 0) < -(ends.resolution ?? 0) ? "negative" : "" }, number(ends.min)), tr(" to ", " 到 "), el("b", {}, number(ends.max)), `: ${counts}`, ends.minimum_ratio !== null ? ` (${percent(ends.minimum_ratio)} ${tr("positive", "为正")})` : "", "."),
      el("p", { class: "note" }, tr(`An eigenvalue within ±${number(ends.resolution, 2)} cannot be told from zero. Negative ones are ways down.`, `±${number(ends.resolution, 2)} 以内的特征值与零无法区分。负值即下降的方向。`)),
    );
  }
  if (values.length > 0) children.push(all(values, diagnosed?.resolution ?? measured?.resolution ?? 0));
  if (measured?.density) children.push(el("h3", {}, tr("Density", "密度")), density(measured));
  const rows: Cell[][] = [...(measured?.top ?? []).map((p): Cell[] => [tr("top", "上端"), p.value, p.residual]), ...(measured?.bottom ?? []).map((p): Cell[] => [tr("bottom", "下端"), p.value, p.residual])];
  if (rows.length > 0) children.push(drawer(tr("Both ends as a table", "两端数据表"), table([tr("end", "端"), tr("eigenvalue", "特征值"), tr("within", "误差")], rows, { csv: "spectrum.csv" })));
  if (values.length > 0) children.push(drawer(tr("Eigenvalues as a table", "特征值数据表"), table([tr("eigenvalue", "特征值")], values.slice(0, 200).map((v) => [v]), { csv: "eigenvalues.csv", full: values.map((v) => [v]) })));
  children.push(...minima(data.runs));
  if (children.length === 0) children.push(el("p", { class: "note" }, tr("Not measured. This measures both ends and the density:", "尚未测量。下面的命令会测量两端与密度:"), " ", el("code", {}, `unstuck spectrum ${shell(run.folder)} --density`)));
  return section("spectrum", tr("How the loss curves", "损失的曲率"), ...children);
}
