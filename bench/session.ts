/**
 * What does it cost to define a policy, to create a kernel, and to begin a session?
 *
 * A kernel compiles at its first session, and what its patterns need at the first search: both are part of its creation
 * here. No two
 * kernels have the same patterns, so that nothing of the last one can help the next.
 */
import { type BlockedPattern, createKernel, definePolicy, type Kernel, type Session } from "../mod.ts";
import { ask } from "./harness/ask.ts";
import { PATTERNS, SMALL, TOOLS, UNLIMITED } from "./harness/scenario.ts";

let salt = 0;
const literals = (count: number): BlockedPattern[] => {
  salt += 10_007;
  return Array.from({ length: count }, (_, at) => `${((at + salt) * 7919) % 1_000_003} blocked`);
};
const patterned = (
  count: number,
): BlockedPattern[] => (count === 5
  ? [...PATTERNS.slice(0, 4), { pattern: `*secret_key${salt++}*`, type: "glob" }]
  : literals(count));
const policyOf = (count: number) => ({ ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: patterned(count) });

/** A kernel that has judged its first call. */
function firstDecision(count: number): boolean {
  const init = policyOf(count);
  const session = createKernel({ policy: init }).session({ agentId: "bench" });
  return (session.check({ stage: "pre_tool_call", name: "search", payload: SMALL }) as { allowed: boolean }).allowed;
}

await ask<undefined, boolean>({
  title: "a kernel from its policy's init to its first decision, by patterns",
  cases: [[undefined, true]],
  against: "5 patterns",
  contestants: Object.fromEntries(
    [0, 5, 50, 500].map((count) => [`${count} patterns`, { run: () => firstDecision(count) }]),
  ),
  promises: [{ of: "500 patterns", most: 50e6, what: "creation of a kernel with 500 patterns" }],
});

await ask<undefined, boolean>({
  title: "a policy defined, by patterns",
  cases: [[undefined, true]],
  against: "5 patterns",
  contestants: Object.fromEntries(
    [0, 5, 50, 500].map((
      count,
    ) => [`${count} patterns`, {
      run: () => definePolicy(policyOf(count)),
      read: (policy: unknown) => (policy as { blockedPatterns: unknown[] }).blockedPatterns.length === count,
    }]),
  ),
});

const kernelWith = (count: number): Kernel => {
  const kernel = createKernel({ policy: policyOf(count) });
  kernel.session({ agentId: "first" });
  return kernel;
};
const [bare, five, many] = [createKernel({ policy: UNLIMITED }), kernelWith(5), kernelWith(500)];
const allows = (session: unknown): boolean =>
  ((session as Session).check({ stage: "pre_tool_call", name: "search", payload: SMALL }) as { allowed: boolean })
    .allowed;
const parent = five.session({ agentId: "parent" });

await ask<undefined, boolean>({
  title: "a session begun, by the kernel's policy",
  cases: [[undefined, true]],
  against: "session, 5 tools + 5 patterns",
  contestants: {
    "session, no patterns": { run: () => bare.session({ agentId: "bench" }), read: allows },
    "session, 5 tools + 5 patterns": { run: () => five.session({ agentId: "bench" }), read: allows },
    "session, 500 patterns": { run: () => many.session({ agentId: "bench" }), read: allows },
    "child of a session": { run: () => parent.child(), read: allows },
    "session and its first check": { run: () => allows(five.session({ agentId: "bench" })) },
  },
  promises: [{ of: "session, 5 tools + 5 patterns", most: 2000, what: "creation of a session" }],
});
