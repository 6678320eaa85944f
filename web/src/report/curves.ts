// Everything over the steps, on linked axes.
import { line } from "../colors";
import { el } from "../dom";
import { drawer, section } from "../page";
import { picture, unlink, type Layout, type Picture, type Trace } from "../plot";
import { tr } from "../settings";
import { table } from "../table";
import { secondsAt, series, type ReportData, type Run, type Series } from "./data";
import { signWord } from "./words";

type Over = "step" | "seconds";
/** What the reader chose; kept while the page lives. */
const chosen = { over: "step" as Over, logX: false, logY: true, loss: "best" };

interface Panel {
  id: string;
  title: string;
  /** Of one run: names of series, each with its parts. Of several runs the first that a run has. */
  names: string[];
  /** Whether parts ("layer1.weight") are shown, of one run. */
  parts?: boolean;
  /** Can be negative, or is a share: never on a logarithmic axis. */
  linear?: boolean;
  note?: string;
}

function panels(): Panel[] {
  return [
    { id: "loss", title: tr("Loss", "损失"), names: ["mean_loss", "train_loss", "test_loss", "batch_loss"] },
    { id: "gradient", title: tr("Gradient norm", "梯度范数"), names: ["gradient_norm"] },
    { id: "rate", title: tr("Learning rate", "学习率"), names: ["learning_rate", "effective_rate"] },
    {
      id: "sharpness",
      title: tr("Sharpness and what the method bears", "尖锐度与方法可承受的上限"),
      names: ["sharpness", "lambda_max", "sharpness_limit"],
      note: tr("Above the limit every step overshoots; just below it is the edge of stability.", "超过上限则每步都越过谷底; 恰在其下即稳定边缘。"),
    },
    { id: "lambda-min", title: tr("Smallest eigenvalue", "最小特征值"), names: ["lambda_min"], linear: true },
    {
      id: "noise",
      title: tr("Gradient noise scale", "梯度噪声尺度"),
      names: ["noise_scale"],
      note: tr("The batch at which noise and gradient are equally strong.", "噪声与梯度强度相当时的批量。"),
    },
    {
      id: "ratio",
      title: tr("Update / weight ratio, by layer", "各层更新/权重比"),
      names: ["update_ratio"],
      parts: true,
      note: tr("A step of about a thousandth of the weights is usual.", "每步约为权重的千分之一属正常。"),
    },
    { id: "cosines", title: tr("Do steps and gradients agree with the ones before?", "步与梯度是否与前一步一致?"), names: ["step_cosine", "gradient_cosine", "sharp_projection"], linear: true },
    { id: "shares", title: tr("Shares: dead units, weights left unchanged", "比例: 死亡神经元, 未改变的权重"), names: ["dead_share", "unchanged_share"], linear: true, parts: true },
  ];
}

/** The loss to compare runs by: over all rows where it was measured often enough, else the mean of batches. */
function comparable(run: Run): Series | undefined {
  const all = series(run, "train_loss");
  return all && all.step.length >= 8 ? all : (series(run, "mean_loss") ?? all);
}

function xs(run: Run, s: Series): (number | null)[] {
  return chosen.over === "step" ? s.step : secondsAt(run, s.step);
}

function trace(run: Run, s: Series, name: string, i: number, logarithmic: boolean): Trace {
  const { color, dash } = line(i);
  const sparse = s.step.length <= 60;
  return {
    type: "scatter",
    mode: sparse ? "lines+markers" : "lines",
    name,
    x: xs(run, s),
    // A logarithm has no place for zero and below.
    y: logarithmic ? s.value.map((v) => (v !== null && v > 0 ? v : null)) : s.value,
    line: { color, width: s.name === "batch_loss" ? 1 : 2, dash: s.name === "sharpness_limit" ? "dash" : dash },
    marker: { color, size: 5 },
    opacity: s.name === "batch_loss" ? 0.45 : 1,
    hovertemplate: "%{x}: %{y:.5g}",
  };
}

function pick(runs: Run[], panel: Panel): { run: Run; s: Series; label: string }[] {
  if (runs.length > 1) {
    const name = panel.id === "loss" && chosen.loss !== "best" ? [chosen.loss] : panel.names;
    return runs.flatMap((run) => {
      const s = panel.id === "loss" && chosen.loss === "best" ? comparable(run) : name.map((n) => series(run, n)).find((x) => x);
      return s ? [{ run, s, label: run.name }] : [];
    });
  }
  const run = runs[0]!;
  return panel.names.flatMap((name) =>
    run.series
      .filter((s) => s.name === name && (panel.parts || s.part === "") && s.step.length > 0)
      .map((s) => ({ run, s, label: s.part || signWord(name) })),
  );
}

/** A run that diverges must not press all others flat: a range that leaves out what is far above every start. */
function kept(values: (number | null)[][]): Layout {
  const positive = values.map((line) => line.filter((v): v is number => v !== null && v > 0)).filter((line) => line.length > 0);
  const top = 1e4 * Math.max(...positive.map((line) => line[0]!));
  const most = (sign: number) => positive.reduce((far, line) => line.reduce((f, v) => Math.max(f, sign * v), far), -Infinity);
  const low = -most(-1), high = most(1);
  return high > top && low < top ? { range: [Math.log10(low / 1.5), Math.log10(top)] } : {};
}

function drawing(runs: Run[], panel: Panel): { traces: Trace[]; layout: Layout } {
  const logarithmic = chosen.logY && !panel.linear;
  const lines = pick(runs, panel);
  // The busy line of single batches goes below the others.
  const traces = lines.map((l, i) => trace(l.run, l.s, l.label, i, logarithmic)).sort((a, b) => Number(a["opacity"]) - Number(b["opacity"]));
  const layout: Layout = {
    uirevision: `${chosen.over}${chosen.logX}${chosen.logY}`,
    showlegend: lines.length > 1,
    xaxis: { type: chosen.logX ? "log" : "linear", title: { text: chosen.over === "step" ? tr("step", "步") : tr("seconds of training", "训练秒数") } },
    yaxis: { type: logarithmic ? "log" : "linear", ...(logarithmic && kept(lines.map((l) => l.s.value))) },
    margin: { l: 64, r: 12, t: 8, b: 40 },
  };
  return { traces, layout };
}

/** Rows of all series of a run, by step, for the CSV; and some of them, for the eye. */
function numbers(run: Run): HTMLElement {
  const shown = run.series.filter((s) => s.name !== "seconds" && s.part === "" && s.step.length > 0);
  const steps = [...new Set(shown.flatMap((s) => s.step))].sort((a, b) => a - b);
  const maps = shown.map((s) => new Map(s.step.map((step, i) => [step, s.value[i] ?? null])));
  const rows = steps.map((step) => [step, ...maps.map((m) => m.get(step) ?? null)]);
  const every = Math.max(1, Math.ceil(rows.length / 60));
  const some = rows.filter((_, i) => i % every === 0 || i === rows.length - 1);
  return table([tr("step", "步"), ...shown.map((s) => signWord(s.name))], some, { csv: `${run.name}.csv`, full: rows });
}

export interface Curves {
  element: HTMLElement;
  update(data: ReportData): void;
}

export function curves(data: ReportData): Curves {
  let runs = data.runs;
  const drawn: { panel: Panel; picture: Picture }[] = [];
  const absent: string[] = [];
  const holder = el("div", { class: "panels" });
  for (const panel of panels()) {
    if (!data.live && pick(runs, panel).length === 0) {
      absent.push(panel.title);
      continue;
    }
    const { traces, layout } = drawing(runs, panel);
    const p = picture(traces, layout, { label: `${panel.title}: ${tr("over the steps", "随步数")}`, height: panel.id === "loss" ? 380 : 260, linked: "steps" });
    drawn.push({ panel, picture: p });
    const empty = pick(runs, panel).length === 0;
    holder.append(
      el("div", { class: panel.id === "loss" ? "panel wide" : "panel", hidden: empty, id: `panel-${panel.id}` }, el("h3", {}, panel.title), panel.note ? el("p", { class: "note" }, panel.note) : null, p.element),
    );
  }
  const redraw = (): void => {
    for (const d of drawn) {
      const { traces, layout } = drawing(runs, d.panel);
      d.picture.update(traces, layout);
      const frame = document.getElementById(`panel-${d.panel.id}`);
      if (frame) frame.hidden = traces.length === 0;
    }
  };
  const toggle = (id: string, text: string, get: () => boolean, set: (on: boolean) => void): HTMLElement => {
    const button = el("button", { type: "button", id, "aria-pressed": String(get()) }, text);
    button.addEventListener("click", () => {
      set(!get());
      button.setAttribute("aria-pressed", String(get()));
      redraw();
    });
    return button;
  };
  const switches = el(
    "div",
    { class: "switches", role: "group", "aria-label": tr("Axes", "坐标轴") },
    toggle("log-y", tr("log y", "对数 y"), () => chosen.logY, (on) => (chosen.logY = on)),
    toggle("log-x", tr("log x", "对数 x"), () => chosen.logX, (on) => ((chosen.logX = on), unlink("steps"))),
    toggle("over-seconds", tr("over time", "按时间"), () => chosen.over === "seconds", (on) => ((chosen.over = on ? "seconds" : "step"), unlink("steps"))),
    el("button", { type: "button", id: "whole", onclick: () => unlink("steps") }, tr("whole range", "全部范围")),
  );
  if (runs.length > 1) {
    const select = el(
      "select",
      { id: "which-loss", "aria-label": tr("Which loss", "哪种损失") },
      ...["best", "mean_loss", "train_loss", "test_loss", "batch_loss"].map((n) =>
        el("option", { value: n, selected: n === chosen.loss }, n === "best" ? tr("training loss", "训练损失") : signWord(n)),
      ),
    );
    select.addEventListener("change", () => {
      chosen.loss = select.value;
      redraw();
    });
    switches.append(select);
  }
  const element = section(
    "curves",
    tr("Over the steps", "随步数变化"),
    el("p", { class: "note screen" }, tr("Drag over a picture to zoom into all of them, double-click to see everything.", "在任一图上拖动即可同时放大所有图, 双击恢复。")),
    switches,
    holder,
    absent.length > 0 && el("p", { class: "note" }, tr("Not measured in this run (train --watch economy does, given some seconds): ", "此训练未测量 (训练数秒以上时由 --watch economy 测量): "), absent.join(", ")),
    ...runs.slice(0, 20).map((run, i) => {
      const drawerOf = drawer(runs.length > 1 ? `${tr("As a table", "数据表")}: ${run.name}` : tr("As a table", "数据表"));
      // Built when it is opened, each time anew: twenty runs have many rows, and a live run has more now.
      drawerOf.addEventListener("toggle", () => {
        while (drawerOf.children.length > 1) drawerOf.lastElementChild!.remove();
        if (drawerOf.open) drawerOf.append(numbers(runs[i]!));
      });
      return drawerOf;
    }),
  );
  return {
    element,
    update(newData) {
      runs = newData.runs;
      redraw();
    },
  };
}
