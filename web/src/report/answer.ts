// What is wrong and what to do, before anything else.
import { ground, meaning } from "../colors";
import { el, type Child } from "../dom";
import { date, number, percent, shell } from "../format";
import { drawer, section } from "../page";
import { picture } from "../plot";
import { tr } from "../settings";
import { table, type Cell } from "../table";
import { lastVerdict, type Remedy, type Run, type Verdict } from "./data";
import { said } from "./sentences";
import { causeWord, eventWord, partWord, remedyWord, signWord, stateWord, verdictWord } from "./words";

export function tone(verdict: Verdict | undefined): "bad" | "good" | "warning" | "plain" {
  if (!verdict) return "plain";
  if (verdict.verdict === "undecided") return "warning";
  return verdict.stuck || verdict.verdict === "diverged" ? "bad" : "good";
}

export function headline(verdict: Verdict): string {
  return verdictWord(verdict.verdict) + (verdict.cause ? `: ${causeWord(verdict.cause)}` : "");
}

/** Of the remedies that helped, the one that reached the lowest loss. */
export function bestRemedy(verdict: Verdict): Remedy | undefined {
  const helped = verdict.remedies.filter((r) => r.helps && r.loss_with_remedy !== null);
  return helped.sort((a, b) => a.loss_with_remedy! - b.loss_with_remedy!)[0];
}

function command(text: string): HTMLElement {
  const copy = el("button", { type: "button", onclick: () => void navigator.clipboard?.writeText(text) }, tr("Copy", "复制"));
  return el("p", { class: "command" }, el("code", {}, text), copy);
}

function todo(run: Run, verdict: Verdict): HTMLElement {
  const best = bestRemedy(verdict);
  const title = el("h3", {}, tr("What to do", "怎么办"));
  if (best)
    return el(
      "div",
      { class: "todo" },
      title,
      el("p", { class: "big" }, remedyWord(best.remedy)),
      el(
        "p",
        {},
        tr("Tried on a copy: loss ", "已在副本上试过: 损失 "),
        el("b", {}, `${number(verdict.loss)} → ${number(best.loss_with_remedy)}`),
        best.loss_carrying_on === null
          ? tr("; carrying on ends in no finite loss.", "; 继续训练则损失溢出。")
          : tr(`; carrying on for as many steps: ${number(best.loss_carrying_on)}.`, `; 同样步数继续训练: ${number(best.loss_carrying_on)}。`),
      ),
      command(`unstuck unstick ${shell(run.folder)} --remedy ${best.remedy}`),
    );
  if (verdict.would_decide)
    return el("div", { class: "todo" }, title, el("p", {}, tr("What would decide it: ", "可据以断定的: "), said(verdict.would_decide)));
  const nothing =
    !verdict.stuck && verdict.verdict !== "diverged"
      ? verdict.verdict === "descending"
        ? tr("Let it go on.", "让它继续训练。")
        : tr("Nothing: there is nothing left to gain here. A lower loss takes another model or other data.", "无需处理: 此处已无可得。要更低的损失, 需换模型或数据。")
      : verdict.remedies.length > 0
        ? tr("No remedy that was tried helps.", "试过的办法都无效。")
        : tr("Remedies have not been tried yet. This tries them on copies:", "还没有试过任何办法。下面的命令会在副本上尝试:");
  const next =
    verdict.stuck && verdict.remedies.length === 0
      ? command(`unstuck unstick ${shell(run.folder)}`)
      : verdict.verdict === "descending" && !run.open
        ? command(`unstuck train --resume ${shell(run.folder)}${run.status === "interrupted" ? "" : ` --steps ${run.steps}`}`)
        : null;
  return el("div", { class: "todo" }, title, el("p", {}, nothing), next);
}

/** Where the numbers of a run that diverged end. */
function ending(verdict: Verdict): HTMLElement | null {
  const first = verdict.first_not_finite;
  if (!first) return null;
  const row = first.row === null ? "" : tr(` of training row ${number(first.row)}`, ` (训练行 ${number(first.row)})`);
  const place = first.operation ?? first.group;
  return el(
    "p",
    {},
    tr(`The numbers end at step ${number(first.step)}, in the ${first.of}${row}`, `数值止于第 ${number(first.step)} 步的${partWord(first.of)}${row}`),
    place ? ": " : ".",
    place && el("code", {}, place),
  );
}

function evidence(verdict: Verdict): HTMLElement {
  const told = (verdict.rests_on?.length ? verdict.rests_on : verdict.signs.slice(0, 4)).slice(0, 5);
  const meanings = new Map(verdict.signs.map((s) => [s.name, s.meaning ?? ""]));
  const value = (s: { name: string; value: number | null }) =>
    s.value === null && s.name === "steps_to_leave" ? tr("never", "永不") : number(s.value, 3);
  return el(
    "div",
    { class: "evidence" },
    el("h3", {}, tr("Why we think so", "依据")),
    el(
      "ul",
      {},
      ...told.map((s) =>
        el(
          "li",
          { title: said(meanings.get(s.name)) },
          `${signWord(s.name)}: `,
          el("b", {}, value(s)),
          s.threshold !== null ? ` (${tr("threshold", "阈值")} ${number(s.threshold, 3)})` : "",
        ),
      ),
    ),
    ending(verdict),
    verdict.would_change ? el("p", { class: "note" }, tr("What would change this: ", "会改变结论的: "), said(verdict.would_change)) : null,
    verdict.confidence > 0 ? el("p", { class: "note" }, tr("Confidence ", "置信度 "), percent(verdict.confidence)) : null,
  );
}

/** That the run has gone on since its verdict. */
export function behind(run: Run): HTMLElement {
  const step = lastVerdict(run)?.step ?? run.steps, more = run.steps - step;
  const text = tr(`Found at step ${number(step)}; the run is ${number(more)} steps further now.`, `诊断于第 ${number(step)} 步; 此后又训练了 ${number(more)} 步。`);
  return el("p", { id: "behind", class: "note", hidden: more <= 0 }, text);
}

function card(run: Run): HTMLElement {
  const given = lastVerdict(run);
  if (!given) {
    const failed = run.status === "diverged";
    return el(
      "div",
      { class: `card ${failed ? "bad" : "plain"}` },
      el("p", { class: "headline" }, failed ? verdictWord("diverged") : tr("No verdict yet", "尚未诊断")),
      el("p", {}, tr("This run has not been diagnosed. This names the cause:", "此训练尚未诊断。下面的命令会找出原因:")),
      command(`unstuck diagnose ${shell(run.folder)}`),
    );
  }
  const { verdict } = given;
  return el(
    "div",
    { class: `card ${tone(verdict)}` },
    el("p", { class: "headline" }, headline(verdict)),
    el("p", { class: "sentence" }, said(verdict.sentence)),
    behind(run),
    el("div", { class: "columns" }, todo(run, verdict), evidence(verdict)),
  );
}

function remedies(verdict: Verdict): Child[] {
  const tried = verdict.remedies.filter((r) => r.loss_with_remedy !== null);
  if (tried.length === 0) return [];
  const names = [tr("carry on", "继续训练"), ...tried.map((r) => remedyWord(r.remedy))];
  const text = (v: number | null) => (v === null ? tr("not finite", "溢出") : number(v));
  const values = [tried[0]!.loss_carrying_on, ...tried.map((r) => r.loss_with_remedy)];
  const colors = [ground().grid, ...tried.map((r) => (r.helps ? meaning.good : ground().grid))];
  const rows: Cell[][] = verdict.remedies.map((r) => [remedyWord(r.remedy), r.loss_with_remedy, r.loss_carrying_on, r.steps, r.helps ? tr("yes", "是") : tr("no", "否"), said(r.why)]);
  return [
    el("h3", {}, tr("Remedies, tried on copies", "在副本上试过的办法")),
    el("p", { class: "note" }, tr("The loss that each reached: lower is better.", "各自达到的损失: 越低越好。")),
    picture(
      [{ type: "bar", orientation: "h", x: values.map((v) => v ?? 0), y: names, marker: { color: colors }, text: values.map(text), textposition: values.map((v) => (v === null ? "outside" : "auto")), hoverinfo: "y+x", cliponaxis: false }],
      { yaxis: { autorange: "reversed", ticksuffix: " " }, xaxis: { rangemode: "tozero" } },
      { label: tr("Bars: the loss that each remedy reached on a copy", "条形图: 各办法在副本上达到的损失"), height: 80 + 34 * names.length },
    ).element,
    drawer(
      tr("Remedies as a table", "办法列表"),
      table([tr("remedy", "办法"), tr("loss with it", "采用后的损失"), tr("loss carrying on", "继续训练的损失"), tr("steps", "步数"), tr("helps", "有效"), tr("why", "原因")], rows, { csv: "remedies.csv" }),
    ),
  ];
}

function timeline(run: Run): Child[] {
  const events = [
    ...run.events.map((e) => ({ step: e.step, what: eventWord(e.kind), text: said(e.text), time: e.time as number | null })),
    ...run.verdicts.flatMap((v) => (v.verdict ? [{ step: v.step, what: tr("verdict", "诊断"), text: headline(v.verdict), time: null }] : [])),
  ].sort((a, b) => a.step - b.step);
  if (events.length === 0) return [];
  return [
    el("h3", {}, tr("What happened", "经过")),
    el(
      "ol",
      { class: "timeline" },
      ...events.slice(-200).map((e) =>
        el("li", {}, el("span", { class: "when", title: e.time ? date(e.time) : "" }, `${tr("step", "步")} ${number(e.step)}`), el("b", {}, e.what), " ", e.text),
      ),
    ),
  ];
}

/** What the run is, in a line. */
export function facts(run: Run): HTMLElement {
  const verdict = lastVerdict(run)?.verdict;
  const told = [
    `${tr("status", "状态")}: ${stateWord(run.status)}`,
    `${tr("step", "步")} ${number(run.steps)}${run.steps_planned && run.steps_planned > run.steps ? ` / ${number(run.steps_planned)}` : ""}`,
    `${tr("loss", "损失")} ${number(run.loss.first)} → ${number(run.loss.last)}`,
    run.loss.test !== null ? `${tr("test", "测试")} ${number(run.loss.test)}` : "",
    verdict ? `${number(verdict.parameters)} ${tr("parameters", "个参数")}` : "",
    verdict ? `${number(verdict.samples)} ${tr("rows", "行")}` : "",
    String(run.config?.["optimizer"] ?? ""),
    String(run.config?.["model"] ?? ""),
  ].filter((f) => f !== "");
  return el("p", { id: "facts", class: "facts" }, ...told.map((f) => el("span", {}, f)));
}

export function answer(run: Run): HTMLElement {
  const given = lastVerdict(run);
  return section("answer", tr("The answer", "结论"), card(run), facts(run), ...(given ? remedies(given.verdict) : []), ...timeline(run));
}
