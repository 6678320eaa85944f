// Numbers as people read them.

/** Four significant digits unless told otherwise: 0.02413, 1.2e-5, 60,000. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return value.toLocaleString("en");
  const text = size >= 1e6 || size < 1e-3 ? value.toExponential(digits - 1) : value.toPrecision(digits);
  return text.replace(/(\.\d*?)0+(e|$)/, "$1$2").replace(/\.(e|$)/, "$1").replaceAll("-", "−").replace("e+", "e");
}

/** A word of a shell command: names of folders are whatever their makers called them. */
export function shell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) && !word.startsWith("-") ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export function seconds(value: number): string {
  if (value < 1) return value < 1e-3 ? `${number(1e6 * value, 3)} µs` : `${number(1e3 * value, 3)} ms`;
  if (value < 60) return `${number(value, 3)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${String(Math.round((value % 3600) / 60)).padStart(2, "0")} min`;
}

export function date(seconds1970: number): string {
  return new Date(seconds1970 * 1000).toLocaleString();
}
