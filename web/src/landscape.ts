// The loss over one or two directions: contours, a surface to turn, the paths of training, the critical points.
import { ground, line, meaning, sequential } from "./colors";
import { el } from "./dom";
import { frame, section, type PageData } from "./page";
import { picture, type Layout, type Picture, type Trace } from "./plot";
import { tr } from "./settings";

type Real = number | null;

interface Axis {
  label: string;
  low: number;
  high: number;
  points: number;
  eigenvalue?: Real;
  residual?: Real;
  share?: Real;
}

interface Path {
  name: string;
  steps: number[];
  x: Real[];
  y?: Real[];
  off: Real[];
  loss: Real[];
  state: string | null;
  end: Record<string, Real> | null;
}

interface Critical {
  at: Record<string, Real>;
  x: number;
  y?: number;
  value: number;
  kind: string;
  eigenvalues: Real[];
}

export interface LandscapeData extends PageData {
  of: { formula?: string; run?: string; step?: number; rows?: number; samples?: number; parameters?: number; loss?: Real };
  directions: string;
  axes: Axis[];
  loss: Real[][];
  complete: boolean;
  critical: Critical[];
  paths: Path[];
}

/** A number as a reader wants it. */
export function short(value: Real | undefined, digits = 4): string {
  if (value === null || value === undefined) return "–";
  const text = Number(value.toPrecision(digits));
  return Math.abs(text) >= 1e5 || (text !== 0 && Math.abs(text) < 1e-3) ? text.toExponential() : String(text);
}

/** The kinds of points, and how a path ended. */
export function kindName(kind: string | null): string {
  switch (kind) {
    case "minimum": return tr("minimum", "极小值");
    case "maximum": return tr("maximum", "极大值");
    case "saddle": return tr("saddle", "鞍点");
    case "degenerate": return tr("degenerate", "退化点");
    case "not-critical": return tr("still on its way", "尚未到达临界点");
    case "undecided": return tr("undecided", "未能判定");
    case "diverged": return tr("diverged", "发散");
    default: return kind ?? "";
  }
}

const SYMBOLS: Record<string, [string, string, string]> = {
  // in the plane, in space, colour
  minimum: ["circle", "circle", meaning.good],
  maximum: ["triangle-up", "diamond", meaning.bad],
  saddle: ["x", "x", meaning.warning],
};
const symbolOf = (kind: string): [string, string, string] => SYMBOLS[kind] ?? ["diamond", "diamond", meaning.plain];

function axisName(data: LandscapeData, k: number): string {
  const axis = data.axes[k];
  if (!axis) return "";
  if (data.directions === "eigen") {
    const which = k === 0 ? tr("lowest eigenvalue", "最小特征值") : tr("highest eigenvalue", "最大特征值");
    return `${which} ${short(axis.eigenvalue)} ± ${short(axis.residual, 1)}`;
  }
  if (data.directions === "path")
    return tr(`principal direction ${k + 1} (${short(100 * (axis.share ?? 0), 3)} % of the path)`,
      `主方向 ${k + 1}(占路径的 ${short(100 * (axis.share ?? 0), 3)} %)`);
  if (data.directions === "random") return tr(`random direction ${k + 1}`, `随机方向 ${k + 1}`);
  return axis.label;
}

const coordinates = (axis: Axis): number[] =>
  Array.from({ length: axis.points }, (_, i) => axis.low + (i / (axis.points - 1)) * (axis.high - axis.low));

// ---------------------------------------------------------------- heights

/** How heights are shown: as they are, or the logarithm of what is above the lowest. */
interface Scale {
  low: number;
  high: number;
  floor: number;
  log: boolean;
}

function finite(values: Real[]): number[] {
  return values.filter((v): v is number => v !== null && Number.isFinite(v));
}

function scaleOf(data: LandscapeData): Scale {
  const all = finite([...data.loss.flat(), ...data.critical.map((c) => c.value)]).sort((a, b) => a - b);
  const low = all[0] ?? 0;
  const high = all[all.length - 1] ?? 1;
  const middle = all[Math.floor(all.length / 2)] ?? high;
  // Where half of the picture lies in the lowest tenth of its height, only a logarithm shows it.
  return { low, high, floor: 1e-4 * (high - low || 1), log: middle - low < 0.1 * (high - low) };
}

function height(scale: Scale, loss: Real | undefined): Real {
  if (loss === null || loss === undefined || !Number.isFinite(loss)) return null;
  return scale.log ? Math.log10(Math.max(loss - scale.low, 0) + scale.floor) : loss;
}

const inside = (axis: Axis | undefined, value: Real | undefined): boolean =>
  !axis || (value !== null && value !== undefined && value >= axis.low && value <= axis.high);

// ---------------------------------------------------------------- two directions

function contour(data: LandscapeData, scale: Scale): Trace[] {
  const [ax, ay] = data.axes as [Axis, Axis];
  const traces: Trace[] = [
    {
      type: "contour",
      x: coordinates(ax),
      y: coordinates(ay),
      z: data.loss.map((row) => row.map((v) => height(scale, v))),
      customdata: data.loss.map((row) => row.map((v) => short(v, 6))),
      hovertemplate: `%{x:.4g}, %{y:.4g}<br>${tr("loss", "损失")} %{customdata}<extra></extra>`,
      colorscale: sequential(),
      connectgaps: true,
      ncontours: 24,
      line: { width: 0.6, color: "rgba(128,128,128,0.55)" },
      showscale: false,
    },
  ];
  // A light edge below all sets them off from every colour of the ground.
  for (const path of data.paths)
    traces.push({ type: "scatter", mode: "lines", legendgroup: path.name, x: path.x, y: path.y, line: { color: "rgba(255,255,255,0.85)", width: 4.5 }, hoverinfo: "skip", showlegend: false });
  data.paths.forEach((path, i) => traces.push(...pathTraces(data, path, i)));
  return [...traces, ...criticalTraces(data)];
}

function pathTraces(data: LandscapeData, path: Path, i: number): Trace[] {
  const style = line(i);
  const hover = path.steps.map((s, k) => `${tr("step", "步")} ${s}, ${tr("loss", "损失")} ${short(path.loss[k], 6)}`);
  const common = { type: "scatter", legendgroup: path.name, text: hover, hovertemplate: `%{text}<extra>${escapeHtml(path.name)}</extra>` };
  const y = data.axes.length === 2 ? path.y : path.loss;
  const last = path.x.length - 1;
  const few = path.x.length <= 120;
  return [
    {
      ...common,
      name: path.name,
      mode: data.axes.length === 1 ? "markers" : few ? "lines+markers" : "lines",
      x: path.x,
      y,
      line: { color: style.color, dash: style.dash, width: 2 },
      marker: { size: data.axes.length === 1 ? 7 : 4, color: style.color, opacity: data.axes.length === 1 ? 0.65 : 1 },
    },
    { ...common, mode: "markers", x: [path.x[last]], y: [y?.[last]], text: [hover[last]], marker: { size: 11, symbol: "star", color: style.color, line: { color: "#fff", width: 1.2 } }, showlegend: false },
  ];
}

function criticalTraces(data: LandscapeData): Trace[] {
  const kinds = [...new Set(data.critical.map((c) => c.kind))];
  return kinds.map((kind) => {
    const of = data.critical.filter((c) => c.kind === kind);
    const [symbol, , color] = symbolOf(kind);
    return {
      type: "scatter",
      mode: "markers",
      name: kindName(kind),
      x: of.map((c) => c.x),
      y: of.map((c) => (data.axes.length === 2 ? c.y : c.value)),
      text: of.map((c) => `${kindName(c.kind)}, ${short(c.value, 6)}`),
      hovertemplate: "%{text}<br>%{x:.5g}, %{y:.5g}<extra></extra>",
      marker: { symbol, size: 12, color, line: { color: "#ffffff", width: 1.5 } },
    };
  });
}

function contourLayout(data: LandscapeData): Layout {
  const [ax, ay] = data.axes as [Axis, Axis];
  return {
    xaxis: { title: { text: axisName(data, 0) }, range: [ax.low, ax.high], zeroline: false },
    yaxis: { title: { text: axisName(data, 1) }, range: [ay.low, ay.high], zeroline: false },
  };
}

function surface(data: LandscapeData, scale: Scale): Trace[] {
  const [ax, ay] = data.axes as [Axis, Axis];
  const traces: Trace[] = [
    {
      type: "surface",
      x: coordinates(ax),
      y: coordinates(ay),
      z: data.loss.map((row) => row.map((v) => height(scale, v))),
      customdata: data.loss.map((row) => row.map((v) => short(v, 6))),
      hovertemplate: `%{x:.4g}, %{y:.4g}<br>${tr("loss", "损失")} %{customdata}<extra></extra>`,
      colorscale: sequential(),
      connectgaps: true,
      showscale: false,
      opacity: 0.93,
      contours: { z: { show: true, usecolormap: true, project: { z: false } } },
    },
  ];
  data.paths.forEach((path, i) => {
    const there = path.x.map((x, k) => inside(ax, x) && inside(ay, path.y?.[k]) && (path.loss[k] ?? Infinity) <= scale.high);
    const pick = (values: Real[] | undefined): Real[] => there.map((ok, k) => (ok ? (values?.[k] ?? null) : null));
    traces.push({
      type: "scatter3d",
      mode: "lines",
      name: path.name,
      x: pick(path.x),
      y: pick(path.y),
      z: pick(path.loss.map((v) => height(scale, v))),
      text: path.steps.map((s, k) => `${tr("step", "步")} ${s}, ${tr("loss", "损失")} ${short(path.loss[k], 6)}`),
      hovertemplate: `%{text}<extra>${escapeHtml(path.name)}</extra>`,
      line: { color: line(i).color, width: 6 },
      showlegend: false,
    });
  });
  for (const c of data.critical) {
    const [, symbol, color] = symbolOf(c.kind);
    traces.push({
      type: "scatter3d",
      mode: "markers",
      x: [c.x],
      y: [c.y],
      z: [height(scale, c.value)],
      text: [`${kindName(c.kind)}, ${short(c.value, 6)}`],
      hovertemplate: "%{text}<extra></extra>",
      marker: { symbol, size: 5, color },
      showlegend: false,
    });
  }
  return traces;
}

function surfaceLayout(data: LandscapeData, scale: Scale): Layout {
  const colors = ground();
  const axis = (title: string): object => ({
    title: { text: title },
    tickfont: { size: 11 },
    color: colors.text,
    gridcolor: colors.grid,
    backgroundcolor: colors.paper,
    showspikes: false,
  });
  return {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    scene: {
      xaxis: axis(data.directions === "parameter" ? (data.axes[0]?.label ?? "") : "1"),
      yaxis: axis(data.directions === "parameter" ? (data.axes[1]?.label ?? "") : "2"),
      zaxis: axis(scale.log ? tr("log of the loss", "损失的对数") : tr("loss", "损失")),
      aspectmode: "manual",
      aspectratio: { x: 1, y: 1, z: 0.7 },
      camera: { eye: { x: 1.25, y: -1.25, z: 1 }, center: { x: 0, y: 0, z: -0.12 } },
    },
  };
}

// ---------------------------------------------------------------- one direction

function slice(data: LandscapeData): Trace[] {
  const axis = data.axes[0]!;
  const traces: Trace[] = [
    {
      type: "scatter",
      mode: "lines",
      name: tr("loss", "损失"),
      x: coordinates(axis),
      y: data.loss[0],
      line: { color: ground().text, width: 2 },
      hovertemplate: "%{x:.4g}<br>%{y:.6g}<extra></extra>",
    },
  ];
  data.paths.forEach((path, i) => traces.push(...pathTraces(data, path, i)));
  return [...traces, ...criticalTraces(data)];
}

function sliceLayout(data: LandscapeData): Layout {
  const axis = data.axes[0]!;
  const values = finite(data.loss[0] ?? []);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = 0.06 * (high - low || 1);
  return {
    xaxis: { title: { text: axisName(data, 0) }, range: [axis.low, axis.high] },
    yaxis: { title: { text: tr("loss", "损失") }, range: [low - room, high + room] },
  };
}

// ---------------------------------------------------------------- tables

/** Plotly reads some HTML in its texts: names are shown as they are. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>%]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", "%": "&#37;" })[c] ?? c);
}

function place(at: Record<string, Real> | null): string {
  return at ? Object.entries(at).map(([name, value]) => `${name} = ${short(value, 5)}`).join(", ") : "";
}

/** The paths and the critical points as tables; null where there are none. */
export function tables(data: LandscapeData): HTMLElement | null {
  const out = el("div", {});
  const cell = (text: string, number = true): HTMLElement => el("td", number ? { class: "number" } : {}, text);
  const head = (...names: string[]): HTMLElement => el("tr", {}, ...names.map((n) => el("th", { scope: "col" }, n)));
  const ends = data.paths.some((p) => p.end !== null);
  const states = ends || data.paths.some((p) => p.state !== null);
  if (data.paths.length > 0)
    out.append(
      el("div", { class: "table", tabindex: 0, role: "region", "aria-label": tr("Paths", "路径") },
        el("table", {},
          el("thead", {}, head(tr("path", "路径"), tr("steps", "步数"), tr("loss at the start", "起点损失"), tr("at the end", "终点损失"), ...(ends ? [tr("where", "位置")] : []), ...(states ? [tr("what it is", "结果")] : []))),
          el("tbody", {},
            ...data.paths.map((p) =>
              el("tr", {}, cell(p.name, false), cell(String((p.steps[p.steps.length - 1] ?? 0) - (p.steps[0] ?? 0))), cell(short(p.loss[0], 5)),
                cell(short(p.loss[p.loss.length - 1], 5)), ends && cell(place(p.end), false), states && cell(kindName(p.state), false)))))));
  if (data.critical.length > 0)
    out.append(
      el("div", { class: "table", tabindex: 0, role: "region", "aria-label": tr("Critical points", "临界点") },
        el("table", {},
          el("thead", {}, head(tr("critical point", "临界点"), tr("where", "位置"), tr("value", "值"), tr("eigenvalues of the Hessian", "Hessian 特征值"))),
          el("tbody", {},
            ...data.critical.map((c) =>
              el("tr", {}, cell(kindName(c.kind), false), cell(place(c.at), false), cell(short(c.value, 6)),
                cell(c.eigenvalues.map((v) => short(v, 4)).join(", "), false)))))));
  return out.childNodes.length > 0 ? out : null;
}

// ---------------------------------------------------------------- together

/** Pictures of a landscape: contours and a surface side by side, or a curve; with a switch for heights. */
export function landscapePictures(data: LandscapeData, what: string): HTMLElement {
  if (data.axes.length === 1)
    return el("div", {}, picture(slice(data), sliceLayout(data), { label: what, height: 340 }).element);
  const scale = scaleOf(data);
  const flat: Picture = picture(contour(data, scale), contourLayout(data), { label: `${what}: ${tr("contours", "等高线")}`, height: 430 });
  const solid: Picture = picture(surface(data, scale), surfaceLayout(data, scale), { label: `${what}: ${tr("surface", "曲面")}`, height: 430 });
  const box = el("input", { type: "checkbox" });
  box.checked = scale.log;
  box.addEventListener("change", () => {
    scale.log = box.checked;
    flat.update(contour(data, scale), contourLayout(data));
    solid.update(surface(data, scale), surfaceLayout(data, scale));
  });
  return el("div", {},
    el("label", { class: "switch" }, box, " ", tr("heights on a logarithmic scale", "高度取对数")),
    el("div", { class: "pair" }, flat.element, solid.element));
}

function about(data: LandscapeData): string {
  const of = data.of;
  if (of.formula) return of.formula;
  const rows = of.rows === of.samples ? tr(`all ${of.samples} rows`, `全部 ${of.samples} 行`) : tr(`${of.rows} of ${of.samples} rows`, `${of.samples} 行中的 ${of.rows} 行`);
  return `${of.run}, ${tr("step", "步")} ${of.step}, ${tr("loss", "损失")} ${short(of.loss, 6)} (${rows}; ${of.parameters} ${tr("parameters", "个参数")})`;
}

/** unstuck landscape. */
export function landscape(data: LandscapeData): void {
  const title = tr("Loss landscape", "损失地形");
  const ways: Record<string, string> = {
    eigen: tr("Along the eigenvectors of the Hessian with the lowest and the highest eigenvalue: where the loss bends down most, and up most. Zero is where the run stands.",
      "沿 Hessian 最小与最大特征值的特征向量:损失向下弯曲最甚与向上弯曲最甚的方向。零点是训练当前所在处。"),
    path: tr("Along the principal directions of the path that training took. Zero is where it stands.", "沿训练路径的主方向。零点是训练当前所在处。"),
    random: tr("Along random directions with filter normalisation: each filter as long as that of the weights (Li et al. 2018). A path seems short in them, as it hardly leaves the plane's middle.",
      "沿经滤波器归一化的随机方向:每个滤波器与权重的同长(Li 等,2018)。路径在其中显得很短,因为它几乎不在这个平面内移动。"),
    parameter: tr("Over the parameters themselves.", "以参数本身为坐标。"),
  };
  const partial = data.complete ? null : el("p", { class: "note" }, tr("Not all points are computed yet: the same command goes on.", "尚有未计算的点:再次运行同一命令即可继续。"));
  const off = data.paths.some((p) => p.off.some((d) => (d ?? 0) > 0.2 * Math.max(1e-30, ...p.off.map((_, k) => Math.hypot((p.x[k] ?? 0) - (p.x[p.x.length - 1] ?? 0), ((p.y ?? [])[k] ?? 0) - ((p.y ?? [])[p.x.length - 1] ?? 0))))));
  const offNote = off ? el("p", { class: "note" }, tr("Paths are projected: they run outside this plane as well, so their losses are not those of the surface below them.", "路径是投影:它也在此平面之外行进,因此其损失与其下曲面的损失并不相同。")) : null;
  const sections = [
    section("landscape", tr("The loss", "损失"), el("p", {}, ways[data.directions] ?? ""), partial, landscapePictures(data, title), offNote),
  ];
  const numbers = tables(data);
  if (numbers) sections.push(section("numbers", tr("Paths and critical points", "路径与临界点"), numbers));
  frame(title, about(data), data, sections);
}

