/**
 * How does the cost of patterns grow, with their number and with the text, and what is the worst that a text or a
 * pattern can do?
 *
 * 5, 50, 500 and 5 000 literals at 200 B, 2 kB and 64 kB, next to one regular expression of them all and to a loop of
 * `includes`. Then the
 * worst patterns known, on texts made for them, at n, 2n and 4n: linear is 2.
 */
import {
  type BlockedPattern,
  blockPatterns,
  createKernel,
  type ExecutionContext,
  type Guard,
  type Taking,
} from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { record } from "./harness/record.ts";
import {
  argumentsOf,
  type Call,
  PATTERNS,
  readEffect,
  requestOf,
  SMALL,
  UNLIMITED,
  type Verdict,
} from "./harness/scenario.ts";
import { isQuick, median } from "./harness/time.ts";

const context = {} as ExecutionContext;
const taking: Taking = { dry: true, take: () => {} };
const literals = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${(at * 7919) % 100_003} blocked`);
const read = (
  answer: unknown,
): Verdict => (typeof answer === "boolean" ? (answer ? "deny" : "allow") : readEffect(answer));
const asked = (guard: Guard): Contestant<Call, Verdict> => ({
  run: (call) => guard(call as Parameters<Guard>[0], context, taking),
  read,
});

function walk(value: unknown, matches: (text: string) => boolean): boolean {
  if (typeof value === "string") return matches(value);
  if (typeof value !== "object" || value === null) return false;
  for (const key in value) {
    if ((!Array.isArray(value) && matches(key)) || walk((value as Record<string, unknown>)[key], matches)) return true;
  }
  return false;
}

const COUNTS = [5, 50, 500, 5000] as const;
const guards = new Map(COUNTS.map((count) => [count, blockPatterns(literals(count))]));
for (
  const [size, payload] of [["200 B", SMALL], ["2 kB", argumentsOf(2000)], ["64 kB", argumentsOf(65_536)]] as const
) {
  const contestants: Record<string, Contestant<Call, Verdict>> = {};
  for (const count of COUNTS) {
    contestants[`blockPatterns, ${count} literals`] = asked(guards.get(count) as Guard);
    const list = literals(count);
    const one = new RegExp(list.join("|"), "i");
    contestants[`one RegExp, ${count} literals`] = {
      run: ({ payload: own }) => walk(own, (text) => one.test(text)),
      read,
    };
    if (size === "200 B" && count <= 500) {
      contestants[`includes in a loop, ${count} literals`] = {
        run: ({ payload: own }) => walk(own, (text) => list.some((literal) => text.toLowerCase().includes(literal))),
        read,
      };
    }
  }
  await ask<Call, Verdict>({
    title: `literals by their number, allow, ${size}`,
    cases: [[requestOf(payload), "allow"], [requestOf({ deep: ["it was 0 Blocked by"] }), "deny"], [
      requestOf({ deep: ["31676 blocked"] }),
      "deny",
    ]],
    against: "blockPatterns, 5 literals",
    contestants,
    promises: size === "200 B"
      ? [{ of: "blockPatterns, 500 literals", against: "blockPatterns, 5 literals", most: 4 }]
      : [],
  });
}

const five = blockPatterns(PATTERNS);
const session = createKernel({ policy: { ...UNLIMITED, blockedPatterns: PATTERNS } }).session({ agentId: "bench" });
const sizes = [["200 B", 200], ["2 kB", 2000], ["20 kB", 20_000], ["64 kB", 65_536]] as const;
await ask<undefined, Verdict>({
  title: "five patterns by the size of the arguments, allow",
  cases: [[undefined, "allow"]],
  against: "check, 2 kB",
  contestants: Object.fromEntries(sizes.flatMap(([size, bytes]) => {
    const request = requestOf(argumentsOf(bytes));
    return [[`blockPatterns, ${size}`, { run: () => asked(five).run(request), read }], [`check, ${size}`, {
      run: () => session.check(request as never),
      read,
    }]];
  })),
  promises: [{ of: "check, 64 kB", against: "check, 2 kB", most: 40 }, {
    of: "blockPatterns, 64 kB",
    against: "blockPatterns, 2 kB",
    most: 40,
  }],
});

/** Two letters in an order that nothing foresees: every state of `a[ab]{30}c` can be met. */
function noise(length: number): string {
  let state = 2463534242;
  return Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return "ab"[state & 1];
  }).join("");
}
const regex = (pattern: string): BlockedPattern[] => [{ pattern, type: "regex" }];
const WORST: readonly (readonly [string, readonly BlockedPattern[], (n: number) => string])[] = [
  ["five patterns, clean prose", PATTERNS, (n) => "the quick brown fox jumps over a lazy dog ".repeat(n / 42)],
  ["five patterns, lines", PATTERNS, (n) => "the quick brown\nfox jumps over a lazy dog\n".repeat(n / 42)],
  ["five patterns, Cyrillic", PATTERNS, (n) => "быстрая лиса прыгает ".repeat(n / 21)],
  ["five patterns, escapes", PATTERNS, (n) => "%2525".repeat(n / 5)],
  ["(a+)+$", regex("(a+)+$"), (n) => `${"a".repeat(n)}b`],
  ["(a|aa)+$", regex("(a|aa)+$"), (n) => `${"a".repeat(n)}b`],
  ["(.*)*x", regex("(.*)*x"), (n) => "ab".repeat(n / 2)],
  ["a{0,1000}b", regex("a{0,1000}b"), (n) => "a".repeat(n)],
  ["a[ab]{30}c, noise", regex("a[ab]{30}c"), noise],
  ["*a*a*a*a*a*b", [{ pattern: "*a*a*a*a*a*b", type: "glob" }], (n) => "a".repeat(n)],
  ["5000 literals", literals(5000), (n) => "1 2 3 blocke ".repeat(n / 13)],
];
const N = 1 << 16;
/** Slack for a machine that does something else meanwhile; the quadratic has 4. */
const LINEAR = 3;
const worst = WORST.map(([name, patterns, text]) => {
  const [one, two, four] = [1, 2, 4].map((times) => {
    const request = requestOf({ text: text(N * times) });
    return median(Array.from({ length: isQuick ? 1 : 5 }, () => {
      // Made anew each time: what an earlier search has learnt would make the next one cheap.
      const guard = asked(blockPatterns(patterns));
      const start = performance.now();
      guard.run(request);
      return (performance.now() - start) * 1e6;
    }));
  }) as [number, number, number];
  return { name, one, two, four };
});
record({
  title: "the worst patterns and texts at 65 536 characters, first search",
  unit: "ns",
  figures: worst.map(({ name, one }) => ({ name, median: one, low: one, high: one })),
  promises: worst.map(({ name, one, two, four }) => ({
    of: name,
    what: `${name}: twice the text, so many times as long`,
    unit: "x",
    found: Math.min(two / one, four / two),
    most: LINEAR,
    reported: isQuick,
  })),
});
