import { appendFileSync } from "node:fs";
import process from "node:process";
import { absent } from "./peers.ts";

/** What one contestant came to. */
export interface Figure {
  readonly name: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** Of its figure to that of `against`, inside each round: the median. */
  readonly ratio?: number;
}

/** What was promised, and what came. */
export interface Verdict {
  readonly of: string;
  readonly against?: string;
  readonly what?: string;
  readonly unit: string;
  readonly found: number;
  readonly low?: number;
  readonly high?: number;
  readonly most?: number;
  readonly least?: number;
  readonly reported?: boolean;
}

/** The answer to one question. */
export interface Answer {
  readonly title: string;
  readonly unit: string;
  readonly against?: string;
  readonly figures: readonly Figure[];
  readonly promises: readonly Verdict[];
  /** Peers that could not be loaded here, and why. */
  readonly absent?: readonly string[];
}

/** Whether a promise was kept. */
export function isMet({ found, most = Infinity, least = -Infinity }: Verdict): boolean {
  return found <= most && found >= least;
}

const SCALES: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  ns: [[1e9, "s"], [1e6, "ms"], [1e3, "us"], [0, "ns"]],
  B: [[1e6, "MB"], [1e3, "kB"], [0, "B"]],
};

/** Shows a figure with three digits that count. */
export function shown(figure: number, unit: string): string {
  const scales = SCALES[unit] ?? [[0, unit]];
  const [scale, name] = scales.find(([least]) => Math.abs(figure) >= least) as readonly [number, string];
  const scaled = scale === 0 ? figure : figure / scale;
  return `${Math.abs(scaled) >= 1000 ? scaled.toFixed(0) : Number(scaled.toPrecision(3))} ${name}`;
}

/** The exit code of a process that could measure everything, and found a promise broken. */
export const BROKEN = 3;

/** Node is held to the promises; what other runtimes come to is told. */
const isNode: boolean = process.versions["bun"] === undefined && process.versions["deno"] === undefined;

/** Prints an answer, keeps it where the runner asked for it, and fails the process if a promise is broken. */
export function record(given: Answer): void {
  const answer: Answer = {
    ...given,
    promises: given.promises.map((verdict) => (isNode ? verdict : { ...verdict, reported: true })),
  };
  const { title, unit, figures, promises } = answer;
  console.log(`\n${title}`);
  const width = Math.max(...figures.map(({ name }) => name.length), 20);
  for (const { name, median, low, high, ratio } of figures) {
    const spread = `[${shown(low, unit)} .. ${shown(high, unit)}]`;
    console.log(
      `  ${name.padEnd(width)} ${shown(median, unit).padStart(10)}  ${spread.padEnd(26)}${
        ratio === undefined ? "" : ` x${ratio >= 100 ? ratio.toFixed(0) : ratio.toFixed(2)}`
      }`,
    );
  }
  for (const verdict of promises) {
    const met = isMet(verdict);
    console.log(
      `  ${met ? "ok  " : verdict.reported === true ? "over" : "FAIL"} ${promised(verdict)}: ${
        shown(verdict.found, verdict.unit)
      }`,
    );
    if (!met && verdict.reported !== true) process.exitCode = BROKEN;
  }
  for (const reason of absent) console.log(`  left out: ${reason}`);
  const file = process.env["BENCH_OUT"];
  if (file !== undefined) {
    appendFileSync(file, `${JSON.stringify(absent.length === 0 ? answer : { ...answer, absent })}\n`);
  }
}

/** Says what was promised. */
export function promised({ of, against, what, unit, most, least }: Verdict): string {
  const bound = most === undefined ? `at least ${shown(least as number, unit)}` : `at most ${shown(most, unit)}`;
  return `${what ?? of}, ${bound}${against === undefined ? "" : ` of ${against}`}`;
}
