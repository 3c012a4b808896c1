/**
 * Connects the Vercel AI SDK, `ai` 6 and 7: a middleware for language models and a wrapper for tools.
 *
 * @module
 */
import type { Coverage, SessionSource } from "../mod.ts";
import { coverageOf } from "./ai-sdk/coverage.ts";
import { createMiddleware } from "./ai-sdk/models.ts";
import { readOptions } from "./ai-sdk/options.ts";
import { governProvider } from "./ai-sdk/provider.ts";
import { isSession, Sessions } from "./ai-sdk/state.ts";
import { governTool, isBoundBySdk, isTool } from "./ai-sdk/tools.ts";
import type { AiSdk, AiSdkContext, AiSdkOptions, GovernedTool } from "./ai-sdk/types.ts";

export type {
  AiMiddleware,
  AiSdk,
  AiSdkCall,
  AiSdkContext,
  AiSdkOptions,
  DeniedCall,
  GovernedAnswer,
  GovernedTool,
} from "./ai-sdk/types.ts";

/**
 * Governs models and tools of the AI SDK, `ai` 6 and 7, in a session or in the one that a function finds for each call.
 *
 * A model's prompt and its answer pass `pre_model_call` and `post_model_call`, every attempt anew. A refusal rejects
 * with `PolicyViolationError`, which is not retried; that of a streamed answer is the stream's error part, which
 * `onError` is told. Text stands in `content`; where that is not all, `parts` follow: texts, reasoning, calls, results,
 * files, and what providers tell beside them. Files are judged as the text that they are, whatever their media type
 * says. A guard that changes texts changes each where it stands.
 *
 * Earlier calls in a prompt are judged at their own gate once more, once a session: one that would be refused goes on
 * with arguments `{}`, so that what was blocked does not go to a model again and the conversation goes on.
 *
 * A stream, and what a tool yields, is held until all of it was judged: give `timeout.chunkMs` time for that. The
 * kernel's `approve` asks a person while the call waits; `toolApproval` and `needsApproval` come before. Where nobody
 * is there to ask, the denial carries an `approval`; the call of the same `toolCallId`, with the grant that `grantOf`
 * finds, then runs. Tools that the policy denies whatever their arguments are not offered to models. For `pinTools`,
 * `metadata.tool` has a tool's own `execute` as `fn`, its own hooks and `toModelOutput`, all other fields of
 * `ToolIdentity` as they are, and `asSchema(inputSchema).jsonSchema`, of `outputSchema` and `contextSchema` too: of zod
 * before 4.2 only if made by `zodSchema`.
 *
 * Models that nobody wrapped are seen by nobody: those that `prepareStep`, `prepareCall`, a repair function or a tool
 * bring in have to be wrapped too, or come from a governed `provider`. A strict plugin runs none of their tool calls: it
 * refuses a call whose id, name and input are not those that a governed model of the session proposed, as the tool's
 * schema reads them, unless `grantOf` finds a grant for it. That refuses repaired and refined inputs too, and calls that
 * another process proposed; what a host calls by hand, without a `toolCallId`, runs.
 *
 * @throws {TypeError} If `source` is neither a session nor a function, or an option is unknown or wrong.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { aiSdk } from "@sallyport/sallyport/plugins/ai-sdk";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ policy: { deniedTools: ["wipe"] } }).session({ agentId: "helper" });
 * const { tools } = aiSdk(session); // with the middleware: generateText({ model: wrapLanguageModel({ model, middleware }), tools })
 * const { add, wipe } = tools({ add: { execute: ({ a, b }: { a: number; b: number }) => a + b }, wipe: { execute: (): unknown => "wiped" } });
 * assert.equal(await add.execute({ a: 1, b: 2 }), 3);
 * assert.deepEqual(await wipe.execute(), { denied: true, code: "tool_not_allowed", reason: "This tool is denied" });
 * ```
 */
export function aiSdk(source: SessionSource<AiSdkContext>, options: AiSdkOptions = {}): AiSdk {
  if (typeof source !== "function" && !isSession(source)) {
    throw new TypeError(`Cannot build aiSdk(): "source" must be a session or a function, and is ${typeof source}`);
  }
  const read = readOptions(options);
  const sessions = new Sessions(source, read.grantOf, read.strict);
  const middleware = createMiddleware(sessions, read);
  return {
    middleware,
    provider: <P extends object>(provider: P): P => governProvider(middleware, read.strict, provider) as P,
    tools: <T extends object>(tools: T): { [K in keyof T]: GovernedTool<T[K]> } => {
      const governed = Object.entries(tools).map(([name, tool]): readonly [string, unknown] => {
        if (isTool(tool)) return [name, governTool(sessions, name, tool)];
        const why = isBoundBySdk(tool) ? "is run by the SDK itself" : "has no execute";
        if (read.strict) throw new TypeError(`Cannot govern tools: "${name}" ${why}, and strict is true`);
        return [name, tool];
      });
      return Object.fromEntries(governed) as { [K in keyof T]: GovernedTool<T[K]> };
    },
    coverage: (tools: object = {}): Coverage => coverageOf(tools, read),
  };
}
