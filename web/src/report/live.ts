// The page of unstuck watch: asks for the data whenever the server says that they are new.
import { el } from "../dom";
import { onSettings, tr } from "../settings";
import type { ReportData } from "./data";
import { reportUpdate } from "./report";

/** Follows until the page is closed; `take` is handed what is shown now. */
export function follow(first: ReportData, take: (data: ReportData) => void): void {
  let shown = first;
  let busy = false, again = false, connected = true;

  const say = (now: boolean): void => {
    connected = now;
    let line = document.getElementById("live");
    if (!line) {
      line = el("p", { id: "live", role: "status", class: "status" });
      document.querySelector("header .title")?.append(line);
    }
    const training = shown.runs.some((r) => r.open);
    const text = !connected
      ? tr("The server is gone; this is what it last said.", "服务器已停止; 以下是最后的数据。")
      : training
        ? tr("Training: this page follows.", "训练中: 页面会自动更新。")
        : tr("No training is at work; this page waits.", "没有训练在进行; 页面在等待。");
    // Said once, not at every change: a screen reader reads it aloud.
    if (line.textContent !== text) line.textContent = text;
  };

  const refresh = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      try {
        const answer = await fetch("data.json");
        if (!answer.ok) continue;
        const fresh = (await answer.json()) as ReportData;
        reportUpdate(fresh);
        shown = fresh;
        take(fresh);
        say(true);
      } catch {
        // the stream says when the server is back
      }
    } while (again);
    busy = false;
  };

  const stream = new EventSource("events");
  stream.addEventListener("changed", () => void refresh());
  stream.addEventListener("error", () => say(false));
  onSettings(() => say(connected)); // the page was built anew, without this line
  say(true);
}
