import { Bench } from "tinybench";

/** Time per call of one contestant, in ns: the median over the rounds, and the quartiles. */
export interface Timing {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Times contestants in rounds that alternate, so that a machine that slows down slows all of them.
 *
 * Each sample is a batch of calls, since a single one is below what a clock can see.
 */
export async function compare(contestants: Readonly<Record<string, () => unknown>>, { rounds = 9, batch = 2000, time = 60 } = {}): Promise<Map<string, Timing>> {
  const samples = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    const bench = new Bench({ time, warmup: round < 0, warmupTime: 100 });
    for (const [name, run] of Object.entries(contestants)) {
      bench.add(name, () => {
        let last: unknown;
        for (let i = 0; i < batch; i++) last = run();
        return last;
      });
    }
    await bench.run();
    if (round < 0) continue;
    for (const task of bench.tasks) {
      const { result } = task as { result?: { latency?: { p50: number } } };
      if (result?.latency === undefined) throw new Error(`${task.name} failed`);
      samples.get(task.name)?.push((result.latency.p50 * 1e6) / batch);
    }
  }
  return new Map([...samples].map(([name, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] as number;
    return [name, { median: at(0.5), low: at(0.25), high: at(0.75) }];
  }));
}

/** Prints a line for each contestant, with its ratio to one of them. */
export function report(title: string, timings: ReadonlyMap<string, Timing>, baseline: string): void {
  const base = timings.get(baseline)?.median ?? NaN;
  console.log(`\n${title}`);
  for (const [name, { median, low, high }] of timings) {
    console.log(`  ${name.padEnd(28)} ${median.toFixed(1).padStart(10)} ns  [${low.toFixed(1)}..${high.toFixed(1)}]  x${(median / base).toFixed(2)}`);
  }
}
