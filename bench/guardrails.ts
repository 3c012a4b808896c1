/**
 * What do content checks of other projects cost on the same arguments? Five keywords, then keywords and personal data.
 *
 * They score a text and know no tools, so what is compared is `blockPatterns` alone, and a whole decision.
 */
import { blockPatterns, createKernel, type ExecutionContext, type GovernedRequest, type Taking } from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { peer } from "./harness/peers.ts";
import { argumentsOf, readEffect, requestOf, SMALL, TOOLS, UNLIMITED, type Verdict } from "./harness/scenario.ts";

interface Guardrails {
  instantiateGuardrails(
    bundle: object,
  ): Promise<{ run(context: object, text: string): Promise<{ tripwireTriggered: boolean }> }[]>;
  runGuardrails(text: string, bundle: object): Promise<{ tripwireTriggered: boolean }[]>;
}

const KEYWORDS = ["password", "drop table", "rm -rf", "secret_key", "wire transfer"];
const context = {} as ExecutionContext;
const taking: Taking = { dry: true, take: () => {} };
const guard = blockPatterns(KEYWORDS);
const session = createKernel({ policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: KEYWORDS } }).session({
  agentId: "bench",
});
const read = (
  answer: unknown,
): Verdict => (Array.isArray(answer)
  ? (answer.some(({ tripwireTriggered }) => tripwireTriggered === true) ? "deny" : "allow")
  : readEffect(answer));

const contestants: Record<string, Contestant<GovernedRequest, Verdict>> = {
  "blockPatterns, 5 keywords": { run: (request) => guard(request, context, taking), read },
  "session.check, 5 tools and 5 keywords": {
    run: ({ name, payload }) => session.check({ stage: "pre_tool_call", name, payload }),
    read,
  },
};
const openai = await peer<Guardrails>("@openai/guardrails");
if (openai !== undefined) {
  const keyword = { name: "Keyword Filter", config: { keywords: KEYWORDS } };
  const one = { version: 1, guardrails: [keyword] };
  // Its search for secrets is left out: it takes the printed form of any object for one.
  const two = {
    version: 1,
    guardrails: [keyword, {
      name: "Contains PII",
      config: { entities: ["US_SSN", "EMAIL_ADDRESS", "CREDIT_CARD"], block: true, detect_encoded_pii: false },
    }],
  };
  const [ready, all] = [await openai.instantiateGuardrails(one), await openai.instantiateGuardrails(two)];
  const run = async (guardrails: typeof ready, payload: unknown): Promise<object[]> => {
    const text = JSON.stringify(payload);
    const results: object[] = [];
    for (const guardrail of guardrails) results.push(await guardrail.run({}, text));
    return results;
  };
  contestants["openai guardrails, keywords"] = { run: ({ payload }) => run(ready, payload), read };
  contestants["openai guardrails, keywords, runGuardrails"] = {
    run: ({ payload }) => openai.runGuardrails(JSON.stringify(payload), one),
    read,
  };
  contestants["openai guardrails, keywords and PII"] = { run: ({ payload }) => run(all, payload), read };
}

for (const [size, payload] of [["200 B", SMALL], ["2 kB", argumentsOf(2000)]] as const) {
  await ask<GovernedRequest, Verdict>({
    title: `a text without the words that are searched, ${size}`,
    isAwaited: true,
    cases: [[requestOf(payload), "allow"], [requestOf({ q: "then Drop Table users" }), "deny"], [
      requestOf({ deep: [{ note: "the password is" }] }),
      "deny",
    ]],
    against: "session.check, 5 tools and 5 keywords",
    contestants,
  });
}
