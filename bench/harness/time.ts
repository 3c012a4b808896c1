import process from "node:process";
import { Bench } from "tinybench";

/**
 * A function to time, in a loop of its own: one that is shared lets what is timed first slow what is timed after it.
 */
export interface Timed<I> {
  readonly name: string;
  readonly run: (input: I) => unknown;
  /** Each call is awaited before the next. */
  readonly isAwaited: boolean;
}

/** How long to look: the rounds, and the time of each contestant in each, in ms. */
export interface Pace {
  readonly rounds: number;
  readonly timeMs: number;
}

/** Whether figures are wanted soon rather than exact. */
export const isQuick: boolean = process.env["BENCH_QUICK"] === "1";

/** Inputs are taken in turn from a list of this many, so that no loop can be done once for all. */
const INPUTS = 8;
/** A sample is a batch of about this long, in ms: a clock can't see a single call. */
const SAMPLE_MS = 0.25;

/** How long each contestant runs before the first round, in each of three turns, in ms. */
const WARM_MS = 100;

type Loop<I> = (times: number, inputs: readonly I[]) => unknown;

/**
 * Compiles a loop from its text, which differs in its comment: engines share what they learn between loops of the same
 * text.
 */
function loopOf<I>({ name, run, isAwaited }: Timed<I>, at: number): Loop<I> {
  const call = "run(inputs[i & 7])";
  const body = `for (let i = 0; i < times; i++) if (${
    isAwaited ? `await ${call}` : call
  } === nothing) throw new Error("Nobody answers this");`;
  return new Function(
    "run",
    "nothing",
    `// ${at} ${name.replaceAll(/[^\w ,.()+-]/g, " ")}\nreturn ${
      isAwaited ? "async " : ""
    }(times, inputs) => { ${body} };`,
  )(run, {}) as Loop<I>;
}

/** How many calls fill a sample. */
async function batchOf<I>(loop: Loop<I>, inputs: readonly I[]): Promise<number> {
  for (let times = 1;; times *= 2) {
    const start = performance.now();
    await loop(times, inputs);
    const took = performance.now() - start;
    if (took >= SAMPLE_MS || times >= 1 << 20) return times;
  }
}

/** The median of figures. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The figure that a share of the others does not pass. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return low + (high - low) * (at % 1);
}

/** Puts contestants into another order for each round, the same in every run. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  const out = [...list];
  let state = seed * 2654435761 + 12345;
  for (let at = out.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const other = (state >>> 8) % (at + 1);
    [out[at], out[other]] = [out[other] as T, out[at] as T];
  }
  return out;
}

/**
 * Times contestants in rounds, each of which times all of them in another order: a machine that slows down slows all
 * alike, and
 * a ratio can be taken inside a round. Answers each contestant's figures, ns a call, a figure a round.
 */
export async function time<I>(
  contestants: readonly Timed<I>[],
  inputs: readonly I[],
  { rounds, timeMs }: Pace,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const turns = Array.from({ length: INPUTS }, (_, at) => inputs[at % inputs.length] as I);
  const entries = contestants.map((timed, at) => ({
    ...timed,
    loop: loopOf(timed, at),
    batch: 1,
    figures: [] as number[],
  }));
  // Warm first, then count: a cold loop would be given too small a batch, and its first rounds would time the compiler.
  for (let pass = 0; pass < 3; pass++) {
    for (const entry of entries) {
      const start = performance.now();
      do entry.batch = await batchOf(entry.loop, turns); while (performance.now() - start < (isQuick ? 20 : WARM_MS));
    }
  }
  for (let round = -1; round < rounds; round++) {
    const bench = new Bench({ time: timeMs, iterations: isQuick ? 1 : 3, warmup: false, throws: true });
    const order = shuffled(entries, round + 2);
    for (const { name, loop, batch, isAwaited } of order) {
      bench.add(name, isAwaited ? async () => void (await loop(batch, turns)) : () => void loop(batch, turns), {
        async: isAwaited,
      });
    }
    await bench.run();
    for (const entry of order) {
      const result = bench.getTask(entry.name)?.result;
      if (result === undefined || !("latency" in result)) throw new Error(`${entry.name} was not timed`);
      if (round >= 0) entry.figures.push((result.latency.p50 * 1e6) / entry.batch);
    }
  }
  return new Map(entries.map(({ name, figures }) => [name, figures]));
}
