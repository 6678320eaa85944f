// What else was measured and how the run was made, as tables.
import { el } from "../dom";
import { drawer, section } from "../page";
import { tr } from "../settings";
import { table } from "../table";
import { lastVerdict, type Run } from "./data";
import { said } from "./sentences";
import { signWord } from "./words";

export function numbers(run: Run): HTMLElement {
  const verdict = lastVerdict(run)?.verdict;
  const config = Object.entries(run.config ?? {}).filter(([, v]) => v !== null && typeof v !== "object");
  return section(
    "numbers",
    tr("All the numbers", "全部数值"),
    verdict ? drawer(tr("Signs behind the verdict", "诊断所依据的迹象"), table([tr("sign", "迹象"), tr("value", "值"), tr("threshold", "阈值"), tr("meaning", "含义")], verdict.signs.map((s) => [signWord(s.name), s.value, s.threshold, said(s.meaning)]), { csv: "signs.csv" })) : null,
    drawer(tr("How the run was made", "训练设置"), table([tr("option", "选项"), tr("value", "值")], config.map(([k, v]) => [el("code", {}, k), typeof v === "number" ? v : el("code", {}, String(v))]), { csv: "config.csv" })),
  );
}
