import { expect, test } from "vitest";
import { createKernel, type RecordedCall, replay } from "../../mod.ts";

const tool = (name: string, effect: RecordedCall["effect"], more: Partial<RecordedCall> = {}): RecordedCall => ({
  stage: "pre_tool_call",
  name,
  payload: {},
  effect,
  ...more,
});

test("replay() lists nothing, when the other kernel decides all the same", async () => {
  expect(await replay([tool("a", "allow"), tool("rm", "deny")], createKernel({ policy: { deniedTools: ["rm"] } })))
    .toEqual([]);
});

test("replay() lists each change, from allow to deny and back, and what is decided now", async () => {
  const changes = await replay(
    [tool("a", "deny"), tool("rm", "allow"), tool("pay", "allow")],
    createKernel({ policy: { deniedTools: ["rm"], requireHumanApproval: ["pay"] } }),
  );
  expect(changes).toMatchObject([
    { index: 0, before: "deny", after: { effect: "allow" } },
    { index: 1, before: "allow", after: { code: "tool_not_allowed" } },
    { index: 2, before: "allow", after: { effect: "escalate", approval: { name: "pay" } } },
  ]);
});

test("replay() has limits count, in each session by itself", async () => {
  const calls = [
    tool("a", "allow"),
    tool("a", "allow"),
    tool("a", "allow", { sessionId: "s2" }),
    tool("a", "allow", { agentId: "b" }),
  ];
  expect((await replay(calls, createKernel({ policy: { maxToolCalls: 1 } }))).map(({ index }) => index)).toEqual([1]);
  const models: RecordedCall[] = [{
    stage: "pre_model_call",
    name: "m",
    payload: "x",
    effect: "allow",
    usage: { totalTokens: 100 },
  }, { stage: "pre_model_call", name: "m", payload: "x", effect: "allow" }];
  expect((await replay(models, createKernel({ policy: { maxTokens: 100 } }))).map(({ index }) => index)).toEqual([1]);
});

test("replay() asks nobody", async () => {
  let asked = 0;
  await replay(
    [tool("pay", "escalate")],
    createKernel({ policy: { requireHumanApproval: true }, approve: async () => (asked++, true) }),
  );
  expect(asked).toBe(0);
});

test.each([["an unknown effect", { effect: "maybe" }], ["an unknown field", { args: {} }]])(
  "replay() throws and names the call, when one has %s",
  async (_what, fields) => {
    await expect(replay([tool("a", "allow"), { ...tool("b", "allow"), ...fields } as never], createKernel())).rejects
      .toThrow(/call 1/);
  },
);
