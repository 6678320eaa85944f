// The frame of every page: title, switches, sections.
import { append, el, save, type Child } from "./dom";
import { setLanguage, setTheme, settings, tr } from "./settings";

/** Any kind of page: {"kind":"report", ...}. */
export interface PageData {
  kind: string;
  version?: number;
}

/** A section with a heading that links to itself. */
export function section(id: string, title: string, ...children: Child[]): HTMLElement {
  const heading = el("h2", { id: `${id}-title` }, el("a", { href: `#${id}` }, title));
  return el("section", { id, "aria-labelledby": `${id}-title` }, heading, ...children);
}

/** A closed drawer, such as a table below a picture. */
export function drawer(title: string, ...children: Child[]): HTMLDetailsElement {
  return el("details", { class: "drawer" }, el("summary", {}, title), ...children);
}

function themeButton(): HTMLElement {
  const dark = settings.theme === "dark";
  return el(
    "button",
    { type: "button", id: "theme", "aria-pressed": String(dark), onclick: () => setTheme(dark ? "light" : "dark") },
    tr("Dark", "深色"),
  );
}

function languageButton(): HTMLElement {
  const chinese = settings.language === "zh";
  return el(
    "button",
    { type: "button", id: "language", lang: chinese ? "en" : "zh-CN", onclick: () => setLanguage(chinese ? "en" : "zh") },
    chinese ? "English" : "中文",
  );
}

/** Title, what it is of, links to the sections, switches, sections. Replaces what was there. */
export function frame(title: string, about: Child, data: PageData, sections: HTMLElement[]): void {
  const app = document.getElementById("app")!;
  document.title = `${title} · unstuck`;
  const links = sections
    .filter((s) => s.id)
    .map((s) => el("a", { href: `#${s.id}` }, s.querySelector("h2")?.textContent ?? s.id));
  const json = el(
    "button",
    { type: "button", id: "json", onclick: () => save("unstuck.json", "application/json", JSON.stringify(data)) },
    tr("Data (JSON)", "数据 (JSON)"),
  );
  app.replaceChildren(
    el("a", { class: "skip", href: "#main" }, tr("To the content", "跳到内容")),
    el(
      "header",
      {},
      el("div", { class: "title" }, el("h1", {}, title), el("p", { class: "about" }, about)),
      el("div", { class: "switches" }, json, languageButton(), themeButton()),
    ),
    el("nav", { "aria-label": tr("Sections", "各节") }, ...links),
  );
  const main = el("main", { id: "main", tabindex: -1 });
  append(main, sections);
  app.append(main);
}
