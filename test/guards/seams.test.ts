import { describe, expect, test } from "vitest";
import type { Decision } from "../../src/base/decision.ts";
import type { Guard } from "../../src/base/guard.ts";
import type { Stage } from "../../src/base/request.ts";
import { blockPatterns } from "../../src/guards/block-patterns.ts";
import { redactPatterns } from "../../src/guards/redact-patterns.ts";
import { createKernel } from "../../src/preset/create-kernel.ts";

const PATTERNS = ["other", "launch code", "detonate"];
const text = (said: string): object => ({ type: "text", text: said });
const user = (content: unknown, more: object = {}): object => ({ role: "user", content, ...more });
const hidden = <T extends object>(value: T): T =>
  Object.defineProperty(value, "x", { value: "detonate", enumerable: false });

function judge(guard: Guard, payload: unknown, stage: Stage): Decision {
  const request = { stage, name: "run", payload, callId: "1", metadata: {} };
  return guard(request, undefined as never, { dry: true, take: () => undefined }) as Decision;
}

const ROWS: readonly (readonly [string, Stage, unknown, number | undefined])[] = [
  ["within a message", "pre_model_call", { messages: [user("the launch code is")] }, 1],
  [
    "over two messages",
    "pre_model_call",
    { messages: [user("prepare the launch"), user("code review is due")] },
    undefined,
  ],
  ["of which the first is earlier, in a later message", "pre_model_call", {
    messages: [user("detonate"), user("other")],
  }, 0],
  ["over the content and a part of one message", "pre_model_call", {
    messages: [user("launch", { parts: [{ code: 1, text: "launch", then: "code" }] })],
  }, 1],
  ["over two parts of one message, within a word", "pre_model_call", {
    messages: [user("deto" + "nate", { parts: [text("deto"), text("nate")] })],
  }, 2],
  ["over two parts of one message of which the content says nothing", "pre_model_call", {
    messages: [user("", { parts: [text("deto"), { type: "file" }, text("nate")] })],
  }, 2],
  [
    "over two parts of a content that is a list",
    "pre_model_call",
    { messages: [user([text("deto"), text("nate")])] },
    2,
  ],
  ["over two texts of a tool's result", "pre_model_call", {
    messages: [{
      role: "tool",
      content: "",
      parts: [{ type: "tool-result", output: { value: [text("deto"), text("nate")] } }],
    }],
  }, 2],
  ["over parts of two messages", "pre_model_call", {
    messages: [user("", { parts: [text("deto")] }), user("", { parts: [text("nate")] })],
  }, undefined],
  ["over a role and its content", "pre_model_call", { messages: [{ role: "launch", content: "code" }] }, undefined],
  ["in a role", "pre_model_call", { messages: [{ role: "other", content: "code" }] }, 0],
  ["over two messages that are no objects", "pre_model_call", { messages: ["launch", "code"] }, undefined],
  ["in a message that is no object", "pre_model_call", { messages: [null, "launch code"] }, 1],
  ["beside the messages", "pre_model_call", { messages: [], system: "launch code" }, 1],
  ["over values beside the messages", "pre_model_call", { messages: [], x: "launch", y: ["code"] }, 1],
  ["over a message and what stands beside it", "pre_model_call", { messages: [user("launch")], x: "code" }, undefined],
  ["in a key of a message", "pre_model_call", { messages: [user("", { detonate: 1 })] }, 2],
  ["over values of a message with a date", "pre_model_call", {
    messages: [user("launch", { a: "code", b: new Date(0) })],
  }, 1],
  [
    "over two messages with a date",
    "pre_model_call",
    { messages: [user("launch", { b: new Date(0) }), user("code")] },
    undefined,
  ],
  ["in a message of another kind", "pre_model_call", { messages: [new Map([["a", "detonate"]])] }, 2],
  ["hidden in a message", "pre_model_call", { messages: [hidden(user(""))] }, 2],
  ["in a request that is a text", "pre_model_call", "launch code", 1],
  ["nowhere, in no request", "pre_model_call", null, undefined],
  ["in an answer that is a text", "post_model_call", "launch code", 1],
  ["nowhere, in no answer", "post_model_call", null, undefined],
  ["hidden beside the messages", "pre_model_call", hidden({ messages: [user("")] }), 2],
  ["hidden at the messages", "pre_model_call", { messages: hidden([user("")]) }, 2],
  ["hidden in the first of two messages", "pre_model_call", { messages: [hidden(user("")), user("")] }, 2],
  ["in the last of many messages", "pre_model_call", { messages: [null, user(""), user("launch code")] }, 1],
  ["over two values of what looks like an answer, at another gate", "pre_tool_call", {
    content: "launch",
    toolCalls: ["code"],
  }, 1],
  ["over two values of what looks like a request, in an answer", "post_model_call", {
    messages: [{ content: "launch" }, { content: "code" }],
  }, 1],
  ["over two values of what looks like an answer without a content", "post_model_call", {
    x: "launch",
    toolCalls: ["code"],
  }, 1],
  ["over two values of what looks like an answer without calls", "post_model_call", {
    content: "launch",
    toolCalls: { x: "code" },
  }, 1],
  ["beside messages that are no list", "pre_model_call", { messages: { a: "launch", b: "code" } }, 1],
  ["over two values of another request", "pre_model_call", { prompt: ["launch", "code"] }, 1],
  ["over two messages at another gate", "pre_tool_call", { messages: [user("launch", {}), { content: "code" }] }, 1],
  ["in an answer", "post_model_call", { content: "the launch code", toolCalls: [] }, 1],
  [
    "over an answer and why it ended",
    "post_model_call",
    { content: "launch", toolCalls: [], finishReason: "code" },
    undefined,
  ],
  ["beside an answer", "post_model_call", { content: "", toolCalls: [], provider: { x: "launch", y: "code" } }, 1],
  ["over two parts of an answer", "post_model_call", {
    content: "",
    parts: [text("deto"), text("nate")],
    toolCalls: [],
  }, 2],
  ["in a call of an answer", "post_model_call", { content: "", toolCalls: [{ name: "launch code" }] }, undefined],
];

test.each(ROWS)("blockPatterns() tells what a model sees joined from what it does not, when a phrase stands %s", (
  _,
  stage,
  payload,
  pattern,
) => {
  const decision = judge(blockPatterns(PATTERNS), payload, stage);
  expect(decision).toMatchObject(
    pattern === undefined ? { effect: "allow" } : { effect: "deny", code: "blocked_pattern", details: { pattern } },
  );
  expect(judge(redactPatterns(PATTERNS), payload, stage).effect === "allow").toBe(pattern === undefined);
});

test.each(ROWS)(
  "blockPatterns() answers the same in a session, when a phrase stands %s",
  async (_, stage, payload, pattern) => {
    const session = createKernel({ guards: [blockPatterns(PATTERNS)] }).session({ agentId: "a" });
    const { effect } = await session.check({ stage, name: "run", payload });
    if (!_.startsWith("hidden")) expect(effect).toBe(pattern === undefined ? "allow" : "deny");
  },
);

describe("redactPatterns()", () => {
  const guard = redactPatterns([...PATTERNS, { pattern: "sk-\\d+", type: "regex" }], "#");

  test.each<readonly [string, Stage, unknown, unknown]>([
    ["in one of two parts", "pre_model_call", {
      messages: [user("a detonate b", { parts: [text("a detonate"), text(" b")] })],
    }, { messages: [user("a # b", { parts: [text("a #"), text(" b")] })] }],
    ["in the first of two parts, before its end", "pre_model_call", {
      messages: [user("a detonate c b", { parts: [text("a detonate c"), text(" b")] })],
    }, { messages: [user("a # c b", { parts: [text("a # c"), text(" b")] })] }],
    ["in the second of two parts, after its beginning", "pre_model_call", {
      messages: [user("a b detonate c", { parts: [text("a "), text("b detonate c")] })],
    }, { messages: [user("a b # c", { parts: [text("a "), text("b # c")] })] }],
    ["in both of two parts", "pre_model_call", {
      messages: [user("detonate a other b", { parts: [text("detonate a"), text(" other b")] })],
    }, { messages: [user("# a # b", { parts: [text("# a"), text(" # b")] })] }],
    ["in the content, which no parts repeat", "pre_model_call", {
      messages: [user("detonate", { parts: "detonate" })],
    }, { messages: [user("#", { parts: "#" })] }],
    ["over three parts", "pre_model_call", {
      messages: [user("a detonate b", { parts: [text("a det"), text("on"), text("ate b")] })],
    }, { messages: [user("a # b", { parts: [text("a #"), text(""), text(" b")] })] }],
    ["in a part and over two", "pre_model_call", {
      messages: [user("other detonate", { parts: [text("other deto"), { type: "file", data: "x" }, text("nate")] })],
    }, { messages: [user("# #", { parts: [text("# #"), { type: "file", data: "x" }, text("")] })] }],
    ["in a part, and goes on in the next", "pre_model_call", {
      messages: [user("a sk-12345 b", { parts: [text("a sk-1"), text("23"), text("45 b")] })],
    }, { messages: [user("a # b", { parts: [text("a #"), text(""), text(" b")] })] }],
    ["encoded, over two parts", "pre_model_call", {
      messages: [user("a ZGV0b25hdGU= b", { parts: [text("a ZGV0b2"), text("5hdGU= b")] })],
    }, { messages: [user("a # b", { parts: [text("a #"), text(" b")] })] }],
    ["in two messages", "pre_model_call", { messages: [user("other"), user("the launch"), user("code other")] }, {
      messages: [user("#"), user("the launch"), user("code #")],
    }],
    [
      "over two parts of a content that is a list",
      "pre_model_call",
      { messages: [user([text("deto"), text("nate")])] },
      {
        messages: [user([text("#"), text("")])],
      },
    ],
    ["over two parts of an answer, whose calls pass", "post_model_call", {
      content: "detonate",
      parts: [text("deto"), text("nate")],
      toolCalls: [{ arguments: "detonate" }],
    }, { content: "#", parts: [text("#"), text("")], toolCalls: [{ arguments: "detonate" }] }],
    ["in the content, which is another text than the parts", "pre_model_call", {
      messages: [user("detonate", { parts: [text("x"), text("y")] })],
    }, { messages: [user("#", { parts: [text("x"), text("y")] })] }],
  ])("masks each text where it stands, when a match is %s", (_, stage, payload, masked) => {
    const before = JSON.stringify(payload);
    expect(judge(guard, payload, stage)).toMatchObject({ effect: "transform", payload: masked });
    expect(JSON.stringify(payload)).toBe(before);
  });

  test.each<readonly [string, object, object]>([
    [
      "is told in the content, which is what the parts say",
      user("no pin 12", { parts: [text("no "), text("pin 12")] }),
      user("no #", { parts: [text("no "), text("#")] }),
    ],
    [
      "leaves a content that is another text",
      user("no pin 12.", { parts: [text("no "), text("pin 12")] }),
      user("no pin 12.", { parts: [text("no "), text("#")] }),
    ],
    ["leaves out a content that is not there", { parts: [text("pin 12")] }, { parts: [text("#")] }],
    ["leaves a content beside which are no parts", user("a", { x: "pin 12" }), user("a", { x: "#" })],
    [
      "leaves a content beside parts that are no list",
      user("pin 12", { parts: { text: "pin 12" } }),
      user("#", { parts: { text: "#" } }),
    ],
  ])("masks a part that matches by itself, and %s", (_, message, masked) => {
    const lines = redactPatterns([{ pattern: "^pin \\d+", type: "regex" }], "#");
    const decision = judge(lines, { messages: [message] }, "pre_model_call") as { payload: object };
    expect(decision.payload).toStrictEqual({ messages: [masked] });
  });

  test("masks all parts of a list as one, when a match over them is too long to be traced", () => {
    const long = "some words\n".repeat(12_500);
    const parts = [text(`${long}deto\u200b`), { type: "file" }, text(`nate ${long}`)];
    expect(judge(guard, { messages: [{ role: "user", parts }] }, "pre_model_call")).toMatchObject({
      effect: "transform",
      payload: { messages: [{ parts: [text("#"), { type: "file" }, text("")] }] },
    });
  });

  test("masks in lines first and then over them, when parts of a list have several", () => {
    const lines = redactPatterns([{ pattern: "key: .*", type: "regex" }, "rm -rf"], "#");
    const parts = [text("a\nkey: x"), text(" y\nb rm"), text("\n-rf c\nd")];
    expect(judge(lines, { messages: [{ role: "user", parts }] }, "pre_model_call")).toMatchObject({
      effect: "transform",
      payload: { messages: [{ parts: [text("a\n#"), text("\nb #"), text(" c\nd")] }] },
    });
  });

  test.each<readonly [string, Stage, unknown]>([
    ["text parts at another gate", "output", [text("launch"), { text: "code", type: "text" }]],
    ["text parts of what looks like an answer at another gate", "output", {
      content: [text("launch"), { text: "code", type: "text" }],
      toolCalls: [],
    }],
  ])("denies, when a phrase spans %s, which are not one text", (_, stage, payload) => {
    expect(judge(guard, payload, stage)).toMatchObject({ effect: "deny", code: "blocked_pattern" });
  });

  test("masks the calls of what looks like an answer at another gate", () => {
    expect(judge(guard, { content: "", toolCalls: [{ x: "detonate" }] }, "output")).toMatchObject({
      payload: { content: "", toolCalls: [{ x: "#" }] },
    });
  });

  test("masks dictionaries, lists with holes and kinds beyond JSON as what they are", () => {
    const bare = Object.assign(Object.create(null) as object, { a: "detonate" });
    const list = Object.assign(new Array<unknown>(3), { 0: "detonate" });
    const decision = judge(guard, { bare, list, map: new Map([["k", ["detonate"]]]) }, "output");
    expect((decision as { payload: unknown }).payload).toStrictEqual({
      bare: { a: "#" },
      list: Object.assign(new Array<unknown>(3), { 0: "#" }),
      map: new Map([["k", ["#"]]]),
    });
  });

  test("denies, when a phrase spans two values of one message", () => {
    expect(judge(guard, { messages: [user("launch", { x: "code" })] }, "pre_model_call")).toMatchObject({
      effect: "deny",
      code: "blocked_pattern",
    });
  });
});
