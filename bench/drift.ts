/**
 * What does it cost to score an output's drift, and how does that grow with its length?
 *
 * Contestants score a tenth of the words changed; each is first held against the score of the plain definition.
 * Run with `node --import` of a TypeScript loader, or bundled: `npx esbuild bench/drift.ts --bundle --platform=node --format=esm`.
 */
import assert from "node:assert/strict";
import { Bench } from "tinybench";
import { sequenceSimilarity } from "../src/drift/sequence-similarity.ts";
import { wordSimilarity } from "../src/drift/word-similarity.ts";

/** The textbook's table over words, a row at a time. */
function naiveWordSimilarity(a: string, b: string): number {
  const left = a.split(/\s+/).filter((word) => word !== "");
  const right = b.split(/\s+/).filter((word) => word !== "");
  let above = new Int32Array(right.length + 1);
  for (const word of left) {
    const row = new Int32Array(right.length + 1);
    for (let at = 0; at < right.length; at++) row[at + 1] = word === right[at] ? above[at]! + 1 : Math.max(above[at + 1]!, row[at]!);
    above = row;
  }
  return left.length + right.length === 0 ? 1 : (2 * above[right.length]!) / (left.length + right.length);
}

const vocabulary = Array.from({ length: 66 }, (_, at) => `${"abcdefghijklmnopqrstuvwxyz".slice(at % 20, (at % 20) + 2 + (at % 9))}${at % 7}`);

function salad(characters: number, seed: number): string[] {
  const words: string[] = [];
  let state = seed;
  for (let length = 0; length < characters; length += words.at(-1)!.length + 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    words.push(vocabulary[(state >>> 8) % vocabulary.length]!);
  }
  return words;
}

for (const characters of [200, 2000, 20_000]) {
  const words = salad(characters, 7);
  const baseline = words.join(" ");
  const texts = {
    "a tenth changed": words.map((word, at) => (at % 10 === 5 ? `changed${at}` : word)).join(" "),
    unrelated: salad(characters, 8).join(" "),
  };
  for (const [what, output] of Object.entries(texts)) {
    const wanted = naiveWordSimilarity(baseline, output);
    assert.ok(Math.abs(wordSimilarity(baseline, output) - wanted) < 1e-12, "wordSimilarity() must have the table's score");
    if (what !== "unrelated") assert.ok(Math.abs(wanted - 0.9) <= 0.0201, "a tenth of the words changed must score 0.9");
    const bench = new Bench({ time: 300, warmupTime: 100 });
    bench.add("wordSimilarity", () => wordSimilarity(baseline, output));
    bench.add("naive table", () => naiveWordSimilarity(baseline, output));
    // Quadratic in the characters: only of texts of which many fit in the time.
    if (characters < 20_000) bench.add("sequenceSimilarity", () => sequenceSimilarity(baseline, output));
    await bench.run();
    const medianUs = bench.tasks.map(({ name, result }) => {
      if (!("latency" in result)) throw new Error(`${name} did not complete`);
      return { name, us: result.latency.p50 * 1000 };
    });
    const fastest = medianUs[0]!.us;
    console.log(`${characters} characters, ${what}`);
    for (const { name, us } of medianUs) console.log(`  ${name.padEnd(20)}${us.toFixed(2).padStart(12)} us ${(us / fastest).toFixed(1).padStart(9)} x`);
  }
}
