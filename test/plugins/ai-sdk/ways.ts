/**
 * Ways round the gates of plugins/ai-sdk.ts, and ways to pass them twice; run against each major of the real package.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type ApprovalRequest, createKernel, grantApproval, type KernelOptions, type Session } from "../../../mod.ts";
import * as here from "../../../plugins/ai-sdk.ts";
import { all, answer, type Major, type Part, partsOf, streamOf } from "../ai-sdk-cases.ts";

const { aiSdk } = here;

export function aiSdkWays(title: string, major: Major): void {
  const { generateText, streamText, wrapLanguageModel, stepCountIs, tool, dynamicTool, jsonSchema, ToolLoopAgent } =
    major.ai;
  const anyInput = jsonSchema({ type: "object" });
  const ask = (model: any, more: object = {}): Promise<any> =>
    model.doGenerate({ prompt: [{ role: "user", content: [{ type: "text", text: "hi" }] }], ...more });

  function modelOf(answers: readonly Part[]): any {
    let turn = 0;
    const next = (): Part => answers[Math.min(turn++, answers.length - 1)] as Part;
    return new major.Model({
      doGenerate: async () => next(),
      doStream: async () => ({ stream: streamOf(partsOf(next())) }),
    });
  }

  describe(`aiSdk() with ${title} and models that nobody wrapped`, () => {
    /** A tool of a plugin, and what its session told of refusals. */
    function setUp(strict: boolean, options: KernelOptions = {}, more: object = {}) {
      const kernel = createKernel(options);
      const session = kernel.session({ agentId: "helper", sessionId: "s1" });
      const denied: string[] = [];
      kernel.on("tool_call_blocked", ({ decision }: any) => void denied.push(decision.code));
      const sdk = aiSdk(session, { strict, ...more });
      const ran: unknown[] = [];
      const heard: unknown[] = [];
      const hear = (what: string) => (): boolean => (heard.push(what), false);
      const pay = tool({
        inputSchema: anyInput,
        needsApproval: hear("needsApproval"),
        onInputStart: hear("onInputStart"),
        onInputDelta: hear("onInputDelta"),
        onInputAvailable: hear("onInputAvailable"),
        execute: (input: unknown) => (ran.push(input), "paid"),
      });
      const wrap = (model: any): any => wrapLanguageModel({ model, middleware: sdk.middleware });
      return { session, sdk, tools: sdk.tools({ pay }), wrap, ran, heard, denied };
    }
    const paying = (): any => modelOf([answer("", [["pay", { eur: 5 }, "evil"]])]);
    const done = (): any => modelOf([answer("done")]);

    type Run = (stage: ReturnType<typeof setUp>) => Promise<unknown>;
    const WAYS: readonly [string, Run][] = [
      ["prepareStep of generateText", ({ tools, wrap }) =>
        generateText({
          model: wrap(done()),
          tools,
          prompt: "?",
          stopWhen: stepCountIs(2),
          prepareStep: ({ stepNumber }: any) => (stepNumber === 0 ? { model: paying() } : {}),
        })],
      ["prepareStep of streamText", ({ tools, wrap }) =>
        streamText({
          model: wrap(done()),
          tools,
          prompt: "?",
          stopWhen: stepCountIs(2),
          prepareStep: ({ stepNumber }: any) => (stepNumber === 0 ? { model: paying() } : {}),
        }).text],
      ["prepareCall of an agent", ({ tools, wrap }) =>
        new ToolLoopAgent({
          model: wrap(done()),
          tools,
          stopWhen: stepCountIs(1),
          prepareCall: (options: any) => ({ ...options, model: paying() }),
        }).generate({ prompt: "?" })],
      ["a repair function", ({ tools, wrap }) =>
        generateText({
          model: wrap(modelOf([
            answer("", [], { content: [{ type: "tool-call", toolCallId: "c1", toolName: "pay", input: "{" }] }),
            answer("done"),
          ])),
          tools,
          prompt: "?",
          stopWhen: stepCountIs(2),
          experimental_repairToolCall: async ({ toolCall }: any) => ({ ...toolCall, input: '{"eur":5}' }),
          repairToolCall: async ({ toolCall }: any) => ({ ...toolCall, input: '{"eur":5}' }),
        })],
      ["a dynamic tool that calls a model", ({ tools, wrap, sdk }) =>
        generateText({
          model: wrap(modelOf([answer("", [["delegate", {}, "c1"]]), answer("done")])),
          tools: sdk.tools({
            delegate: dynamicTool({
              inputSchema: anyInput,
              execute: async () => {
                const { text } = await generateText({ model: paying(), tools, prompt: "?" });
                return text;
              },
            }),
          }),
          prompt: "?",
          stopWhen: stepCountIs(2),
        })],
      ["a call under the name of another one", async ({ tools, wrap, sdk }) => {
        const model = wrap(modelOf([answer("", [["look", { eur: 5 }, "c1"]])]));
        await generateText({ model, tools: { look: tool({ inputSchema: anyInput }) }, prompt: "?" });
        expect(sdk.coverage().ungoverned).toContainEqual(expect.stringContaining("models that are not wrapped"));
        return await tools.pay.execute({ eur: 5 }, { toolCallId: "c1", messages: [] });
      }],
    ];
    test.each(WAYS)("runs no tool for that of %s, when it is strict", async (way, run) => {
      const strict = setUp(true);
      await run(strict);
      expect([strict.ran, strict.session.context.toolCallCount]).toEqual([[], way.startsWith("a dynamic") ? 1 : 0]);
      expect(strict.denied).toContain("ungoverned_method");
      // That a governed model proposes a call, and nothing of its input, may be told.
      expect(strict.heard.filter((what) => way !== "a repair function" || what !== "onInputStart")).toEqual([]);
      const loose = setUp(false);
      await run(loose);
      expect(loose.ran).toEqual([{ eur: 5 }]);
    });

    test("tells its model why, when it is strict", async () => {
      const { tools } = setUp(true);
      expect(await tools.pay.execute({ eur: 5 }, { toolCallId: "c1", messages: [] })).toEqual({
        denied: true,
        code: "ungoverned_method",
        reason: "No governed model proposed this call",
      });
    });

    test("runs a proposed call, whatever its schema makes of the input, once", async () => {
      const { sdk, session, wrap, denied } = setUp(true);
      const got: unknown[] = [];
      const when = z.object({ at: z.string().transform((text) => new Date(text)), seats: z.number().default(2) });
      const own = jsonSchema({ type: "object" }, {
        validate: async ({ at }: any) => ({ success: true, value: { at: new Map([["url", at]]), all: new Set([1]) } }),
      });
      const execute = (input: unknown): string => (got.push(input), "ok");
      const tools = sdk.tools({
        book: tool({ inputSchema: when, execute }),
        open: tool({ inputSchema: own, execute }),
        none: tool({ inputSchema: anyInput, execute }),
      });
      for (const way of [generateText, streamText]) {
        const content = [
          { type: "tool-call", toolCallId: "1", toolName: "book", input: '{"at":"2026-01-01T00:00:00.000Z"}' },
          { type: "tool-call", toolCallId: "2", toolName: "open", input: '{"at":"https://example.org/"}' },
          { type: "tool-call", toolCallId: "3", toolName: "none", input: "" },
        ];
        const model = wrap(modelOf([answer("", [], { content }), answer("done")]));
        const result = await way({ model, tools, prompt: "?", stopWhen: stepCountIs(2) });
        expect(await result.text).toBe("done");
      }
      const once = [
        { at: new Date(Date.UTC(2026, 0, 1)), seats: 2 },
        {},
        { at: new Map([["url", "https://example.org/"]]), all: new Set([1]) },
      ];
      expect([got, denied, session.context.toolCallCount]).toEqual([[...once, ...once], [], 6]);
      const again = { toolCallId: "3", messages: [] };
      expect(await tools.none.execute({}, again)).toMatchObject({ denied: true, code: "ungoverned_method" });
    });

    test("runs what prepareStep brings in wrapped, what the host calls by hand, and what it has a grant for", async () => {
      const { tools, wrap, ran } = setUp(true);
      await generateText({
        model: wrap(done()),
        tools,
        prompt: "?",
        stopWhen: stepCountIs(2),
        prepareStep: ({ stepNumber }: any) => (stepNumber === 0 ? { model: wrap(paying()) } : {}),
      });
      expect(await tools.pay.execute({ eur: 6 }, {})).toBe("paid");
      expect(ran).toEqual([{ eur: 5 }, { eur: 6 }]);

      const approvalKey = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
      const options = { policy: { requireHumanApproval: ["pay"] }, approvalKey };
      const first = setUp(true, options);
      const { steps } = await generateText({
        model: first.wrap(paying()),
        tools: first.tools,
        prompt: "?",
        stopWhen: stepCountIs(1),
      });
      const { approval } = steps[0].toolResults[0].output;
      const grant = await grantApproval(approval as ApprovalRequest, approvalKey, { approved: true, by: "ada" });
      // In another process: the session has the name of the first, and has seen no model.
      const second = setUp(true, options, { grantOf: ({ callId }: any) => (callId === "evil" ? grant : undefined) });
      const call = (input: object): unknown => second.tools.pay.execute(input, { toolCallId: "evil", messages: [] });
      expect(await call({ eur: 6 })).toMatchObject({ denied: true });
      expect([await call({ eur: 5 }), second.ran]).toEqual(["paid", [{ eur: 5 }]]);
    });
  });

  describe(`aiSdk() with ${title} governs a provider`, () => {
    const BLOCK: KernelOptions = { policy: { blockedPatterns: ["launch code"] } };
    const other = {
      specificationVersion: major.isV4 ? "v4" : "v3",
      provider: "p",
      modelId: "x",
      maxEmbeddingsPerCall: 9,
    };

    /** A provider that is called itself, as most are, with a class's method among its members. */
    function setUp(strict: boolean) {
      const session = createKernel(BLOCK).session({ agentId: "helper" });
      const inner = modelOf([answer("ok")]);
      const embedding = {
        ...other,
        doEmbed: async () => ({ embeddings: [[1]], warnings: [] }),
      };
      class Members {
        readonly specificationVersion = other.specificationVersion;
        readonly tools = { search: (): object => ({}) };
        readonly kept = { uploadFile: (): string => "sent" };
        languageModel(): unknown {
          return inner;
        }
        embeddingModel(): unknown {
          return embedding;
        }
        imageModel(): unknown {
          return { ...other, doGenerate: async () => ({ images: [] }) };
        }
        speechModel(): unknown {
          return { ...other, doGenerate: async () => ({}), doStream: async () => ({}) };
        }
        files(): object {
          return { uploadFile: (): string => "sent" };
        }
      }
      const members: any = new Members();
      const made: any = Object.assign(() => members.languageModel(), members, { chat: () => inner });
      Object.setPrototypeOf(made, Members.prototype);
      const sdk = aiSdk(session, { strict });
      return { inner, session, provider: sdk.provider(made), of: sdk.provider(members) };
    }

    test.each([true, false])(
      "whose language models pass the gates, whatever makes them, strict: %s",
      async (strict) => {
        const { provider, of, inner, session } = setUp(strict);
        for (const model of [provider("m"), provider.languageModel("m"), provider.chat("m"), of.languageModel("m")]) {
          expect((await generateText({ model, prompt: "hi" })).text).toBe("ok");
          expect(await streamText({ model, prompt: "hi" }).text).toBe("ok");
          await expect(generateText({ model, prompt: "the launch code" })).rejects.toMatchObject({
            code: "blocked_pattern",
          });
          expect(model.modelId).toBe(inner.modelId);
        }
        expect([session.context.modelCallCount, inner.doGenerateCalls.length, inner.doStreamCalls.length]).toEqual([
          8,
          4,
          4,
        ]);
        expect(Object.keys(provider.tools)).toEqual(["search"]);
      },
    );

    test("whose models are named by a string, where it is the SDK's own", async () => {
      const { of, session } = setUp(true);
      (globalThis as any).AI_SDK_DEFAULT_PROVIDER = of;
      try {
        expect((await generateText({ model: "m", prompt: "hi" })).text).toBe("ok");
        await expect(generateText({ model: "m", prompt: "the launch code" })).rejects.toMatchObject({
          code: "blocked_pattern",
        });
        await expect(major.ai.embed({ model: "e", value: "the launch code" })).rejects.toThrow(
          /"embeddingModel" of the provider: it is no language model, and strict is true/,
        );
        expect(session.context.modelCallCount).toBe(1);
      } finally {
        Reflect.deleteProperty(globalThis, "AI_SDK_DEFAULT_PROVIDER");
      }
    });

    test("whose other models and files a strict plugin refuses, and another one passes through", async () => {
      const strict: any = setUp(true);
      for (const provider of [strict.provider, strict.of]) {
        for (const name of ["embeddingModel", "imageModel", "speechModel", "files"]) {
          expect(() => provider[name]("x")).toThrow(`Cannot govern "${name}" of the provider`);
        }
        expect(provider.kept).toBe(undefined);
      }
      const loose: any = setUp(false).provider;
      const { embedding } = await major.ai.embed({ model: loose.embeddingModel("x"), value: "hi" });
      expect([embedding, loose.files().uploadFile(), loose.kept.uploadFile()]).toEqual([[1], "sent", "sent"]);
    });
  });

  describe(`aiSdk() with ${title} ends with the act`, () => {
    const started = (): { begin: () => Promise<never>; begun: Promise<void> } => {
      let say!: () => void;
      const begun = new Promise<void>((done) => (say = done));
      return { begin: () => (say(), new Promise<never>(() => undefined)), begun };
    };

    test.each<
      [string, (sdk: here.AiSdk, begin: () => Promise<never>, abortSignal: AbortSignal) => PromiseLike<unknown>]
    >([
      [
        "a whole answer",
        (sdk, begin, abortSignal) =>
          wrapLanguageModel({ model: new major.Model({ doGenerate: begin }), middleware: sdk.middleware }).doGenerate({
            prompt: [],
            abortSignal,
          }),
      ],
      [
        "a stream",
        (sdk, begin, abortSignal) =>
          wrapLanguageModel({ model: new major.Model({ doStream: begin }), middleware: sdk.middleware }).doStream({
            prompt: [],
            abortSignal,
          }),
      ],
      [
        "a tool",
        (sdk, begin, abortSignal) =>
          (sdk.tools({ run: { execute: begin } }).run.execute as any)({}, { toolCallId: "1", abortSignal }),
      ],
      ["a tool of many answers", (sdk, begin, abortSignal) => {
        const { run } = sdk.tools({
          run: {
            async *execute(): AsyncGenerator<unknown> {
              yield await begin();
            },
          },
        });
        return (run.execute as any)({}, { toolCallId: "1", abortSignal }).next();
      }],
    ])("of %s that never settles, and gives its place back", async (_what, call) => {
      const session = createKernel({ policy: { maxConcurrent: 1 } }).session({ agentId: "a" });
      const { begin, begun } = started();
      const stop = new AbortController();
      const ended = Promise.resolve(call(aiSdk(session), begin, stop.signal)).then(
        () => "settled",
        ({ message }) => message,
      );
      await begun;
      stop.abort(new Error("enough"));
      expect(await ended).toBe("enough");
      expect(await session.tool({ name: "next", arguments: {} }, () => 1)).toBe(1);
      expect(await session.model({ model: "next", request: {} }, () => 1)).toBe(1);
    });
  });

  describe(`aiSdk() with ${title} governs once`, () => {
    const usesOf = ({ context }: Session): readonly number[] => [context.modelCallCount, context.totalTokens];

    test("a model of two plugins whose sessions are found for each call, by the context of that call", async () => {
      const sessions = new Map(["a", "b"].map((agentId) => [agentId, createKernel().session({ agentId })]));
      const asked: unknown[] = [];
      const find = ({ context }: any): Session => {
        asked.push(context?.who);
        return sessions.get(context.who) as Session;
      };
      const inner = modelOf([answer("ok")]);
      const once = wrapLanguageModel({ model: inner, middleware: aiSdk(find).middleware });
      const twice = wrapLanguageModel({ model: once, middleware: aiSdk(find).middleware });
      for (const who of ["a", "b", "a"]) {
        await ask(twice, { providerOptions: { sallyport: { who } } });
        await all((await twice.doStream({ prompt: [], providerOptions: { sallyport: { who } } })).stream);
      }
      expect(asked.filter((who) => who === undefined)).toEqual([]);
      expect([...sessions.values()].map(usesOf)).toEqual([[4, 60], [2, 30]]);
      expect(JSON.stringify([...inner.doGenerateCalls, ...inner.doStreamCalls])).not.toContain("sallyport");
    });

    test("a model of one session with another one's between", async () => {
      const [first, second] = [createKernel().session({ agentId: "a" }), createKernel().session({ agentId: "b" })];
      let model = modelOf([answer("ok")]);
      for (const session of [first, second, first, second]) {
        model = wrapLanguageModel({ model, middleware: aiSdk(() => session).middleware });
      }
      await ask(model);
      await all((await model.doStream({ prompt: [] })).stream);
      expect([usesOf(first), usesOf(second)]).toEqual([[2, 30], [2, 30]]);
    });

    test("and refuses a model of a plugin that judges less, whose own judgement would be left out", async () => {
      for (const stricter of [{ strict: true }, { definitions: true }]) {
        const session = createKernel().session({ agentId: "a" });
        const inner = modelOf([answer("ok")]);
        const strict = wrapLanguageModel({ model: inner, middleware: aiSdk(session, stricter).middleware });
        const loose = wrapLanguageModel({ model: strict, middleware: aiSdk(session).middleware });
        await expect(ask(loose)).rejects.toThrow("governed already, by a plugin that judges less");
        await expect(loose.doStream({ prompt: [] })).rejects.toThrow("judges less");
        expect(inner.doGenerateCalls.length + inner.doStreamCalls.length).toBe(0);
        const other = wrapLanguageModel({ model: inner, middleware: aiSdk(session).middleware });
        const around = wrapLanguageModel({ model: other, middleware: aiSdk(session, stricter).middleware });
        expect((await ask(around)).content).toEqual([{ type: "text", text: "ok" }]);
      }
    });
  });

  describe(`aiSdk() with ${title} and a second copy of the package`, () => {
    const folder = mkdtempSync(join(tmpdir(), "sallyport-plugin-"));
    let other: typeof here;
    beforeAll(async () => {
      const { outputFiles } = await build({
        entryPoints: [fileURLToPath(new URL("../../../plugins/ai-sdk.ts", import.meta.url))],
        bundle: true,
        format: "esm",
        write: false,
      });
      const path = join(folder, "ai-sdk.mjs");
      writeFileSync(path, outputFiles[0]?.text as string);
      other = await import(/* @vite-ignore */ pathToFileURL(path).href) as typeof here;
      expect(other.aiSdk).not.toBe(aiSdk);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test("refuses a model that the other one has wrapped, and counts it no second time", async () => {
      for (const [outer, within] of [[here, other], [other, here]] as const) {
        const session = createKernel().session({ agentId: "a" });
        const inner = modelOf([answer("ok")]);
        const once = wrapLanguageModel({ model: inner, middleware: within.aiSdk(session).middleware });
        const twice = wrapLanguageModel({ model: once, middleware: outer.aiSdk(() => session).middleware });
        await expect(ask(twice)).rejects.toThrow("governed by another copy of sallyport");
        await expect(twice.doStream({ prompt: [] })).rejects.toThrow("governed by another copy of sallyport");
        expect(inner.doGenerateCalls.length + inner.doStreamCalls.length).toBe(0);
        expect((await ask(once)).content).toEqual([{ type: "text", text: "ok" }]);
      }
    });

    test("refuses a tool that the other one has governed", () => {
      const session = createKernel().session({ agentId: "a" });
      const run = tool({ inputSchema: anyInput, execute: () => 1 });
      for (const [first, second] of [[here, other], [other, here]] as const) {
        const tools = first.aiSdk(session).tools({ run });
        expect(() => second.aiSdk(session).tools({ again: { ...tools.run } })).toThrow(/"again" is governed already/);
        expect(Object.keys(second.aiSdk(session).tools({ run }))).toEqual(["run"]);
      }
    });
  });
}
