/**
 * Attacks on plugins/ai-sdk.ts, each beside what is honest and must pass; run against each major of the real package.
 */
import { describe, expect, test } from "vitest";
import {
  allow,
  createKernel,
  defineGuard,
  type Guard,
  type KernelOptions,
  redactPatterns,
  transform,
} from "../../../mod.ts";
import { aiSdk } from "../../../plugins/ai-sdk.ts";
import { all, answer, type Major, type Part, partsOf, streamOf, usage } from "../ai-sdk-cases.ts";

const BLOCK: KernelOptions = { policy: { blockedPatterns: ["launch code"] } };
const MASK: KernelOptions = { guards: [redactPatterns([{ pattern: "sk-[0-9]+", type: "regex" }], "***")] };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes of a picture: they are no text. */
function picture(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let seed = 7;
  for (let index = 0; index < length; index++) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    bytes[index] = seed >> 16;
  }
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0xff]);
  return bytes;
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** A guard that waits, and says when it was asked and when it may answer. */
function waiting(stage: "pre_model_call" | "post_model_call" | "post_tool_call"): {
  guard: Guard;
  asked: Promise<void>;
  answer: () => void;
} {
  let ask!: () => void;
  let let_!: () => void;
  const asked = new Promise<void>((done) => (ask = done));
  const released = new Promise<void>((done) => (let_ = done));
  const guard = defineGuard({
    name: "waiting",
    stages: [stage],
    check: async () => {
      ask();
      await released;
      return allow();
    },
  });
  return { guard, asked, answer: let_ };
}

export function aiSdkAttacks(title: string, major: Major): void {
  const { generateText, streamText, wrapLanguageModel, stepCountIs, tool, jsonSchema } = major.ai;
  const anyInput = jsonSchema({ type: "object" });
  /** How this major writes the data of a file in a prompt or a result. */
  const dataOf = (data: unknown): unknown => (major.isV4 ? { type: "data", data } : data);

  /** A model that answers in turn, whole and in parts, behind the gates of one session. */
  function governed(answers: readonly Part[], options: KernelOptions = {}, plugin: object = {}) {
    const kernel = createKernel(options);
    const session = kernel.session({ agentId: "helper" });
    const events: any[] = [];
    kernel.on("policy_violation", (event) => void events.push(event));
    let turn = 0;
    const next = (): Part => answers[Math.min(turn++, answers.length - 1)] as Part;
    const inner = new major.Model({
      doGenerate: async () => next(),
      doStream: async () => ({ stream: streamOf(partsOf(next())) }),
    });
    const sdk = aiSdk(session, plugin);
    return {
      kernel,
      session,
      events,
      inner,
      sdk,
      model: wrapLanguageModel({ model: inner, middleware: sdk.middleware }),
    };
  }

  const sent = (inner: any, nth = -1): any => [...inner.doGenerateCalls, ...inner.doStreamCalls].at(nth);
  const ask = (model: any, prompt: unknown, more: object = {}): Promise<any> => model.doGenerate({ prompt, ...more });
  const user = (...content: unknown[]): object => ({ role: "user", content });
  const text = (one: string): object => ({ type: "text", text: one });

  async function streamed(
    parts: readonly Part[],
    options: KernelOptions = BLOCK,
    plugin: object = {},
  ): Promise<Part[]> {
    const { sdk } = governed([], options, plugin);
    const inner = new major.Model({ doStream: async () => ({ stream: streamOf(parts) }) });
    const model = wrapLanguageModel({ model: inner, middleware: sdk.middleware });
    return all((await model.doStream({ prompt: [] })).stream);
  }
  const codesIn = (parts: readonly Part[]): unknown[] =>
    parts.filter(({ type }) => type === "error").map(({ error }) => error.code);

  describe(`aiSdk() with ${title} takes bytes for what they are`, () => {
    const TYPES = ["image/png", "Image/PNG", "application/octet-stream", "application/yaml", "TEXT/plain", "x"];
    const WAYS: readonly [string, (mediaType: string) => object][] = [
      ["bytes", (mediaType) => ({ type: "file", mediaType, data: dataOf(utf8("read the launch code")) })],
      ["base64", (mediaType) => ({ type: "file", mediaType, data: dataOf(btoa("read the launch code")) })],
      ["text that is no base64", (mediaType) => ({ type: "file", mediaType, data: dataOf("read the launch code") })],
      ["a data URL", (mediaType) => {
        const url = new URL(`data:image/png;base64,${btoa("read the launch code")}`);
        return { type: "file", mediaType, data: major.isV4 ? { type: "url", url } : url };
      }],
      ["a result", (mediaType) => ({
        type: "tool-result",
        toolCallId: "1",
        toolName: "look",
        output: {
          type: "content",
          value: [
            major.isV4
              ? { type: "file", mediaType, data: dataOf(btoa("the launch code")) }
              : { type: "image-data", mediaType, data: btoa("the launch code") },
          ],
        },
      })],
    ];
    test.each(WAYS.flatMap(([way, make]) => TYPES.map((type) => [way, type, make] as const)))(
      "refuses a prompt with text in a file as %s of the type %s",
      async (_way, type, make) => {
        const { model, inner } = governed([answer("ok")], BLOCK);
        await expect(ask(model, [user(text("look"), make(type))])).rejects.toMatchObject({ code: "blocked_pattern" });
        expect(inner.doGenerateCalls).toHaveLength(0);
      },
    );

    test("refuses text that only looks like base64, as it stands", async () => {
      const { model } = governed([answer("ok")], { policy: { blockedPatterns: ["openthegate"] } });
      const data = "nowopenthegate12";
      expect(atob(data)).toBeTypeOf("string");
      await expect(ask(model, [user({ type: "file", mediaType: "image/png", data: dataOf(data) })])).rejects
        .toMatchObject({ code: "blocked_pattern" });
    });

    test.each([[utf8("the launch code")], [btoa("the launch code")]])(
      "refuses an answer with text in a picture, whole and in parts",
      async (data) => {
        const file = { type: "file", mediaType: "image/png", data: major.isV4 ? { type: "data", data } : data };
        const { model } = governed([answer("", [], { content: [file] })], BLOCK);
        await expect(ask(model, [user(text("draw"))])).rejects.toMatchObject({ code: "blocked_pattern" });
        expect(codesIn(await streamed([file]))).toEqual(["blocked_pattern"]);
      },
    );

    test("lets pictures pass, which are neither text nor tokens", async () => {
      const bytes = picture(1_200_000);
      const { model, inner, session } = governed([answer("nice")], { ...BLOCK, guards: [] });
      const parts = [
        { type: "file", mediaType: "image/png", data: dataOf(bytes) },
        { type: "file", mediaType: "image/png", data: dataOf(base64(bytes)) },
      ];
      await ask(model, [user(text("look"), ...parts)]);
      const data = sent(inner).prompt[0].content.slice(1).map((part: Part) => part["data"].data ?? part["data"]);
      expect(data[0] === bytes && data[1] === base64(bytes)).toBe(true);
      expect(session.context.totalTokens).toBe(15);
    });

    test("lets a picture in a tool's result pass, as it is", async () => {
      const { sdk } = governed([], BLOCK);
      const picture64 = base64(picture(1_200_000));
      const { look } = sdk.tools({
        look: { execute: (): unknown => ({ content: [{ type: "image", mimeType: "image/png", data: picture64 }] }) },
      });
      expect(await look.execute()).toEqual({ content: [{ type: "image", mimeType: "image/png", data: picture64 }] });
    });

    test("refuses pictures that are too many bytes, in prompts, answers and results", async () => {
      const big = picture((16 << 20) + 1);
      const { model, sdk, inner } = governed([answer("ok")], { limits: { tool: { binaryBytes: 1000 } } });
      await expect(ask(model, [user({ type: "file", mediaType: "image/png", data: dataOf(big) })])).rejects
        .toMatchObject({
          code: "payload_too_large",
        });
      expect(inner.doGenerateCalls).toHaveLength(0);
      const { look } = sdk.tools({
        look: { execute: (): unknown => ({ mimeType: "image/png", data: base64(picture(2000)) }) },
      });
      expect(await look.execute()).toMatchObject({ denied: true, code: "payload_too_large" });
    });

    test("refuses a tool's result whose picture is text", async () => {
      const { sdk } = governed([], BLOCK);
      const { look } = sdk.tools({
        look: { execute: (): unknown => [{ type: "image", mimeType: "image/png", data: btoa("the launch code") }] },
        raw: { execute: (): unknown => ({ bytes: utf8("the launch code") }) },
      });
      expect(await look.execute()).toMatchObject({ denied: true, code: "blocked_pattern" });
    });

    test("masks text in files and gives each back in its form", async () => {
      const { model, inner } = governed([answer("ok")], MASK);
      await ask(model, [
        user(
          text("read"),
          { type: "file", mediaType: "text/plain", data: dataOf(utf8("key sk-1")) },
          { type: "file", mediaType: "text/plain", data: dataOf(btoa("key sk-2")) },
        ),
      ]);
      const data = sent(inner).prompt[0].content.slice(1).map((part: Part) => part["data"].data ?? part["data"]);
      expect(data).toEqual([utf8("key ***"), btoa("key ***")]);
    });

    test("masks a tool's result with bytes and gives each back in its form", async () => {
      const { sdk } = governed([], MASK);
      const whole = picture(5000);
      const { read } = sdk.tools({
        read: {
          execute: (): unknown => ({
            note: "sk-1",
            file: { mimeType: "text/plain", data: btoa("key sk-2") },
            image: { mimeType: "image/png", data: base64(whole) },
          }),
        },
      });
      expect(await read.execute()).toEqual({
        note: "***",
        file: { mimeType: "text/plain", data: btoa("key ***") },
        image: { mimeType: "image/png", data: base64(whole) },
      });
    });
  });

  describe(`aiSdk() with ${title} judges every field`, () => {
    const EVIL = { x: { title: "the launch code" } };
    test.each<[string, object]>([
      ["a message's options", { role: "user", content: [text("hi")], providerOptions: EVIL }],
      ["a part's options", user({ ...text("hi"), providerOptions: EVIL })],
      ["a field that nobody knows", user({ ...text("hi"), note: "launch code" })],
      [
        "a file's name",
        user({ type: "file", mediaType: "image/png", filename: "launch code", data: dataOf(picture(9)) }),
      ],
      ["a system message's options", { role: "system", content: "hi", providerOptions: EVIL }],
      ["the options of a result", {
        role: "tool",
        content: [{
          type: "tool-result",
          toolCallId: "1",
          toolName: "a",
          output: { type: "text", value: "x", providerOptions: EVIL },
        }],
      }],
      ["the reason of a refusal", {
        role: "tool",
        content: [{ type: "tool-approval-response", approvalId: "1", approved: false, reason: "launch code" }],
      }],
    ])("refuses a prompt with blocked text in %s", async (_where, message) => {
      const { model, inner } = governed([answer("ok")], BLOCK);
      await expect(ask(model, [message])).rejects.toMatchObject({ code: "blocked_pattern" });
      expect(inner.doGenerateCalls).toHaveLength(0);
    });

    test("lets options that are honest pass as they are, and keeps its own way in to itself", async () => {
      const { model, inner } = governed([answer("ok")], BLOCK);
      const prompt = [{
        ...user({ ...text("hi"), providerOptions: { a: { cache: true } } }),
        providerOptions: { b: { c: 1 } },
      }];
      await ask(model, prompt, { providerOptions: { sallyport: { secret: 1 }, openai: { user: "u" } } });
      expect(sent(inner)).toMatchObject({ prompt, providerOptions: { openai: { user: "u" } } });
      expect(JSON.stringify(sent(inner))).not.toContain("sallyport");
    });

    test.each<[string, Part]>([
      ["warnings", { warnings: [{ type: "other", message: "the launch code" }] }],
      ["metadata", { providerMetadata: { x: { said: "the launch code" } } }],
      ["headers", { response: { headers: { "x-note": "the launch code" } } }],
      ["the model's id", { response: { modelId: "the launch code" } }],
      ["the raw finish reason", { finishReason: { unified: "stop", raw: "the launch code" } }],
      ["the raw usage", { usage: { ...usage(1, 1), raw: { note: "the launch code" } } }],
      ["a text's metadata", { content: [{ ...text("x"), providerMetadata: { x: { y: "the launch code" } } }] }],
      ["a text's unknown field", { content: [{ ...text("x"), note: "the launch code" }] }],
      ["a call's metadata", {
        content: [{
          type: "tool-call",
          toolCallId: "1",
          toolName: "a",
          input: "{}",
          providerMetadata: { x: { y: "the launch code" } },
        }],
      }],
      ["a call's title", {
        content: [{ type: "tool-call", toolCallId: "1", toolName: "a", input: "{}", title: "the launch code" }],
      }],
    ])("refuses an answer with blocked text in %s", async (_where, more) => {
      const { model } = governed([answer("fine", [], more)], BLOCK);
      await expect(ask(model, [user(text("?"))])).rejects.toMatchObject({
        code: "blocked_pattern",
        stage: "post_model_call",
      });
    });

    const fine = (delta: object, start: object = {}, end: object = {}): Part[] => [
      { type: "text-start", id: "1", ...start },
      { type: "text-delta", id: "1", delta: "fi", ...delta },
      { type: "text-delta", id: "1", delta: "ne" },
      { type: "text-end", id: "1", ...end },
    ];
    const call = { type: "tool-call", toolCallId: "c", toolName: "a", input: '{"n":1}' };
    test.each<[string, Part[]]>([
      ["beside a delta", fine({ note: "launch code" })],
      ["beside a start", fine({}, { note: "launch code" })],
      ["beside an end", fine({}, {}, { note: "launch code" })],
      ["beside a delta whose field comes again", [
        ...fine({ note: "launch code" }),
        ...fine({ note: "fine" }).slice(1, 2),
      ]],
      ["in a delta's metadata", fine({ providerMetadata: { x: { y: "launch code" } } })],
      ["as the text of a start", fine({}, { delta: "launch code" })],
      ["in the input of no call", [{ type: "tool-input-delta", id: "c", delta: '{"n":"launch code"}' }]],
      ["in an input that is not its call's", [
        { type: "tool-input-delta", id: "c", delta: '{"n":"launch code"}' },
        call,
      ]],
      ["in an input's title", [{ type: "tool-input-start", id: "c", toolName: "a", title: "launch code" }, call]],
      ["in an input's name", [{ type: "tool-input-start", id: "c", toolName: "launch code" }, call]],
      ["in warnings", [{ type: "stream-start", warnings: [{ type: "other", message: "launch code" }] }]],
      ["in metadata at the end", [{
        type: "finish",
        usage: usage(1, 1),
        finishReason: { unified: "stop" },
        providerMetadata: { x: { y: "launch code" } },
      }]],
      ["in the response's id", [{ type: "response-metadata", id: "launch code" }]],
      ["beside a ping", [{ type: "ping", note: "launch code" }]],
      ["in an error's cause", [{ type: "error", error: new Error("x", { cause: { note: "launch code" } }) }]],
      ["in an error's fields", [{
        type: "error",
        error: Object.assign(new Error("x"), { responseBody: "launch code" }),
      }]],
    ])("refuses a stream with blocked text %s", async (_where, parts) => {
      const got = await streamed(parts);
      expect(codesIn(got)).toEqual(["blocked_pattern"]);
      expect(JSON.stringify(got)).not.toContain("launch code");
    });

    test("passes on what is honest in every field of a stream, part by part", async () => {
      const parts = [
        { type: "stream-start", warnings: [{ type: "other", message: "slow" }] },
        { type: "response-metadata", id: "r1", timestamp: new Date(0), modelId: "m" },
        ...fine({ note: "n", providerMetadata: { a: { b: 1 } } }),
        { type: "tool-input-start", id: "c", toolName: "a" },
        { type: "tool-input-delta", id: "c", delta: '{"n"' },
        { type: "tool-input-delta", id: "c", delta: ":1}" },
        { type: "tool-input-end", id: "c" },
        call,
        { type: "finish", usage: usage(1, 1), finishReason: { unified: "stop", raw: "stop" } },
      ];
      expect(await streamed(parts)).toEqual(parts);
    });

    test("leaves raw chunks out, when a guard changed what they say", async () => {
      const parts = [{ type: "raw", rawValue: { delta: "sk-1" } }, ...fine({ delta: "sk-1 " })];
      const got = await streamed(parts, MASK);
      expect(JSON.stringify(got)).not.toContain("sk-1");
      expect(got.map(({ type }) => type)).toEqual(fine({}).map(({ type }) => type));
    });
  });

  describe(`aiSdk() with ${title} masks part by part`, () => {
    test("a prompt: every text where it stands, every other part untouched", async () => {
      const { model, inner } = governed([answer("ok")], MASK);
      const file = { type: "file", mediaType: "image/png", data: dataOf(picture(99)) };
      await ask(model, [user(text("use sk-1"), file, text("then sk-2"), text("and go"))]);
      expect(sent(inner).prompt[0].content).toEqual([text("use ***"), file, text("then ***"), text("and go")]);
    });

    test("an answer: every part in its order, calls among them", async () => {
      const call = { type: "tool-call", toolCallId: "1", toolName: "a", input: '{"n":1}' };
      const content = [text("one sk-1"), call, { type: "reasoning", text: "two sk-2" }, text("three")];
      const { model } = governed([answer("", [], { content })], MASK);
      const whole = await ask(model, [user(text("?"))]);
      expect(whole.content).toEqual([text("one ***"), call, { type: "reasoning", text: "two ***" }, text("three")]);
      const { stream } = await model.doStream({ prompt: [] });
      const got = await all(stream);
      expect(got.filter(({ type }) => !/start|end|finish/.test(type)).map(({ type }) => type)).toEqual([
        "text-delta",
        "text-delta",
        "tool-input-delta",
        "tool-call",
        "reasoning-delta",
        "reasoning-delta",
        "text-delta",
        "text-delta",
      ]);
      expect(got.map(({ delta }) => delta).join("")).toBe('one ***{"n":1}two ***three');
    });

    test("a stream: what is split over deltas is found, and each block keeps its name", async () => {
      const parts = [
        { type: "text-start", id: "a" },
        { type: "text-delta", id: "a", delta: "key sk" },
        { type: "text-delta", id: "a", delta: "-12" },
        { type: "text-delta", id: "a", delta: "34 end" },
        { type: "text-end", id: "a" },
      ];
      const got = await streamed(parts, MASK);
      expect(got.map(({ type, id }) => [type, id])).toEqual(parts.map(({ type, id }: Part) => [type, id]));
      expect(got.map(({ delta }) => delta).join("")).toBe("key *** end");
    });

    test("what is split over a seam is found: masked in one of both, and never sent", async () => {
      const { model, inner } = governed([answer("ok")], {
        guards: [redactPatterns(["launch code"], "***")],
      });
      await ask(model, [user(text("say the laun"), text("ch code now"))]);
      expect(sent(inner).prompt[0].content).toEqual([text("say the ***"), text(" now")]);
    });

    test.each<[string, readonly string[]]>([
      ["goes on over a seam", ["key sk-1", "2345 end"]],
      ["goes on over two", ["key sk-1", "23", "45 end"]],
    ])("a prompt: a secret to its end, when it %s", async (_what, texts) => {
      const { model, inner } = governed([answer("ok")], MASK);
      await ask(model, [user(...texts.map(text))]);
      expect(sent(inner).prompt[0].content).toEqual([text("key ***"), text(" end")]);
    });

    test("an answer: a secret to its end, when it goes on over a seam", async () => {
      const { model } = governed([answer("", [], { content: [text("a sk-1"), text("2 b")] })], MASK);
      expect((await ask(model, [user(text("?"))])).content).toEqual([text("a ***"), text(" b")]);
      const { stream } = await model.doStream({ prompt: [] });
      expect((await all(stream)).map(({ delta }) => delta).join("")).toBe("a *** b");
    });

    test("denies a stream, when only the texts of several blocks together are masked", async () => {
      const parts = [
        { type: "text-delta", id: "1", delta: "sk" },
        { type: "text-delta", id: "2", delta: "-9" },
        { type: "text-delta", id: "1", delta: " is " },
        { type: "text-delta", id: "2", delta: "!" },
      ];
      const got = await streamed(parts, MASK);
      expect(codesIn(got)).toEqual(["guard_error"]);
    });

    const changing = (
      stage: "pre_model_call" | "post_model_call",
      change: (payload: any) => unknown,
    ): KernelOptions => ({
      guards: [
        defineGuard({ name: "changing", stages: [stage], check: ({ payload }) => transform(change(payload), "x") }),
      ],
    });
    test.each<[string, (payload: any) => unknown]>([
      ["null", () => null],
      ["a text", () => "x"],
      ["no messages", () => ({})],
      ["messages that are none", () => ({ messages: [null, 1] })],
      ["parts that are null", ({ messages }) => ({ messages: messages.map((one: any) => ({ ...one, parts: null })) })],
      ["no parts", ({ messages }) => ({ messages: messages.map(({ role, content }: any) => ({ role, content })) })],
      [
        "other kinds of parts",
        ({ messages }) => ({ messages: messages.map((one: any) => ({ ...one, parts: ["", 1] })) }),
      ],
    ])("denies with a code, when a guard makes %s of a request", async (_what, change) => {
      const { model, inner } = governed([answer("ok")], changing("pre_model_call", change));
      await expect(ask(model, [user(text("a"), text("b"))])).rejects.toMatchObject({
        name: "PolicyViolationError",
        code: "guard_error",
      });
      expect(inner.doGenerateCalls).toHaveLength(0);
    });

    test.each<[string, (payload: any) => unknown]>([
      ["null", () => null],
      ["a text", () => "x"],
      ["calls that are none", (payload) => ({ ...payload, toolCalls: [null] })],
      ["no parts", ({ parts: _parts, ...payload }) => payload],
      ["no content", ({ content: _content, ...payload }) => payload],
    ])("denies with a code, when a guard makes %s of an answer", async (_what, change) => {
      const { model } = governed(
        [answer("", [], { content: [text("a"), text("b")] })],
        changing("post_model_call", change),
      );
      await expect(ask(model, [user(text("?"))])).rejects.toMatchObject({
        name: "PolicyViolationError",
        code: "guard_error",
      });
      expect(codesIn(await all((await model.doStream({ prompt: [] })).stream))).toEqual(["guard_error"]);
    });

    test.each<[string, unknown]>([
      ["no content", { role: "user" }],
      ["a message that is none", null],
      ["a part that is none", { role: "user", content: [null] }],
      ["a text that is none", { role: "user", content: [{ type: "text" }] }],
      [
        "a getter that throws",
        Object.defineProperty({ role: "user" }, "content", {
          enumerable: true,
          get: () => {
            throw new Error("mine");
          },
        }),
      ],
    ])("ends in no TypeError, when a prompt has %s", async (_what, message) => {
      const { model } = governed([answer("ok")], BLOCK);
      const failure = await ask(model, [message]).then(() => undefined, (error) => error);
      expect([undefined, "PolicyViolationError"]).toContain(failure?.name);
    });
  });

  describe(`aiSdk() with ${title} breaks no host`, () => {
    test.each<[string, unknown]>([["an object", {}], ["null", null], ["a text", "x"], ["a list of null", [null]]])(
      "when tools are %s: whole and in parts, it is one denial, and no rejection is left behind",
      async (_what, tools) => {
        const denial = { name: "PolicyViolationError", code: "payload_not_plain", stage: "pre_model_call" };
        for (const options of [BLOCK, {}, { guards: [waiting("pre_model_call").guard] }]) {
          const { model, inner } = governed([answer("ok")], options);
          await expect(ask(model, [user(text("hi"))], { tools })).rejects.toMatchObject(denial);
          await expect(model.doStream({ prompt: [], tools })).rejects.toMatchObject(denial);
          expect(inner.doGenerateCalls.length + inner.doStreamCalls.length).toBe(0);
        }
      },
    );

    test.each([null, 5, "the tides"])("when a stream has %s for a part: it ends", async (part) => {
      for (const options of [BLOCK, {}]) {
        const parts = await streamed([part as never], options);
        expect(parts.map(({ type }) => type)).toEqual(["unknown"]);
      }
      expect(codesIn(await streamed([part as never, { type: "text-delta", id: "1", delta: "the launch code" }])))
        .toEqual(
          ["blocked_pattern"],
        );
    });

    test.each(["text", "output", "name"])(
      "and shows all, whatever a prototype does when its %s is set",
      async (key) => {
        const { model } = governed([answer("ok")], BLOCK);
        const part = { providerOptions: undefined, type: "text", text: "hi", [key]: "the launch code" };
        // oxlint-disable-next-line no-extend-native -- the attack itself
        Object.defineProperty(Object.prototype, key, {
          set: (_value: unknown): void => {},
          get: () => undefined,
          configurable: true,
        });
        try {
          const failure = await ask(model, [user(part)]).then(() => undefined, (error) => error);
          expect(failure).toMatchObject({ code: "blocked_pattern" });
        } finally {
          Reflect.deleteProperty(Object.prototype, key);
        }
      },
    );

    test("when a stream has a blocked text for a part: it is judged", async () => {
      expect(codesIn(await streamed(["the launch code" as never]))).toEqual(["blocked_pattern"]);
    });
  });

  describe(`aiSdk() with ${title} sends what was judged`, () => {
    test("of a prompt that changes while a guard waits", async () => {
      const wait = waiting("pre_model_call");
      const { model, inner } = governed([answer("ok")], { guards: [wait.guard] });
      const bytes = picture(64), buffer = Buffer.from(picture(64)), words = new Uint16Array(9).fill(0xd800);
      const file = { type: "file", mediaType: "image/png", data: dataOf(bytes), providerOptions: { a: { b: "c" } } };
      const others = [buffer, words, words.buffer].map((data) => ({ ...file, data: dataOf(data) }));
      const prompt = [user({ type: "text", text: "honest" }, file, ...others)];
      const done = ask(model, prompt);
      await wait.asked;
      const judged = structuredClone(prompt);
      (prompt[0] as any).content[0].text = "evil";
      (file.providerOptions.a as any).b = "evil";
      bytes.fill(65);
      buffer.fill(65);
      words.fill(65);
      prompt.push(user(text("evil")) as any);
      wait.answer();
      await done;
      expect(structuredClone(sent(inner).prompt)).toEqual(judged);
    });

    test("of an answer that changes while a guard waits, whole and in parts", async () => {
      for (const way of ["whole", "parts"]) {
        const wait = waiting("post_model_call");
        const { sdk } = governed([], { guards: [wait.guard] });
        const part = { type: "text", text: "honest" };
        const delta = { type: "text-delta", id: "1", delta: "honest" };
        const inner = new major.Model({
          doGenerate: async () => answer("", [], { content: [part] }),
          doStream: async () => ({ stream: streamOf([delta]) }),
        });
        const model = wrapLanguageModel({ model: inner, middleware: sdk.middleware });
        const done = way === "whole"
          ? ask(model, [])
          : model.doStream({ prompt: [] }).then(({ stream }: any) => all(stream));
        await wait.asked;
        part.text = delta.delta = "evil";
        wait.answer();
        expect(JSON.stringify(await done)).not.toContain("evil");
      }
    });

    test("of bytes in an answer or a result, which change while a guard waits", async () => {
      for (const make of [(): Uint8Array => picture(64), (): Uint8Array => Buffer.from(picture(64))]) {
        const wait = waiting("post_model_call");
        const { sdk, session } = governed([], { guards: [wait.guard] });
        const data = make();
        const content = [{ type: "file", mediaType: "image/png", data: dataOf(data) }];
        const inner = new major.Model({ doGenerate: async () => answer("", [], { content }) });
        const done = ask(wrapLanguageModel({ model: inner, middleware: sdk.middleware }), []);
        await wait.asked;
        data.fill(65);
        wait.answer();
        const got = (await done).content[0].data;
        expect(new Uint8Array(got.data ?? got)).toEqual(picture(64));

        const later = waiting("post_tool_call");
        const other = governed([], { guards: [later.guard] });
        const bytes = make();
        const result = (other.sdk.tools({ look: { execute: (): unknown => ({ bytes }) } }).look.execute as any)();
        await later.asked;
        bytes.fill(65);
        later.answer();
        expect(new Uint8Array((await result).bytes)).toEqual(picture(64));
        expect(session.context.modelCallCount).toBe(1);
      }
    });

    class Text {
      type = "text";
      text = "honest";
    }
    class Whole {
      readonly #content: unknown[];
      finishReason = finished;
      usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
      warnings = [];
      constructor(content: unknown[]) {
        this.#content = content;
      }
      get content(): unknown[] {
        return this.#content;
      }
    }
    class Delta {
      type = "text-delta";
      id = "1";
      delta = "honest";
    }
    class Told {
      note = "honest";
    }
    const finished = { unified: "stop", raw: undefined };

    test("of what is of a class in a prompt, an answer or a stream, which changes while a guard waits", async () => {
      const asking = waiting("pre_model_call");
      const { model, inner } = governed([answer("ok")], { guards: [asking.guard] });
      class Message {
        role = "user";
        content: unknown[] = [new Text()];
      }
      const message = new Message();
      const asked = ask(model, [message as never]);
      await asking.asked;
      (message.content[0] as Text).text = "evil";
      message.content = [{ type: "text", text: "evil" }];
      asking.answer();
      await asked;
      expect(sent(inner).prompt).toEqual([{ role: "user", content: [{ type: "text", text: "honest" }] }]);

      for (const way of ["whole", "parts"]) {
        const wait = waiting("post_model_call");
        const { sdk } = governed([], { guards: [wait.guard] });
        const part = new Text(), delta = new Delta(), told = new Told(), error = new Error("honest");
        Object.assign(error, { data: { text: "honest" } });
        const content: unknown[] = [part, { type: "text", text: "honest", providerMetadata: { a: { told } } }];
        const broken = new major.Model({
          doGenerate: async () => new Whole(content),
          doStream: async () => ({
            stream: streamOf([{ type: "text-start", id: "1" }, delta, { type: "text-end", id: "1" }, {
              type: "error",
              error,
            }] as never),
          }),
        });
        const model = wrapLanguageModel({ model: broken, middleware: sdk.middleware });
        const done = way === "whole"
          ? ask(model, [])
          : model.doStream({ prompt: [] }).then(({ stream }: any) => all(stream));
        await wait.asked;
        part.text =
          delta.delta =
          told.note =
          error.message =
          (error as any).data.text =
            "evil";
        content.push({ type: "text", text: "evil" });
        wait.answer();
        const got: any = await done;
        if (way === "whole") {
          expect(got.content).toEqual([
            { type: "text", text: "honest" },
            { type: "text", text: "honest", providerMetadata: { a: { told: { note: "honest" } } } },
          ]);
        } else {
          expect(got[1]).toEqual({ type: "text-delta", id: "1", delta: "honest" });
          expect(got[3].error).toBeInstanceOf(Error);
          expect([got[3].error.message, got[3].error.data]).toEqual(["honest", { text: "honest" }]);
        }
      }
    });

    test("and what is of a class as it is, when nothing waits", async () => {
      const told = new Told(), error = new Error("honest");
      const { sdk } = governed([], BLOCK);
      const inner = new major.Model({
        doGenerate: async () => new Whole([new Text(), { type: "text", text: "b", providerMetadata: { a: { told } } }]),
        doStream: async () => ({ stream: streamOf([{ type: "error", error }]) }),
      });
      const model = wrapLanguageModel({ model: inner, middleware: sdk.middleware });
      const { content } = await ask(model, []);
      expect([content[0], content[1].providerMetadata.a.told]).toEqual([{ type: "text", text: "honest" }, told]);
      expect(content[1].providerMetadata.a.told).toBe(told);
      const { stream }: any = await model.doStream({ prompt: [] });
      expect(((await all(stream)) as any)[0].error).toBe(error);
    });

    test("without a copy of bytes, when nothing waits", async () => {
      const { model, inner } = governed([answer("ok")], BLOCK);
      const bytes = picture(64);
      await ask(model, [user({ type: "file", mediaType: "image/png", data: dataOf(bytes) })]);
      const { data } = sent(inner).prompt[0].content[0];
      expect(data.data ?? data).toBe(bytes);
    });

    test.each(["blocks", "strict"])(
      "and gives an answer without a copy of its bytes, when nothing waits: %s",
      async (how) => {
        const { sdk } = governed([], BLOCK, { strict: how === "strict" });
        const bytes = picture(64), buffer = Buffer.from(picture(64)), words = new Uint16Array(9).fill(0xd800);
        const content = [bytes, buffer, words, words.buffer].map((data) => (
          { type: "file", mediaType: "image/png", data: dataOf(data) }
        ));
        const inner = new major.Model({ doGenerate: async () => answer("", [], { content }) });
        const got = (await ask(wrapLanguageModel({ model: inner, middleware: sdk.middleware }), [])).content;
        expect(got.map(({ data }: any) => data.data ?? data)).toEqual([bytes, buffer, words, words.buffer]);
        for (const [at, one] of [bytes, buffer, words, words.buffer].entries()) {
          expect(got[at].data.data ?? got[at].data).toBe(one);
        }
      },
    );

    test("of bytes of every kind, anywhere in an answer, which change while a guard waits", async () => {
      for (const strict of [false, true]) {
        const wait = waiting("post_model_call");
        const { sdk } = governed([], { guards: [wait.guard] }, { strict });
        const buffer = Buffer.from(picture(64)), words = new Uint16Array(9).fill(0xd800);
        const given = [picture(64), buffer, words, new DataView(picture(64).buffer as ArrayBuffer)];
        const content = given.map((data) => ({
          type: "file",
          mediaType: "image/png",
          data: dataOf(data),
          providerMetadata: { provider: { list: [data] } },
        }));
        const inner = new major.Model({ doGenerate: async () => answer("", [], { content: [...content, given[0]] }) });
        const done = ask(wrapLanguageModel({ model: inner, middleware: sdk.middleware }), []);
        await wait.asked;
        const judged = structuredClone([...content, given[0]]);
        for (const one of given) new Uint8Array(one.buffer, one.byteOffset, one.byteLength).fill(65);
        wait.answer();
        const got = (await done).content;
        expect(structuredClone(got)).toEqual(judged);
        // Of its own kind, and only the copy's.
        expect(Buffer.isBuffer(got[1].data.data ?? got[1].data)).toBe(true);
        expect(content[0]?.providerMetadata.provider.list[0]).toBe(given[0]);
      }
    });
  });

  describe(`aiSdk() with ${title} goes on after a refusal`, () => {
    const evil = { text: "the launch code" };
    const refused = (session: KernelOptions = BLOCK) =>
      governed(
        [answer("", [["send", evil, "c1"]]), answer("", [["send", { text: "fine" }, "c2"]]), answer("done")],
        session,
      );

    test.each(["generateText", "streamText"])(
      "over the steps of %s, and no blocked word goes to the model",
      async (way) => {
        const { model, sdk, inner, events } = refused();
        let ran = 0;
        const tools = sdk.tools({ send: tool({ inputSchema: anyInput, execute: () => ++ran }) });
        const options = { model, tools, prompt: "go", stopWhen: stepCountIs(5) };
        const { text: said } = way === "generateText"
          ? await generateText(options)
          : { text: await streamText(options).text };
        expect([said, ran, events]).toEqual(["done", 1, []]);
        const calls = [...inner.doGenerateCalls, ...inner.doStreamCalls];
        expect(calls).toHaveLength(3);
        expect(JSON.stringify(calls.map(({ prompt }: any) => prompt))).not.toContain("launch code");
        const repeated = calls[2].prompt.flatMap(({ content }: any) => content).filter(({ type }: any) =>
          type === "tool-call"
        );
        expect(repeated.map(({ input }: any) => input)).toEqual([{}, { text: "fine" }]);
      },
    );

    const history = (input: unknown): object[] => [
      user(text("go")),
      { role: "assistant", content: [{ type: "tool-call", toolCallId: "old", toolName: "send", input }] },
      {
        role: "tool",
        content: [{ type: "tool-result", toolCallId: "old", toolName: "send", output: { type: "text", value: "no" } }],
      },
      user(text("and now?")),
    ];

    test("in another process, which knows the call from the history alone", async () => {
      const { model, inner, session } = governed([answer("ok")], BLOCK);
      await ask(model, history(evil));
      expect(sent(inner).prompt[1].content[0].input).toEqual({});
      expect(session.context.toolCallCount).toBe(0);
      await ask(model, history({ text: "fine" }));
      expect(sent(inner).prompt[1].content[0].input).toEqual({ text: "fine" });
    });

    test("when its limits are used up since, and when a tool was denied", async () => {
      const { model, inner, session } = governed([answer("ok")], {
        policy: { blockedPatterns: ["launch code"], maxToolCalls: 1 },
      });
      await session.tool({ name: "send", arguments: {} }, () => 1);
      await ask(model, history(evil));
      expect(sent(inner).prompt[1].content[0].input).toEqual({});
      await ask(model, history({ text: "fine" }));
      expect(sent(inner).prompt[1].content[0].input).toEqual({ text: "fine" });
      const other = governed([answer("ok")], { policy: { deniedTools: ["send"] } });
      await ask(other.model, history({ text: "x" }));
      expect(sent(other.inner).prompt[1].content[0].input).toEqual({});
    });

    test("and judges the same id with other arguments anew", async () => {
      const { model, inner } = governed([answer("ok")], BLOCK);
      await ask(model, history({ text: "fine" }));
      await ask(model, history(evil));
      expect(sent(inner).prompt[1].content[0].input).toEqual({});
    });

    test("masks the arguments of an earlier call, which stand in the judged request", async () => {
      const { model, inner } = governed([answer("ok")], MASK);
      await ask(model, history({ text: "key sk-1" }));
      expect(sent(inner).prompt[1].content[0].input).toEqual({ text: "key ***" });
    });

    test("asks the gate of an earlier call once, however long the history and however often it is sent", async () => {
      let asked = 0;
      const { model, inner } = governed([answer("ok")], {
        policy: { maxTokens: Number.MAX_SAFE_INTEGER, blockedPatterns: ["launch code"] },
        guards: [defineGuard({ name: "counts", stages: ["pre_tool_call"], check: () => (asked++, allow()) })],
      });
      const calls = Array.from({ length: 300 }, (_, index) => ({
        role: "assistant",
        content: [{ type: "tool-call", toolCallId: `c${index}`, toolName: "send", input: { index } }],
      }));
      for (let round = 0; round < 5; round++) await ask(model, [user(text("go")), ...calls]);
      expect([asked, inner.doGenerateCalls.length]).toEqual([300, 5]);
    });

    test.each<[string, string, string]>([
      ["is no JSON", "send", '{"text": "the launch code'],
      ["does not fit the schema", "count", '{"n":"the launch code"}'],
      ["has a blocked key", "send", '{"the launch code":1}'],
      ["is of an unknown tool", "nope", '{"text":"the launch code"}'],
      ["has a name of blocked words", "the launch code", "{}"],
    ])("when a call %s, which the SDK's own error repeats", async (_what, toolName, input) => {
      for (const way of ["generateText", "streamText"]) {
        const call = { content: [{ type: "tool-call", toolCallId: "c1", toolName, input }] };
        const { model, sdk, inner } = governed([answer("", [], call), answer("done")], BLOCK);
        const count = tool({
          inputSchema: jsonSchema({ type: "object" }, {
            validate: ({ n }: any) => ({ success: false, error: new Error(`no number: ${String(n)}`) }),
          }),
          execute: () => 1,
        });
        const tools = sdk.tools({ send: tool({ inputSchema: anyInput, execute: () => 1 }), count });
        const options = { model, tools, prompt: "go", stopWhen: stepCountIs(3) };
        const said = way === "generateText" ? (await generateText(options)).text : await streamText(options).text;
        expect([way, said]).toEqual([way, "done"]);
        expect(JSON.stringify(sent(inner).prompt)).not.toContain("launch code");
      }
    });

    test("and leaves the SDK's error of an honest call as it is", async () => {
      const call = { content: [{ type: "tool-call", toolCallId: "c1", toolName: "nope", input: '{"q": "tides' }] };
      const { model, sdk, inner } = governed([answer("", [], call), answer("done")], BLOCK);
      const tools = sdk.tools({ send: tool({ inputSchema: anyInput, execute: () => 1 }) });
      await generateText({ model, tools, prompt: "go", stopWhen: stepCountIs(3) });
      expect(sent(inner).prompt.at(-1).content[0]).toMatchObject({
        toolName: "nope",
        output: { type: "error-text", value: expect.stringMatching(/unavailable tool 'nope'/) },
      });
    });

    test("still denies a blocked word that the user wrote", async () => {
      const { model } = governed([answer("ok")], BLOCK);
      await expect(ask(model, [...history(evil), user(text("the launch code"))])).rejects.toMatchObject({
        code: "blocked_pattern",
        stage: "pre_model_call",
      });
    });

    test("judges what a provider ran with the request", async () => {
      const { model } = governed([answer("ok")], BLOCK);
      const [first, second, ...rest] = history(evil) as any[];
      second.content[0].providerExecuted = true;
      await expect(ask(model, [first, second, ...rest])).rejects.toMatchObject({ code: "blocked_pattern" });
    });
  });

  describe(`aiSdk() with ${title} keeps the shape of tools`, () => {
    test("whose input a schema made dates, addresses and bytes of", async () => {
      const got: unknown[] = [];
      const { sdk } = governed([], BLOCK);
      const { book } = sdk.tools({ book: { execute: (input: unknown): unknown => (got.push(input), "booked") } });
      const input = {
        when: new Date(0),
        where: new URL("https://example.org/"),
        what: picture(9),
        who: new Map([["a", 1]]),
      };
      expect(await book.execute(input)).toBe("booked");
      expect(got).toEqual([input]);
      expect(await book.execute({ where: new URL("https://example.org/launch code") })).toMatchObject({
        denied: true,
        code: "blocked_pattern",
      });
    });

    test("whose function answers an iterable: the SDK is told each, and a caller awaits the last", async () => {
      const { model, sdk } = governed([answer("", [["look", {}]]), answer("done")]);
      const each = (): AsyncIterable<string> => ({
        async *[Symbol.asyncIterator]() {
          yield "looking";
          yield "found";
        },
      });
      const tools = sdk.tools({ look: tool({ inputSchema: anyInput, execute: each }) });
      const result = streamText({ model, tools, prompt: "?", stopWhen: stepCountIs(2) });
      const told: unknown[] = [];
      for await (const part of result.fullStream) {
        if (part.type === "tool-result") told.push([part.output, part.preliminary]);
      }
      expect(told).toEqual([["looking", true], ["found", true], ["found", undefined]]);
      expect(await tools.look.execute({}, { toolCallId: "1", messages: [] })).toBe("found");
    });

    test("whose function answers an iterable that is forbidden: nothing of it, once", async () => {
      const { sdk } = governed([], BLOCK);
      const { look } = sdk.tools({
        look: {
          execute: (): AsyncIterable<string> => ({
            async *[Symbol.asyncIterator]() {
              yield "fine";
              yield "the launch code";
            },
          }),
        },
      });
      const told: unknown[] = [];
      for await (const one of look.execute()) told.push(one);
      expect(told).toMatchObject([{ denied: true, code: "blocked_pattern" }]);
    });

    test("whose answers never end: they end with the act", async () => {
      const { sdk } = governed([]);
      const stop = new AbortController();
      let told = 0;
      let end!: () => void;
      const ended = new Promise<void>((done) => (end = done));
      const { look } = sdk.tools({
        look: {
          async *execute(): AsyncGenerator<number> {
            try {
              for (;;) {
                if (++told === 3) stop.abort(new Error("enough"));
                yield told;
              }
            } finally {
              end();
            }
          },
        },
      });
      const options = { toolCallId: "1", messages: [], abortSignal: stop.signal };
      const answers = (look.execute as any)({}, options);
      await expect(answers.next()).rejects.toThrow();
      await ended;
      expect(told).toBeLessThan(10);
    });

    test("which listen to their input: they are told it once it was judged", async () => {
      const heard: unknown[] = [];
      const say = (what: string) => ({ inputTextDelta, input }: any): void =>
        void heard.push([what, inputTextDelta ?? input]);
      const { model, sdk } = governed([answer("", [["look", { n: 1 }]]), answer("done")]);
      const look = tool({
        inputSchema: anyInput,
        onInputStart: say("start"),
        onInputDelta: say("delta"),
        onInputAvailable: say("available"),
        execute: () => "seen",
      });
      await streamText({ model, tools: sdk.tools({ look }), prompt: "?", stopWhen: stepCountIs(2) }).text;
      expect(heard).toEqual([["start", undefined], ["delta", '{"n":1}'], ["available", { n: 1 }]]);
    });

    test("whose answer was stored and is read again by what makes a text of it", async () => {
      const { sdk } = governed([], { policy: { deniedTools: ["wipe"] } });
      const { wipe } = sdk.tools({
        wipe: {
          execute: (): unknown => "gone",
          toModelOutput: ({ output }: any): unknown => ({ type: "text", value: output.length.toString() }),
        },
      });
      const stored: unknown = JSON.parse(JSON.stringify(await wipe.execute()));
      expect(wipe.toModelOutput({ output: stored })).toEqual({ type: "json", value: stored });
      expect(wipe.toModelOutput({ output: "gone" })).toEqual({ type: "text", value: "4" });
    });
  });
}
