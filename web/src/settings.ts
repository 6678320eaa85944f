// What the reader chose: language and light or dark. Kept in the browser where it lets us.

export type Language = "en" | "zh";
export type Theme = "light" | "dark";

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // such as a file opened where storage is off
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // then it is forgotten with the page
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");

function startLanguage(): Language {
  const chosen = kept("unstuck-language");
  if (chosen === "en" || chosen === "zh") return chosen;
  return (navigator.languages[0] ?? navigator.language ?? "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

function startTheme(): Theme {
  const chosen = kept("unstuck-theme");
  return chosen === "light" || chosen === "dark" ? chosen : dark.matches ? "dark" : "light";
}

export const settings = { language: startLanguage(), theme: startTheme() };

const listeners: (() => void)[] = [];
/** Called after a setting changed: the page is drawn anew. */
export function onSettings(listener: () => void): void {
  listeners.push(listener);
}

function apply(): void {
  document.documentElement.lang = settings.language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset["theme"] = settings.theme;
}

export function setLanguage(language: Language): void {
  settings.language = language;
  keep("unstuck-language", language);
  apply();
  listeners.forEach((f) => f());
}

export function setTheme(theme: Theme, remember = true): void {
  settings.theme = theme;
  if (remember) keep("unstuck-theme", theme);
  apply();
  listeners.forEach((f) => f());
}

dark.addEventListener("change", () => {
  if (kept("unstuck-theme") === null) setTheme(dark.matches ? "dark" : "light", false);
});
apply();

/** The text of the reader's language. */
export function tr(english: string, chinese: string): string {
  return settings.language === "zh" ? chinese : english;
}
