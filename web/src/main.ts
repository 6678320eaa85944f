// The kind of the data says what the page shows. A new kind is a module with a function and a row here.
import "./style.css";
import { el } from "./dom";
import { landscape, type LandscapeData } from "./landscape";
import { lecture, type LectureData } from "./lecture";
import { frame, type PageData } from "./page";
import { forgetPictures } from "./plot";
import { follow } from "./report/live";
import { report, type ReportData } from "./report/report";
import { onSettings, tr } from "./settings";

/** Builds the page; called again when the reader changes language or theme. */
const kinds: Record<string, (data: PageData) => void> = {
  landscape: (data) => landscape(data as LandscapeData),
  lecture: (data) => lecture(data as LectureData),
  report: (data) => report(data as ReportData),
};

function read(): PageData | string {
  const text = document.getElementById("unstuck-data")?.textContent ?? "";
  if (text.trim() === "") return tr("This page has no data.", "此页没有数据。");
  try {
    return JSON.parse(text) as PageData;
  } catch (error) {
    return `${tr("The data of this page cannot be read", "无法读取此页的数据")}: ${String(error)}`;
  }
}

let data = read();

function show(): void {
  const at = window.scrollY;
  const open = [...document.querySelectorAll("details")].map((drawer) => drawer.open);
  forgetPictures();
  const build = typeof data === "string" ? undefined : kinds[data.kind];
  if (typeof data === "string") frame("unstuck", null, { kind: "none" }, [el("p", { class: "note" }, data)]);
  else if (!build)
    frame("unstuck", null, data, [
      el("p", { class: "note" }, `${tr("This page does not know what to show of", "此页不知如何显示")}: ${data.kind}`),
    ]);
  else build(data);
  document.querySelectorAll("details").forEach((drawer, i) => (drawer.open = open[i] ?? false));
  window.scrollTo(0, at);
}

onSettings(show);
show();
if (typeof data !== "string" && data.kind === "report" && (data as ReportData).live)
  follow(data as ReportData, (fresh) => (data = fresh));
