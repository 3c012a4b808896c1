/**
 * What does the matcher cost on text that matches nothing, does it allocate, and is it linear?
 *
 * Five patterns (two substrings, two regular expressions, a glob) on a payload of 200 B as JSON, next to a walk with one
 * RegExp written by hand, and to the printed form searched with it. Then the worst patterns known at n, 2n and 4n.
 * Run it with `npm run bench -- match`; with `node --expose-gc` for the line on memory.
 */
import { compileMatcher } from "../src/match/matcher.ts";
import type { BlockedPattern } from "../src/policy/policy.ts";
import { compare, report } from "./compare.ts";

const PATTERNS: readonly BlockedPattern[] = [
  "password",
  "drop table",
  { pattern: "rm\\s+-rf", type: "regex" },
  { pattern: "\\b\\d{3}-\\d{2}-\\d{4}\\b", type: "regex" },
  { pattern: "*secret_key*", type: "glob" },
];
const payload = {
  path: "/srv/data/reports/2026/q3.csv",
  options: { encoding: "utf8", limit: 200, tags: ["finance", "weekly", "draft"] },
  note: "summarise the totals per region and list the three largest",
  dry: false,
};

const byHand = /password|drop table|rm\s+-rf|\b\d{3}-\d{2}-\d{4}\b|secret_key/i;
function walk(value: unknown): boolean {
  if (typeof value === "string") return byHand.test(value);
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (walk(value[i])) return true;
    return false;
  }
  for (const key in value) if (byHand.test(key) || walk((value as Record<string, unknown>)[key])) return true;
  return false;
}

const five = compileMatcher(PATTERNS, "bench");
const literals = Array.from({ length: 5000 }, (_, i) => `${(i * 7919) % 100_003} blocked`);
const many = compileMatcher(literals.slice(0, 500), "bench");
if (five.search(payload) !== -1 || walk(payload)) throw new Error("The payload must match nothing");

report(
  "200 B of arguments, nothing matches; the matcher also looks for disguises, encodings and joined values",
  await compare({
    "RegExp walk by hand": () => walk(payload),
    "matcher, 5 patterns": () => five.search(payload),
    "matcher, 500 literals": () => many.search(payload),
    "JSON.stringify and RegExp": () => byHand.test(JSON.stringify(payload)),
  }),
  "RegExp walk by hand",
);

const { gc } = globalThis as { gc?: () => void };
if (gc !== undefined) {
  const calls = 1_000_000;
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < calls; i++) five.search(payload);
  console.log(`\nheap per search: ${((process.memoryUsage().heapUsed - before) / calls).toFixed(3)} B over ${calls} searches`);
}

const began = performance.now();
compileMatcher(literals, "bench");
console.log(`\n5000 literals compiled in ${(performance.now() - began).toFixed(1)} ms, the first time`);

/** Letters a and b without a period: xorshift (Marsaglia 2003). */
function noise(length: number): string {
  let state = 2463534242;
  return Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return "ab"[state & 1];
  }).join("");
}

const WORST: readonly (readonly [string, readonly BlockedPattern[], (n: number) => string])[] = [
  ["five patterns, clean prose", PATTERNS, (n) => "the quick brown fox jumps over a lazy dog ".repeat(n / 42)],
  ["five patterns, lines", PATTERNS, (n) => "the quick brown\nfox jumps over a lazy dog\n".repeat(n / 42)],
  ["five patterns, Cyrillic", PATTERNS, (n) => "быстрая лиса прыгает ".repeat(n / 21)],
  ["five patterns, escapes", PATTERNS, (n) => "%2525".repeat(n / 5)],
  ["(a+)+$", [{ pattern: "(a+)+$", type: "regex" }], (n) => `${"a".repeat(n)}b`],
  ["(a|aa)+$", [{ pattern: "(a|aa)+$", type: "regex" }], (n) => `${"a".repeat(n)}b`],
  ["(.*)*x", [{ pattern: "(.*)*x", type: "regex" }], (n) => "ab".repeat(n / 2)],
  ["a{0,1000}b", [{ pattern: "a{0,1000}b", type: "regex" }], (n) => "a".repeat(n)],
  ["a[ab]{30}c, noise", [{ pattern: "a[ab]{30}c", type: "regex" }], noise],
  ["*a*a*a*a*a*b", [{ pattern: "*a*a*a*a*a*b", type: "glob" }], (n) => "a".repeat(n)],
  ["5000 literals", literals, (n) => "1 2 3 blocke ".repeat(n / 13)],
];
const N = 1 << 16;

console.log("\nsteps (and ms) at n = 65 536, 2n, 4n, a fresh matcher each time; 2.0 is linear");
for (const [name, patterns, text] of WORST) {
  const [one, two, four] = [1, 2, 4].map((times) => {
    const input = text(N * times);
    const matcher = compileMatcher(patterns, "bench");
    const start = performance.now();
    matcher.search(input);
    return { steps: matcher.steps, ms: performance.now() - start };
  }) as [Cost, Cost, Cost];
  const shown = [one, two, four].map(({ steps, ms }) => `${steps} (${ms.toFixed(1)})`.padStart(20)).join("");
  console.log(`  ${name.padEnd(28)}${shown}   x${(two.steps / one.steps).toFixed(2)} x${(four.steps / two.steps).toFixed(2)}`);
}

interface Cost {
  readonly steps: number;
  readonly ms: number;
}
