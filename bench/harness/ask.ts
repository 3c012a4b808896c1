import assert from "node:assert/strict";
import { record } from "./record.ts";
import { isQuick, median, type Pace, quantile, time } from "./time.ts";

/** One way to do what a question is about. */
export interface Contestant<I, A> {
  /** What is timed. */
  readonly run: (input: I) => unknown;
  /** What `run` answered, in the words that every contestant's answer is compared in; the answer itself by default. */
  readonly read?: (answer: unknown, input: I) => A;
}

/** What a ratio or a figure must hold to. */
export type Bound = { readonly most: number } | { readonly least: number };

/**
 * The figure of `of`, divided by that of `against` (so that `least` says how many times slower `of` is), or by itself,
 * in ns.
 * A `reported` bound is told and fails nothing: one that only some runtimes are held to.
 */
export type Promised = {
  readonly of: string;
  readonly against?: string;
  readonly what?: string;
  readonly reported?: boolean;
} & Bound;

/** What is asked, of whom, and what the answer must be. */
export interface Question<I, A> {
  readonly title: string;
  /** Calls are awaited one after the other. */
  readonly isAwaited?: boolean;
  /** Inputs and the answers that every contestant must give before anything is timed. */
  readonly cases: readonly (readonly [input: I, answer: A])[];
  /** What is timed, in turn; the first case's input by default. */
  readonly inputs?: readonly I[];
  readonly contestants: Readonly<Record<string, Contestant<I, A>>>;
  /** Whose figure the others are divided by where they are printed. */
  readonly against: string;
  readonly promises?: readonly Promised[];
  readonly pace?: Partial<Pace>;
}

/** Holds every contestant to the same answers, times them, and tells and keeps what came out. */
export async function ask<I, A>(
  { title, isAwaited = false, cases, inputs, contestants, against, promises = [], pace }: Question<I, A>,
): Promise<void> {
  const first = cases[0];
  if (first === undefined) throw new TypeError(`"${title}" needs a case that its contestants must get right`);
  for (const [name, { run, read = (answer: unknown) => answer as A }] of Object.entries(contestants)) {
    for (const [input, wanted] of cases) {
      assert.deepEqual(read(await run(input), input), wanted, `${title}: ${name} must be right before it is timed`);
    }
  }
  const timed = Object.entries(contestants).map(([name, { run }]) => ({ name, run, isAwaited }));
  const rounds = await time(timed, inputs ?? [first[0]], {
    rounds: isQuick ? 7 : 21,
    timeMs: isQuick ? 8 : 30,
    ...(isQuick ? {} : pace),
  });
  const of = (name: string): readonly number[] => {
    const figures = rounds.get(name);
    if (figures === undefined) throw new TypeError(`"${title}" has no contestant "${name}"`);
    return figures;
  };
  const over = (name: string, other: string): readonly number[] =>
    of(name).map((figure, round) => figure / (of(other)[round] as number));
  record({
    title,
    unit: "ns",
    against,
    figures: [...rounds].map(([name, figures]) => ({
      name,
      median: median(figures),
      low: quantile(figures, 0.25),
      high: quantile(figures, 0.75),
      ratio: median(over(name, against)),
    })),
    promises: promises.map((promise) => {
      const found = promise.against === undefined ? of(promise.of) : over(promise.of, promise.against);
      return {
        ...promise,
        unit: promise.against === undefined ? "ns" : "x",
        found: median(found),
        low: quantile(found, 0.25),
        high: quantile(found, 0.75),
      };
    }),
  });
}
