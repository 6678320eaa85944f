// Colours that people with the common kinds of colour blindness can tell apart: M. Okabe & K. Ito, "Color Universal Design",
// 2008. Yellow is left to dark ground and black to light ground, where each can be seen.
import { settings } from "./settings";

const OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9"];

const GROUNDS = {
  light: { paper: "#ffffff", text: "#1a1a1a", muted: "#595959", grid: "#e3e3e3", axis: "#767676", last: "#000000" },
  dark: { paper: "#16191d", text: "#ececec", muted: "#a8b0b8", grid: "#30363d", axis: "#8b949e", last: "#F0E442" },
};

/** The colours of the page as it is now. */
export function ground(): (typeof GROUNDS)["light"] {
  return GROUNDS[settings.theme];
}

/** Colour and dash of the i-th of several lines: seven colours, then the same with other dashes. */
export function line(i: number): { color: string; dash: string } {
  const colors = [...OKABE_ITO, ground().last];
  const dashes = ["solid", "dash", "dot", "dashdot"];
  return {
    color: colors[i % colors.length] ?? ground().text,
    dash: dashes[Math.floor(i / colors.length) % dashes.length] ?? "solid",
  };
}

export const meaning = { bad: "#D55E00", good: "#009E73", warning: "#E69F00", plain: "#0072B2" };

/** Below and above zero, equal steps of lightness: for Plotly's colorscale. Blue over white (or the ground) to vermillion. */
export function diverging(): [number, string][] {
  return [
    [0, "#0072B2"],
    [0.25, "#56B4E9"],
    [0.5, ground().paper],
    [0.75, "#E69F00"],
    [1, "#D55E00"],
  ];
}

/** Low to high, readable in grey as well: cividis (Nuñez, Anderton & Renslow 2018), nine of its colours. */
export function sequential(): [number, string][] {
  const colors = [
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#fee838",
  ];
  return colors.map((color, i) => [i / (colors.length - 1), color]);
}
