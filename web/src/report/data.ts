// What `unstuck report --json` gives; docs/report.md tells it field by field.
import type { PageData } from "../page";

export interface Series {
  name: string;
  part: string;
  rows: number;
  step: number[];
  value: (number | null)[];
}

export interface Sign {
  name: string;
  value: number | null;
  threshold: number | null;
  meaning?: string;
}

export interface Remedy {
  remedy: string;
  why: string;
  steps: number;
  loss_carrying_on: number | null;
  loss_with_remedy: number | null;
  helps?: boolean;
  command: string;
}

export interface Verdict {
  verdict: string;
  cause: string | null;
  stuck: boolean;
  confidence: number;
  sentence?: string | null;
  would_decide?: string | null;
  would_change?: string | null;
  rests_on?: Sign[];
  also?: unknown[];
  step?: number;
  loss: number | null;
  gradient_norm: number | null;
  parameters: number;
  samples: number;
  spectrum: {
    min: number | null;
    max: number | null;
    negative: number | null;
    zero: number | null;
    positive: number | null;
    minimum_ratio: number | null;
    resolution: number | null;
    method: string;
  } | null;
  signs: Sign[];
  escape_layers?: { name: string; share: number }[] | null;
  steps_to_leave: number | null;
  /** Of a run that diverged; operation: "product of matrices with layer2.weight gives inf, in layer2 (dense)". */
  first_not_finite?: { step: number; row: number | null; of: string; group: string | null; operation?: string | null } | null;
  remedies: Remedy[];
}

export interface Spectrum {
  of?: string;
  values?: (number | null)[];
  top?: { value: number | null; residual: number | null }[];
  bottom?: { value: number | null; residual: number | null }[];
  density?: { at: number[]; density: number[]; standard_error?: number[] } | null;
  trace?: { value: number; standard_error: number } | null;
  resolution: number | null;
  products?: number;
  parameters?: number;
  rows?: number;
}

export interface UnitLayer {
  name: string;
  bounded: boolean;
  count: number;
  dead: number;
  saturated: number;
  units: { low: number | null; high: number | null; active: number | null; passed: number | null }[] | null;
}

export interface Result {
  step: number;
  kind: string;
  name: string;
  time: number;
  result: unknown;
}

export interface Run {
  name: string;
  folder: string;
  status: string;
  open: boolean;
  started: number | null;
  steps: number;
  steps_planned: number | null;
  loss: { first: number | null; last: number | null; best: number | null; best_step: number | null; test: number | null };
  config: Record<string, unknown> | null;
  events: { step: number; kind: string; text: string; time: number }[];
  verdicts: { step: number; verdict: Verdict | null }[];
  results: Result[];
  series: Series[];
}

export interface ReportData extends PageData {
  live: boolean;
  created: number;
  runs: Run[];
}

export function series(run: Run, name: string, part = ""): Series | undefined {
  return run.series.find((s) => s.name === name && s.part === part);
}

/** The last verdict that can be read, and the step it was given at. */
export function lastVerdict(run: Run): { step: number; verdict: Verdict } | undefined {
  for (let i = run.verdicts.length - 1; i >= 0; i--) {
    const given = run.verdicts[i]!;
    if (given.verdict) return { step: given.step, verdict: given.verdict };
  }
  return undefined;
}

/** The newest of the results of a kind. */
export function result<T>(run: Run, kind: string, name?: string): T | undefined {
  const found = run.results.filter((r) => r.kind === kind && (name === undefined || r.name === name));
  return found[found.length - 1]?.result as T | undefined;
}

/** Seconds of training at each of the steps, between the rows that tell them. */
export function secondsAt(run: Run, steps: number[]): (number | null)[] {
  const clock = series(run, "seconds");
  if (!clock || clock.step.length === 0) return steps.map(() => null);
  let i = 0;
  return steps.map((step) => {
    while (i + 1 < clock.step.length - 1 && clock.step[i + 1]! <= step) i++;
    const x0 = clock.step[i]!, y0 = clock.value[i] ?? 0;
    const x1 = clock.step[i + 1] ?? x0, y1 = clock.value[i + 1] ?? y0;
    if (step <= x0 || x1 === x0) return i === 0 && x0 > 0 ? (y0 * step) / x0 : y0;
    return y0 + ((y1 - y0) * (Math.min(step, x1) - x0)) / (x1 - x0);
  });
}
