// Layers and units: who works, who is dead, and where the way out lies.
import { ground, meaning, sequential } from "../colors";
import { el, type Child } from "../dom";
import { number, percent } from "../format";
import { drawer, section } from "../page";
import { picture } from "../plot";
import { tr } from "../settings";
import { table } from "../table";
import { lastVerdict, result, type Run, type UnitLayer } from "./data";

function escape(shares: { name: string; share: number }[]): Child[] {
  return [
    el("h3", {}, tr("Where the way out lies", "出路所在的层")),
    picture(
      [{ type: "bar", orientation: "h", y: shares.map((s) => s.name), x: shares.map((s) => s.share), marker: { color: meaning.bad }, text: shares.map((s) => percent(s.share)), textposition: "auto", hoverinfo: "y+text" }],
      { yaxis: { autorange: "reversed", ticksuffix: " " }, xaxis: { range: [0, 1], tickformat: ".0%", title: { text: tr("share of the escape direction", "在逃离方向中的比例") } } },
      { label: tr("Share of each layer in the escape direction", "各层在逃离方向中的比例"), height: 90 + 30 * shares.length },
    ).element,
  ];
}

function bars(layers: UnitLayer[]): HTMLElement {
  const names = layers.map((l) => l.name);
  const part = (name: string, color: string, count: (l: UnitLayer) => number) => ({
    type: "bar", orientation: "h", name, y: names, x: layers.map((l) => count(l) / l.count), text: layers.map((l) => (count(l) > 0 ? String(count(l)) : "")), marker: { color }, hovertemplate: "%{y}: %{x:.1%}",
  });
  return picture(
    [
      part(tr("working", "正常"), meaning.good, (l) => l.count - l.dead - l.saturated),
      part(tr("saturated", "饱和"), meaning.warning, (l) => l.saturated),
      part(tr("dead", "死亡"), meaning.bad, (l) => l.dead),
    ],
    { barmode: "stack", yaxis: { autorange: "reversed", ticksuffix: " " }, xaxis: { range: [0, 1], tickformat: ".0%", title: { text: tr("share of the layer's units", "占该层神经元的比例") } } },
    { label: tr("Working, saturated and dead units of each layer", "各层正常, 饱和与死亡的神经元"), height: 130 + 34 * layers.length },
  ).element;
}

/** Each unit a field: how much it lets through (bounded activations) or on how many rows it is active (others). */
function fields(layers: UnitLayer[]): Child[] {
  // Where no gradient arrives nothing is known of what passes.
  const told = layers.filter((l) => l.units?.some((u) => (l.bounded ? u.passed : u.active) !== null));
  if (told.length === 0) return [];
  const widest = Math.max(...told.map((l) => l.units!.length));
  const share = (l: UnitLayer) => l.units!.map((u) => (l.bounded ? u.passed : u.active));
  return [
    el("h3", {}, tr("Unit by unit", "逐个神经元")),
    el("p", { class: "note" }, tr("On how many of the rows a unit is active; where the activation saturates, how much of the gradient passes. Dark fields do nothing.", "神经元在多少行上被激活; 对会饱和的激活函数, 为通过的梯度比例。深色者不起作用。")),
    picture(
      [{ type: "heatmap", z: told.map((l) => [...share(l), ...new Array<null>(widest - l.units!.length).fill(null)]), x: Array.from({ length: widest }, (_, i) => i + 1), y: told.map((l) => l.name), zmin: 0, zmax: 1, colorscale: sequential(), xgap: widest < 100 ? 1 : 0, ygap: 2, hoverongaps: false, hovertemplate: "%{y}, %{x}: %{z:.3g}<extra></extra>", colorbar: { thickness: 12, tickformat: ".0%" } }],
      { yaxis: { autorange: "reversed", ticksuffix: " ", showgrid: false }, xaxis: { title: { text: tr("unit", "神经元") }, showgrid: false }, plot_bgcolor: ground().paper },
      { label: tr("Activity of each unit", "各神经元的活动"), height: 100 + 40 * told.length },
    ).element,
  ];
}

export function layers(run: Run): HTMLElement {
  const shares = lastVerdict(run)?.verdict.escape_layers;
  const units = result<{ layers: UnitLayer[] }>(run, "units")?.layers.filter((l) => l.count > 0) ?? [];
  const children: Child[] = [];
  if (shares && shares.length > 0) children.push(...escape(shares));
  if (units.length > 0) {
    const dead = units.reduce((n, l) => n + l.dead, 0), saturated = units.reduce((n, l) => n + l.saturated, 0), count = units.reduce((n, l) => n + l.count, 0);
    children.push(el("h3", {}, tr("Units", "神经元")), el("p", {}, tr(`${number(dead)} of ${number(count)} units are dead, ${number(saturated)} are saturated.`, `${number(count)} 个神经元中, ${number(dead)} 个死亡, ${number(saturated)} 个饱和。`)), bars(units), ...fields(units));
  }
  const rows = [...(shares ?? []).map((s) => [s.name, s.share, null, null, null]), ...units.map((l) => [l.name, null, l.count, l.dead, l.saturated])];
  if (rows.length > 0) children.push(drawer(tr("As a table", "数据表"), table([tr("layer", "层"), tr("share of the way out", "出路比例"), tr("units", "神经元"), tr("dead", "死亡"), tr("saturated", "饱和")], rows, { csv: "layers.csv" })));
  else children.push(el("p", { class: "note" }, tr("A diagnosis of a network measures its units; there is none of this run.", "对网络的诊断会测量其神经元; 此训练没有。")));
  return section("layers", tr("Layers and units", "层与神经元"), ...children);
}
