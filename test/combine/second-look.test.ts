import { describe, expect, test } from "vitest";
import {
  allow,
  any,
  createKernel,
  defineGuard,
  deny,
  escalate,
  type Guard,
  memoryStore,
  onStage,
  onTool,
  rateLimit,
  redactPatterns,
  shadow,
  type StateStore,
  transform,
  unless,
  when,
  withTimeout,
} from "../../mod.ts";

/** A store that answers later, so that the guard over it takes after it was asked. */
function later(): StateStore {
  const store = memoryStore();
  return {
    name: "later",
    read: async (key, now) => store.read(key, now),
    put: async (key, value, options) => store.put(key, value, options),
    take: async (key, request) => store.take(key, request),
    giveBack: async (key, receipt, keep) => store.giveBack(key, receipt, keep),
  };
}
const slow = (): Guard => rateLimit({ max: 5, windowMs: 1e6, store: later() });
const rewriting = defineGuard({
  name: "rewriting",
  stages: ["pre_tool_call"],
  check: (
    { payload },
  ) => ((payload as { to: string }).to === "alias" ? transform({ to: "evil" }, "An alias") : allow()),
});
const send = (guards: readonly Guard[]): Promise<string> =>
  createKernel({ guards }).session({ agentId: "a" }).tool(
    { name: "send", arguments: { to: "alias" } },
    ({ to }: { to: string }) => to,
  );

describe("a second look, after a guard has rewritten the payload", () => {
  test("is taken by a guard that took nothing, when a watched limit took while it was asked", async () => {
    const moderator = defineGuard({
      name: "moderator",
      stages: ["pre_tool_call"],
      check: async ({ payload }) => {
        for (let turn = 0; turn < 50; turn++) await undefined;
        return (payload as { to: string }).to === "evil" ? deny("action_blocked", "Not to them") : allow();
      },
    });
    await expect(send([shadow(slow()), moderator, rewriting])).rejects.toMatchObject({ code: "action_blocked" });
  });

  test.each([["any()", (guard: Guard, limit: Guard) => any(guard, limit)], [
    "withTimeout(any())",
    (guard: Guard, limit: Guard) => withTimeout(any(guard, limit), 1000),
  ]])("is taken by each part of %s that took nothing, when another one took", async (_name, of) => {
    const known = defineGuard({
      name: "known",
      stages: ["pre_tool_call"],
      check: async ({ payload }) => {
        const { to } = payload as { to: string };
        return to === "known"
          ? allow()
          : to === "evil"
          ? escalate("A person must see this")
          : deny("action_blocked", "Not known");
      },
    });
    await expect(send([of(known, slow()), rewriting])).rejects.toMatchObject({ code: "approval_required" });
  });

  const see = defineGuard({ name: "see", stages: ["pre_tool_call"], check: () => allow() });
  test.each([["when()", () => when(() => true, see)], ["unless()", () => unless(() => false, see)], [
    "onTool()",
    () => onTool("t", see),
  ], ["onStage()", () => onStage(["pre_tool_call"], see)]])(
    "is not taken by the limits before %s, which took already",
    async (_name, around) => {
      const kernel = createKernel({
        policy: { maxConcurrent: 1, backpressureThreshold: 1, maxToolCalls: 2 },
        guards: [rateLimit({ max: 2, windowMs: 1e6 }), around(), redactPatterns(["secret"])],
      });
      const session = kernel.session({ agentId: "a" });
      const call = (): Promise<unknown> =>
        session.tool({ name: "t", arguments: { text: "the secret" } }, ({ text }: { text: string }) => text);
      expect([await call(), await call()]).toEqual([
        expect.not.stringContaining("secret"),
        expect.not.stringContaining("secret"),
      ]);
    },
  );
});
