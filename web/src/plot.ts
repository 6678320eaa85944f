// Pictures by Plotly: drawn when they come near the reader's eye, in the colours of the page, with linked step axes.
import Plotly, { type PlotElement } from "plotly.js/lib/core";
import bar from "plotly.js/lib/bar";
import contour from "plotly.js/lib/contour";
import heatmap from "plotly.js/lib/heatmap";
import scatter3d from "plotly.js/lib/scatter3d";
import surface from "plotly.js/lib/surface";
import chinese from "plotly.js/lib/locales/zh-cn";
import { ground } from "./colors";
import { el } from "./dom";
import { settings } from "./settings";

Plotly.register([bar, contour, heatmap, scatter3d, surface, chinese]);

export type Trace = Record<string, unknown>;
export type Layout = Record<string, unknown>;

export interface Picture {
  /** What to put into the page. */
  element: HTMLElement;
  /** Draws it with other data or another layout. */
  update(traces: Trace[], layout: Layout): void;
}

export interface PictureOptions {
  /** What is to be seen, for those who do not see it. */
  label: string;
  height?: number;
  /** Pictures of the same group keep the same range on their x axes. */
  linked?: string;
}

interface Drawn {
  holder: HTMLElement;
  traces: Trace[];
  layout: Layout;
  options: PictureOptions;
  plot: PlotElement | null;
  near: boolean;
}

let pictures: Drawn[] = [];
const ranges = new Map<string, unknown>(); // of each linked group: the reader's zoom
let linking = false;

const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const drawn = pictures.find((p) => p.holder === entry.target);
      if (!drawn || !entry.isIntersecting) continue;
      drawn.near = true;
      observer.unobserve(drawn.holder);
      draw(drawn);
    }
  },
  { rootMargin: "300px" },
);

function axis(own: unknown): object {
  const colors = ground();
  return {
    gridcolor: colors.grid,
    linecolor: colors.axis,
    zerolinecolor: colors.axis,
    automargin: true,
    exponentformat: "power",
    ...(own as object),
  };
}

function dressed(layout: Layout): Layout {
  const colors = ground();
  const out: Layout = {
    paper_bgcolor: colors.paper,
    plot_bgcolor: colors.paper,
    font: { color: colors.text, family: "system-ui, sans-serif", size: 13 },
    margin: { l: 56, r: 16, t: 16, b: 44 },
    hovermode: "closest",
    dragmode: "zoom",
    legend: { orientation: "h", y: -0.2, font: { size: 12 } },
    hoverlabel: { namelength: -1 },
    ...layout,
  };
  for (const name of new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((k) => /^[xy]axis\d*$/.test(k))]))
    out[name] = axis(layout[name]);
  return out;
}

function config(): object {
  return {
    responsive: true,
    displaylogo: false,
    locale: settings.language === "zh" ? "zh-CN" : "en",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg", filename: "unstuck" },
  };
}

function link(drawn: Drawn, change: Record<string, unknown>): void {
  const group = drawn.options.linked;
  if (linking || !group) return;
  const low = change["xaxis.range[0]"];
  let other: Record<string, unknown> | null = null;
  if (low !== undefined) {
    const range = [low, change["xaxis.range[1]"]];
    ranges.set(group, range);
    other = { "xaxis.range": range, "xaxis.autorange": false };
  } else if (change["xaxis.autorange"]) {
    ranges.delete(group);
    other = { "xaxis.autorange": true };
  }
  if (!other) return;
  linking = true;
  const rest = pictures.filter((p) => p !== drawn && p.plot && p.options.linked === group);
  void Promise.all(rest.map((p) => Plotly.relayout(p.plot!, other!))).finally(() => (linking = false));
}

function draw(drawn: Drawn): void {
  if (!drawn.near) return;
  const layout = dressed(drawn.layout);
  const range = drawn.options.linked ? ranges.get(drawn.options.linked) : undefined;
  if (range) layout["xaxis"] = { ...(layout["xaxis"] as object), range, autorange: false };
  // Plotly writes into what it is given.
  const traces = drawn.traces.map((t) => ({ ...t }));
  const first = drawn.plot === null;
  void Plotly.react(drawn.holder, traces, layout, config()).then((plot) => {
    drawn.plot = plot;
    if (first) plot.on("plotly_relayout", (change) => link(drawn, change));
    drawn.holder.dataset["drawn"] = "yes";
  });
}

/** A picture. It is drawn when it comes near the window. */
export function picture(traces: Trace[], layout: Layout, options: PictureOptions): Picture {
  const holder = el("div", { class: "picture", style: `height:${options.height ?? 300}px` });
  const drawn: Drawn = { holder, traces, layout, options, plot: null, near: false };
  pictures.push(drawn);
  observer.observe(holder);
  return {
    element: el("div", { class: "picture-frame", role: "figure", "aria-label": options.label }, holder),
    update(newTraces, newLayout) {
      drawn.traces = newTraces;
      drawn.layout = newLayout;
      draw(drawn);
    },
  };
}

/** Linked pictures show everything again. */
export function unlink(group: string): void {
  ranges.delete(group);
  const all = pictures.filter((p) => p.plot && p.options.linked === group);
  linking = true;
  void Promise.all(
    all.map((p) => Plotly.relayout(p.plot!, { "xaxis.autorange": true, "yaxis.autorange": true })),
  ).finally(() => (linking = false));
}

/** Forgets all pictures, before the page is built anew. */
export function forgetPictures(): void {
  for (const p of pictures) {
    observer.unobserve(p.holder);
    if (p.plot) Plotly.purge(p.plot);
  }
  pictures = [];
}

// What is printed is all of it.
window.addEventListener("beforeprint", () => {
  for (const p of pictures) {
    p.near = true;
    if (!p.plot) draw(p);
  }
});
