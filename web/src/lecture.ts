// unstuck lecture: each scene is a heading, what to look at, the pictures, and the command that makes them.
import { line } from "./colors";
import { el } from "./dom";
import { kindName, landscapePictures, short, tables, type LandscapeData } from "./landscape";
import { lectureTexts } from "./lecture-texts";
import { drawer, frame, section, type PageData } from "./page";
import { picture, type Trace } from "./plot";
import { tr } from "./settings";

interface Arm {
  name: string;
  batch: number | "full";
  steps: number;
  samples: number;
  seconds: number;
  loss: number | null;
  looks: [number, number, number, number | null][];
}

interface Item {
  scene: string;
  name: string;
  command: string;
  show?: number;
  landscape?: LandscapeData;
  race?: { samples: number; arms: Arm[] };
  epochs?: number;
}

export interface LectureData extends PageData {
  seconds: number;
  items: Item[];
}

const SHOW = { landscape: 1, losses: 2, lengths: 4 };

function command(text: string): HTMLElement {
  const copy = el("button", { type: "button" }, tr("Copy", "复制"));
  copy.addEventListener("click", () => {
    void navigator.clipboard?.writeText(text).then(() => {
      copy.textContent = tr("Copied", "已复制");
    });
  });
  return el("div", { class: "command" }, el("pre", { tabindex: 0, "aria-label": tr("Command", "命令") }, el("code", {}, text)), copy);
}

// ---------------------------------------------------------------- curves

/** The loss of each path over steps. */
function losses(data: LandscapeData, what: string): HTMLElement {
  const lowest = Math.min(...data.paths.flatMap((p) => p.loss.filter((v): v is number => v !== null)), ...data.critical.map((c) => c.value));
  // What is left to fall, so that a logarithm can show it.
  const all = lowest > 0 ? 0 : lowest;
  const log = lowest >= 0;
  const traces: Trace[] = data.paths.map((p, i) => ({
    type: "scatter",
    mode: "lines",
    name: p.name,
    x: p.steps,
    y: p.loss.map((v) => (v === null || (log && v <= 1e-12) ? null : log ? v - all : v)),
    line: { ...line(i), width: 2 },
    hovertemplate: `${tr("step", "步")} %{x}<br>${tr("loss", "损失")} %{y:.5g}<extra></extra>`,
  }));
  return picture(traces, {
    xaxis: { title: { text: tr("step", "步") } },
    yaxis: { title: { text: tr("loss", "损失") }, type: log ? "log" : "linear" },
  }, { label: `${what}: ${tr("loss over steps", "损失随步数的变化")}`, height: 320 }).element;
}

/** The length of each step. */
function lengths(data: LandscapeData, what: string): HTMLElement {
  const traces: Trace[] = data.paths.map((p, i) => ({
    type: "scatter",
    mode: "lines",
    name: p.name,
    x: p.steps.slice(1),
    y: p.steps.slice(1).map((_, k) => {
      const length = Math.hypot((p.x[k + 1] ?? NaN) - (p.x[k] ?? NaN), ((p.y ?? [])[k + 1] ?? 0) - ((p.y ?? [])[k] ?? 0));
      return length > 1e-12 ? length : null;
    }),
    line: { ...line(i), width: 2 },
    hovertemplate: `${tr("step", "步")} %{x}<br>%{y:.3g}<extra></extra>`,
  }));
  return picture(traces, {
    xaxis: { title: { text: tr("step", "步") } },
    yaxis: { title: { text: tr("length of the step", "步长") }, type: "log" },
  }, { label: `${what}: ${tr("length of the steps", "步长")}`, height: 320 }).element;
}

/** Losses that stand still, each as a part of what it was at the start. */
function stuck(items: Item[], what: string): HTMLElement {
  const paths = items.flatMap((item) => (item.landscape?.paths[0] ? [{ item, path: item.landscape.paths[0] }] : []));
  const t = lectureTexts();
  const traces: Trace[] = paths.map(({ item, path }, i) => ({
    type: "scatter",
    mode: "lines",
    name: `${"ABCDE"[i]}`,
    x: path.steps,
    y: path.loss.map((v) => (v === null ? null : v / (path.loss[0] ?? 1))),
    line: { ...line(i), width: 2 },
    hovertemplate: `${item.landscape?.of.formula ?? ""}<br>${tr("step", "步")} %{x}<br>%{y:.5f}<extra></extra>`,
  }));
  const head = [tr("run", "训练"), tr("loss at the start", "起点损失"), tr("at the end", "终点损失"), tr("what it is", "原因")];
  return el("div", {},
    picture(traces, {
      xaxis: { title: { text: tr("step", "步") } },
      yaxis: { title: { text: tr("loss / loss at the start", "损失 / 起点损失") }, range: [0, 1.08] },
    }, { label: what, height: 320 }).element,
    drawer(tr("Which is which?", "哪条是哪种情况?"),
      el("div", { class: "table", tabindex: 0, role: "region", "aria-label": what },
        el("table", {},
          el("thead", {}, el("tr", {}, ...head.map((h) => el("th", { scope: "col" }, h)))),
          el("tbody", {},
            ...paths.map(({ item, path }, i) =>
              el("tr", {}, el("td", {}, "ABCDE"[i] ?? ""), el("td", { class: "number" }, short(path.loss[0], 5)),
                el("td", { class: "number" }, short(path.loss[path.loss.length - 1], 5)),
                el("td", {}, `${t.stuck[item.name] ?? item.name} (${kindName(path.state)})`))))))));
}

// ---------------------------------------------------------------- batches

function race(item: Item, what: string): HTMLElement {
  const arms = item.race?.arms ?? [];
  const samples = item.race?.samples ?? 1;
  const name = (a: Arm): string => (a.batch === "full" || a.batch >= samples ? tr(`all ${samples}`, `全部 ${samples}`) : String(a.batch));
  const curves = (x: (look: Arm["looks"][0]) => number): Trace[] =>
    arms.map((a, i) => ({
      type: "scatter",
      mode: "lines+markers",
      name: name(a),
      x: a.looks.map(x),
      y: a.looks.map((l) => l[3]),
      marker: { size: 4 },
      line: { ...line(i), width: 2 },
      hovertemplate: "%{x:.4g}<br>%{y:.5g}<extra></extra>",
    }));
  const yaxis = { title: { text: tr("loss over all rows", "全部数据上的损失") }, type: "log" };
  const legend = { title: { text: tr("batch ", "批大小 ") } };
  const epochs = item.epochs ?? 1;
  const row = (a: Arm): HTMLElement =>
    el("tr", {}, el("td", {}, name(a)), ...[a.steps / epochs, a.steps].map((v) => el("td", { class: "number" }, String(Math.round(v)))),
      el("td", { class: "number" }, short((1000 * a.seconds) / epochs, 3)), el("td", { class: "number" }, short((1e6 * a.seconds) / a.steps, 3)),
      el("td", { class: "number" }, short(a.loss, 4)));
  const head = [tr("batch", "批大小"), tr("updates an epoch", "每轮更新次数"), tr("updates in all", "更新总次数"), tr("ms an epoch", "每轮毫秒"), tr("µs an update", "每次更新微秒"), tr("loss at the end", "终点损失")];
  return el("div", {},
    el("div", { class: "table", tabindex: 0, role: "region", "aria-label": what },
      el("table", {}, el("thead", {}, el("tr", {}, ...head.map((h) => el("th", { scope: "col" }, h)))), el("tbody", {}, ...arms.map(row)))),
    el("div", { class: "pair" },
      picture(curves((l) => l[1] / samples), { xaxis: { title: { text: tr("epochs", "轮数") } }, yaxis, legend }, { label: `${what}: ${tr("over epochs", "随轮数")}`, height: 340 }).element,
      picture(curves((l) => 1000 * l[2]), { xaxis: { title: { text: tr("milliseconds", "毫秒") }, type: "log" }, yaxis, legend }, { label: `${what}: ${tr("over time", "随时间")}`, height: 340 }).element));
}

// ---------------------------------------------------------------- together

function shown(item: Item, what: string): HTMLElement[] {
  const out: HTMLElement[] = [];
  const data = item.landscape;
  const show = item.show ?? SHOW.landscape;
  if (item.race) out.push(race(item, what));
  if (!data) return out;
  if (show & SHOW.landscape) out.push(landscapePictures(data, what));
  const curves: HTMLElement[] = [];
  if (show & SHOW.losses) curves.push(losses(data, what));
  if (show & SHOW.lengths) curves.push(lengths(data, what));
  if (curves.length > 0) out.push(el("div", { class: "pair" }, ...curves));
  const numbers = tables(data);
  if (numbers) out.push(drawer(tr("Numbers", "数值"), numbers));
  return out;
}

export function lecture(data: LectureData): void {
  const texts = lectureTexts();
  const sections = Object.entries(texts.scenes).flatMap(([id, text], i) => {
    const items = data.items.filter((item) => item.scene === id);
    if (items.length === 0) return [];
    const title = `${i + 1}. ${text.title}`;
    const paragraphs = text.text.map((p) => el("p", {}, p));
    if (id === "stuck")
      return [section(id, title, ...paragraphs, stuck(items, text.title), drawer(tr("Commands", "命令"), ...items.map((item) => command(item.command))))];
    const parts = items.flatMap((item) => {
      const about = text.items?.[item.name];
      return [about ? el("h3", {}, about) : null, ...shown(item, about ?? text.title), command(item.command)];
    });
    return [section(id, title, ...paragraphs, ...parts)];
  });
  const about = tr(`Every picture was computed when this page was made, in ${data.seconds.toFixed(0)} s. Below each stands the command that makes it.`,
    `本页的每幅图都是生成页面时现算的,共用时 ${data.seconds.toFixed(0)} 秒。每幅图下方是生成它的命令。`);
  frame(tr("When training is stuck: the lecture, live", "训练为何停滞:现场演示"), about, data, sections);
}
