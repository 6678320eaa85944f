// Several runs side by side.
import { line } from "../colors";
import { el } from "../dom";
import { seconds } from "../format";
import { section } from "../page";
import { tr } from "../settings";
import { table, type Cell } from "../table";
import { headline, bestRemedy, tone } from "./answer";
import { lastVerdict, series, type ReportData, type Run } from "./data";
import { remedyWord, stateWord } from "./words";

function duration(run: Run): number | null {
  const clock = series(run, "seconds");
  return clock?.value[clock.value.length - 1] ?? null;
}

/** Of training; null where the number of rows is not known, which a diagnosis tells. */
function epoch(run: Run): number | null {
  const took = duration(run), rows = lastVerdict(run)?.verdict.samples, batch = run.config?.["batch"];
  if (took === null || run.steps === 0 || !rows || typeof batch !== "number") return null;
  return (took / run.steps) * Math.ceil(rows / (batch || rows));
}

/** Lowest last loss first; what is not finite last. */
export function ranked(runs: Run[]): Run[] {
  const key = (r: Run) => r.loss.last ?? Infinity;
  return [...runs].sort((a, b) => key(a) - key(b));
}

function color(data: ReportData, run: Run): HTMLElement {
  return el("span", { class: "swatch", style: `background:${line(data.runs.indexOf(run)).color}`, "aria-hidden": "true" });
}

export function compare(data: ReportData, open: (run: Run) => void): HTMLElement {
  const rows = ranked(data.runs).map((run, i): Cell[] => {
    const verdict = lastVerdict(run)?.verdict, best = verdict && bestRemedy(verdict), took = duration(run), round = epoch(run);
    const name = el("button", { type: "button", class: "link", onclick: () => open(run) }, run.name);
    return [
      i + 1,
      el("span", {}, color(data, run), name),
      run.loss.last,
      run.loss.test,
      run.steps,
      took === null ? null : seconds(took),
      round === null ? null : seconds(round),
      String(run.config?.["optimizer"] ?? ""),
      (run.config?.["learning_rate"] as number) || null,
      run.config?.["batch"] === 0 ? tr("full", "全部") : ((run.config?.["batch"] as number) ?? null),
      stateWord(run.status),
      verdict ? el("span", { class: `badge ${tone(verdict)}` }, headline(verdict)) : null,
      best ? remedyWord(best.remedy) : null,
    ];
  });
  const heads = ["#", tr("run", "训练"), tr("last loss", "最终损失"), tr("test loss", "测试损失"), tr("steps", "步数"), tr("time", "用时"), tr("an epoch", "每轮用时"), tr("optimizer", "优化器"), tr("rate", "学习率"), tr("batch", "批量"), tr("status", "状态"), tr("verdict", "诊断"), tr("remedy", "办法")];
  const first = ranked(data.runs)[0]!;
  const stuck = data.runs.filter((r) => lastVerdict(r)?.verdict.stuck).length;
  return section(
    "compare",
    tr("Side by side", "并列比较"),
    el("p", { class: "big" }, tr(`${first.name} has the lowest loss`, `${first.name} 损失最低`), stuck > 0 ? tr(`; ${stuck} of ${data.runs.length} are stuck`, `; ${data.runs.length} 个中有 ${stuck} 个卡住`) : "", "."),
    table(heads, rows, { csv: "runs.csv" }),
    el("p", { class: "note" }, tr("By the last loss. A name shows its verdict, spectrum and layers below.", "按最终损失排列。点击名称可在下方查看其诊断, 谱和各层。")),
  );
}
