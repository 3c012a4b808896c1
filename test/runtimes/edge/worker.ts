/** A worker that governs an agent's endpoint: POST { "prompt": … } to /agent, and 403 or 429 where a policy says no. */
import { createKernel, isPolicyViolation, rateLimit } from "../../../mod.ts";
import { runAgent } from "./agent.ts";

const kernel = createKernel({
  policy: {
    name: "edge",
    allowedTools: ["search", "note"],
    blockedPatterns: ["drop table", "ignore all previous instructions"],
    maxToolCalls: 3,
  },
  guards: [
    rateLimit({
      max: 5,
      windowMs: 60_000,
      stages: ["input"],
      by: (_request, context) => String(context.metadata["caller"]),
    }),
  ],
});

const STATUS: ReadonlyMap<string, number> = new Map([["rate_limited", 429], ["payload_too_large", 413], [
  "timeout",
  504,
]]);

async function readPrompt(request: Request): Promise<string | undefined> {
  try {
    const { prompt } = (await request.json()) as { prompt?: unknown };
    return typeof prompt === "string" ? prompt : undefined;
  } catch {
    return undefined;
  }
}

function refusal(error: unknown): Response {
  // Nothing of an error that is not the policy's leaves the worker.
  if (!isPolicyViolation(error)) return Response.json({ error: "internal" }, { status: 500 });
  const { code, reason, decision } = error;
  const status = STATUS.get(code) ?? 403;
  const { retryAfterMs = 60_000 } = (decision.effect === "deny" ? decision.details ?? {} : {}) as {
    retryAfterMs?: number;
  };
  return Response.json({ error: code, reason }, {
    status,
    headers: status === 429 ? { "retry-after": String(Math.ceil(retryAfterMs / 1000)) } : {},
  });
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== "/agent") return Response.json({ error: "not found" }, { status: 404 });
    if (request.method !== "POST") {
      return Response.json({ error: "POST a prompt" }, { status: 405, headers: { allow: "POST" } });
    }
    const prompt = await readPrompt(request);
    if (prompt === undefined) return Response.json({ error: 'the body must be { "prompt": "…" }' }, { status: 400 });
    // A session a request: its limits are the request's, and the rate limit is the caller's over all of them.
    const session = kernel.session({
      agentId: "assistant",
      metadata: { caller: request.headers.get("x-caller") ?? "nobody" },
      signal: request.signal,
    });
    try {
      return Response.json({ answer: await session.run(prompt, (input: string) => runAgent(input, session)) });
    } catch (error) {
      return refusal(error);
    } finally {
      await session.close();
    }
  },
};
