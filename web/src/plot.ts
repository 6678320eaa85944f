// Pictures by Plotly: drawn while they are near the reader's eye, in the colours and the type size of the page, with linked
// step axes. On paper all of them are drawn, as wide as the paper is.
import Plotly, { type PlotElement } from "plotly.js/lib/core";
import bar from "plotly.js/lib/bar";
import contour from "plotly.js/lib/contour";
import heatmap from "plotly.js/lib/heatmap";
import scatter3d from "plotly.js/lib/scatter3d";
import surface from "plotly.js/lib/surface";
import chinese from "plotly.js/lib/locales/zh-cn";
import { ground } from "./colors";
import { el } from "./dom";
import { setTheme, settings } from "./settings";

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
  /** Of the page at its usual type size: it grows with the type. */
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
  /** There is something to draw that was not drawn yet. */
  stale: boolean;
}

const PAPER = { wide: 680, half: 332, type: 11 / 12 }; // px, and the type's scale: see @media print in style.css

let pictures: Drawn[] = [];
const ranges = new Map<string, unknown>(); // of each linked group: the reader's zoom
let linking = false;
let wholes = 0; // how often the reader asked for the whole range: it ends every zoom
let printing = false;
let scale = 1; // of the type, beside the 16 px that sizes here are given for

function measureType(): void {
  scale = printing ? PAPER.type : parseFloat(getComputedStyle(document.body).fontSize) / 16 || 1;
}

const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const drawn = pictures.find((p) => p.holder === entry.target);
      if (!drawn) continue;
      drawn.near = entry.isIntersecting;
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
    font: { color: colors.text, family: getComputedStyle(document.body).fontFamily, size: 12.5 * scale },
    hovermode: "closest",
    dragmode: "zoom",
    hoverlabel: { namelength: -1 },
    ...layout,
    legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0, font: { size: 11.5 * scale, color: colors.text }, ...(layout["legend"] as object) },
    margin: Object.fromEntries(
      Object.entries({ l: 56, r: 24, t: 16, b: 44, ...(layout["margin"] as object) }).map(([side, room]) => [side, room * scale]),
    ),
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
  if (low !== undefined) ranges.set(group, [low, change["xaxis.range[1]"]]);
  else if (change["xaxis.autorange"]) ranges.delete(group);
  else return;
  follow(group, drawn);
}

/** Pictures of a group take its range: those near the eye now, the others when they come near. */
function follow(group: string, except?: Drawn): void {
  const range = ranges.get(group);
  const change = range ? { "xaxis.range": range, "xaxis.autorange": false } : { "xaxis.autorange": true };
  linking = true;
  const rest = pictures.filter((p) => p !== except && p.plot && p.options.linked === group);
  for (const p of rest) p.stale ||= !p.near;
  const all = except ? change : { ...change, "yaxis.autorange": true };
  void Promise.all(rest.filter((p) => p.near).map((p) => Plotly.relayout(p.plot!, all))).finally(() => (linking = false));
}

function draw(drawn: Drawn): void {
  if (!(drawn.near || printing) || !drawn.stale) return;
  drawn.stale = false;
  const layout = dressed(drawn.layout);
  layout["uirevision"] = `${String(layout["uirevision"])} ${wholes}`;
  const range = drawn.options.linked ? ranges.get(drawn.options.linked) : undefined;
  if (range) layout["xaxis"] = { ...(layout["xaxis"] as object), range, autorange: false };
  if (printing) {
    layout["width"] = drawn.holder.closest(".pair, .panel:not(.wide)") ? PAPER.half : PAPER.wide;
    layout["height"] = height(drawn.options) * scale;
  }
  // Plotly writes into what it is given.
  const traces = drawn.traces.map((t) => ({ ...t }));
  const first = drawn.plot === null;
  void Plotly.react(drawn.holder, traces, layout, config()).then((plot) => {
    drawn.plot = plot;
    if (first) plot.on("plotly_relayout", (change) => link(drawn, change));
    drawn.holder.dataset["drawn"] = "yes";
  });
}

const height = (options: PictureOptions): number => options.height ?? 300;

function drawAnew(): void {
  measureType();
  for (const p of pictures) {
    p.stale = true;
    draw(p);
  }
}

/** A picture. It is drawn when it comes near the window. */
export function picture(traces: Trace[], layout: Layout, options: PictureOptions): Picture {
  const holder = el("div", { class: "picture", style: `height:${height(options) / 16}em` });
  const drawn: Drawn = { holder, traces, layout, options, plot: null, near: false, stale: true };
  if (pictures.length === 0) measureType();
  pictures.push(drawn);
  observer.observe(holder);
  return {
    element: el("div", { class: "picture-frame", role: "figure", "aria-label": options.label }, holder),
    update(newTraces, newLayout) {
      drawn.traces = newTraces;
      drawn.layout = newLayout;
      drawn.stale = true;
      draw(drawn);
    },
  };
}

/** Linked pictures show everything again. */
export function unlink(group: string): void {
  ranges.delete(group);
  wholes++;
  follow(group);
}

/** Forgets the pictures inside of an element that is about to go. */
export function forgetPictures(inside: Element = document.body): void {
  for (const p of pictures.filter((q) => inside.contains(q.holder))) {
    observer.unobserve(p.holder);
    if (p.plot) Plotly.purge(p.plot);
  }
  pictures = pictures.filter((p) => !inside.contains(p.holder));
}

// The type grows with the window, and pictures with it. Widths alone are Plotly's to follow.
window.addEventListener("resize", () => {
  const before = scale;
  measureType();
  if (scale !== before && !printing) drawAnew();
});

// Paper is white, and what is printed is all of it.
let wasDark = false;
window.addEventListener("beforeprint", () => {
  printing = true;
  wasDark = settings.theme === "dark";
  if (wasDark) setTheme("light", false);
  drawAnew();
});
window.addEventListener("afterprint", () => {
  printing = false;
  if (wasDark) setTheme("dark", false);
  else drawAnew();
});
