// unstuck report and watch: runs, from the verdict down to the numbers.
import { frame, type PageData } from "../page";
import { tr } from "../settings";

export interface ReportData extends PageData {
  runs: { name: string }[];
}

export function report(data: ReportData): void {
  frame(tr("Report", "报告"), data.runs.map((r) => r.name).join(", "), data, []);
}
