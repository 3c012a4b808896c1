/**
 * Does an `await` elsewhere in the process cost more once the core is used there?
 *
 * Pairs of processes: one that only awaits, one that first imports the core and uses all of its verbs. A third one uses
 * what the core does
 * without, `AsyncLocalStorage`, to show that the difference would be seen.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runFile } from "./harness/child.ts";
import { record } from "./harness/record.ts";
import { isQuick, median, quantile } from "./harness/time.ts";

/** The price of one await, in ns: of the fastest of many samples, since other work only ever adds. */
async function priceOfAwait(): Promise<number> {
  const act = async (): Promise<number> => 1;
  let best = Infinity;
  for (let sample = 0; sample < 200; sample++) {
    const start = performance.now();
    for (let at = 0; at < 5000; at++) await act();
    best = Math.min(best, ((performance.now() - start) * 1e6) / 5000);
  }
  return best;
}

async function useCore(): Promise<void> {
  const { createKernel } = await import("../mod.ts");
  const kernel = createKernel({
    policy: { allowedTools: ["search"], blockedPatterns: ["password"], maxToolCalls: 1e6, maxTokens: 1e6 },
  });
  kernel.on("call_completed", () => {});
  const session = kernel.session({ agentId: "bench" });
  const asynchronous = createKernel({
    guards: [async () => ({ effect: "allow", allowed: true })],
    policy: { maxToolCalls: 1e6 },
  }).session({ agentId: "bench" });
  for (let at = 0; at < 500; at++) {
    for (const one of [session, asynchronous]) {
      await one.tool({ name: "search", arguments: { q: "tides" } }, async () => "high at noon");
    }
    await session.run("when?", async () => "at noon");
    await session.model(
      { model: "m", request: { messages: [{ role: "user", content: "when?" }] } },
      async () => ({ content: "at noon" }),
    );
  }
}

const roles: Readonly<Record<string, () => Promise<void>>> = {
  "no core": async () => {},
  "the core imported and used": useCore,
  "AsyncLocalStorage.run, for comparison": async () => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    new AsyncLocalStorage<number>().run(1, () => {});
  },
};

const role = process.env["BENCH_ROLE"];
if (role !== undefined) {
  const prepare = roles[role];
  if (prepare === undefined) throw new Error(`There is no role ${role}`);
  await prepare();
  console.log(await priceOfAwait());
} else {
  const file = fileURLToPath(import.meta.url);
  const found = new Map<string, number[]>(Object.keys(roles).map((name) => [name, []]));
  for (let round = 0; round < (isQuick ? 3 : 15); round++) {
    for (const name of round % 2 === 0 ? found.keys() : [...found.keys()].reverse()) {
      const price = Number(runFile(file, { BENCH_ROLE: name }));
      if (!(price > 0)) throw new Error(`${name} must print a price`);
      found.get(name)?.push(price);
    }
  }
  const bare = found.get("no core") as number[];
  const over = (name: string): number[] =>
    (found.get(name) as number[]).map((price, round) => price / (bare[round] as number));
  const used = over("the core imported and used");
  record({
    title: "an await elsewhere in the process",
    unit: "ns",
    against: "no core",
    figures: [...found].map(([name, prices]) => ({
      name,
      median: median(prices),
      low: quantile(prices, 0.25),
      high: quantile(prices, 0.75),
      ratio: median(over(name)),
    })),
    // Unchanged, within what two processes of the same kind differ by.
    promises: [{
      of: "the core imported and used",
      against: "no core",
      unit: "x",
      found: median(used),
      low: quantile(used, 0.25),
      high: quantile(used, 0.75),
      most: 1.1,
    }],
  });
}
