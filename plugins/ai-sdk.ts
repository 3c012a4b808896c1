/**
 * Connects the Vercel AI SDK, `ai` 6 and 7: a middleware for language models and a wrapper for tools.
 *
 * @module
 */
import type { Coverage, PolicyViolationError, Session, SessionSource, TokenUsage, View } from "../mod.ts";

/**
 * What a {@linkcode SessionSource} function is told, so that one middleware can serve many sessions: a model and its
 * id, or a tool and its name.
 */
export interface AiSdkContext {
  /** Which of both. */
  readonly kind: "model" | "tool";
  /** Its id, or its name. */
  readonly name: string;
  /**
   * For a model: `providerOptions.sallyport` of the call. For a tool: its `context` (`ai` 7) or `experimental_context`
   * (`ai` 6).
   */
  readonly context: unknown;
}

/**
 * The middleware, as `wrapLanguageModel` and `wrapProvider` of both majors take it: for `generateText` and all that
 * answers whole, and for `streamText`.
 */
export interface AiMiddleware {
  /** The form of middleware. */
  readonly specificationVersion: "v3";
  /** Governs a whole answer. */
  wrapGenerate<P extends object, R extends object>(
    call: { params: P; model: { readonly modelId: string; doGenerate(options: P): PromiseLike<R> } },
  ): Promise<R>;
  /** Governs a stream. */
  wrapStream<P extends object, R extends object>(
    call: { params: P; model: { readonly modelId: string; doStream(options: P): PromiseLike<R> } },
  ): Promise<R>;
}

/** Governs what the AI SDK calls. */
export interface AiSdk {
  /** Governs models. Of several middlewares it comes last, nearest to the model: there it sees what is really sent. */
  readonly middleware: AiMiddleware;
  /**
   * Copies tools, with every `execute` governed: a refused call answers `{ denied: true, code, reason }`, which the
   * model reads.
   */
  tools<T extends object>(tools: T): T;
  /** Says what is governed, and what is not. */
  coverage(tools?: object): Coverage;
}

type Part = Readonly<Record<string, unknown>>;
type Call = { readonly id: unknown; readonly name: unknown; readonly arguments: unknown };
type Said = { readonly content?: unknown; readonly parts?: unknown };
type Answered = Said & {
  readonly toolCalls?: readonly Call[];
  readonly finishReason?: string;
  readonly interleaved?: string;
};
type Asked = { readonly messages?: readonly (Said & { readonly role: unknown })[]; readonly tools?: readonly Part[] };
type Params = {
  readonly prompt: readonly Part[];
  readonly tools?: readonly Part[];
  readonly abortSignal?: AbortSignal;
  readonly providerOptions?: Part;
};
type Generated = {
  readonly content: readonly Part[];
  readonly finishReason: unknown;
  readonly usage: unknown;
  readonly response?: object;
};
type Options = {
  readonly toolCallId?: string;
  readonly abortSignal?: AbortSignal;
  readonly context?: unknown;
  readonly experimental_context?: unknown;
};
type Tool = {
  readonly execute: (input: unknown, options: object) => unknown;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly toModelOutput?: unknown;
};
type Schema = {
  readonly jsonSchema: unknown;
  readonly "~standard": { readonly jsonSchema: { input(options: object): unknown } };
};
type Model = {
  readonly modelId: string;
  doGenerate(options: Params): PromiseLike<Generated>;
  doStream(options: Params): PromiseLike<{ readonly stream: ReadableStream<Part> }>;
};

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const broken = (what: string): TypeError => new TypeError(`The AI SDK cannot take what a guard changed: ${what}`);
/** Calls have a gate of their own, unless the provider ran them: those are parts like any other. */
const isCall = ({ type, providerExecuted }: Part): boolean => type === "tool-call" && providerExecuted !== true;
const isBytes = (data: unknown): boolean =>
  ArrayBuffer.isView(data) ||
  (typeof data === "string" ? !/^https?:/i.test(data) : (data as Part | undefined)?.["type"] === "data");

/**
 * Parts as plain data, without what only the provider reads, what calls are called with, and bytes that are no text.
 */
function plain(parts: readonly Part[]): unknown {
  const shown = parts.map(({ providerMetadata: _told, providerOptions: _given, ...part }): Part => {
    const isBinary = isBytes(part["data"]) && !/^text\/|\b(?:json|xml)\b/.test(String(part["mediaType"] ?? "text/"));
    return { ...part, ...(isCall(part) ? { input: undefined } : {}), ...(isBinary ? { data: undefined } : {}) };
  });
  return JSON.parse(JSON.stringify(shown, function (this: Part, key: string, value: unknown): unknown {
    if (value instanceof Error) return { name: value.name, message: value.message };
    return ArrayBuffer.isView(this[key]) ? new TextDecoder().decode(this[key]) : value;
  }));
}

/** A value with put in what differs between its plain form and the changed one. */
function graft(value: unknown, before: unknown, after: unknown): unknown {
  if (same(before, after)) return value;
  if (typeof value !== "object" || value === null) return after;
  if (
    typeof before !== "object" || typeof after !== "object" || after === null ||
    (Array.isArray(value) && (before as unknown[]).length !== (after as unknown[]).length)
  ) throw broken("a part's shape");
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...value };
  for (const key of Object.keys({ ...before, ...after })) {
    copy[key] = graft(copy[key], (before as Part)[key], (after as Part)[key]);
  }
  return copy;
}

const textsIn = (parts: readonly Part[]): string =>
  parts.filter(({ type }) => type === "text").map(({ text }) => {
    if (typeof text === "string") return text;
    throw new TypeError("A text part has no text");
  }).join("");
/**
 * What parts say: their text; and, where they are more than one text, the parts too, so that nothing hides at a seam or
 * behind it.
 */
function readParts(parts: readonly Part[]): Said {
  const content = textsIn(parts);
  return parts.length < 2 && parts.every(({ type, citations }) => type === "text" && citations === undefined)
    ? { content }
    : { content, parts: plain(parts) };
}

function writeParts(parts: readonly Part[], after: Said | undefined): readonly Part[] {
  const before = readParts(parts);
  const content = after?.content;
  const grafted = graft(parts, before.parts, after?.parts ?? before.parts) as readonly Part[];
  if (content === before.content || content === textsIn(grafted)) return grafted;
  if (typeof content !== "string" || grafted !== parts) {
    throw broken("content that is no text, or contradicts the parts");
  }
  // A text for all of them: it stands in the first, and the others are left out.
  const first = parts.findIndex(({ type }) => type === "text");
  const written = parts.filter(({ type }, index) => type !== "text" || index === first).map((
    part,
    index,
  ) => (index === first ? { ...part, text: content } : part));
  return first === -1 ? [...parts, { type: "text", text: content }] : written;
}
const partsOf = (
  content: unknown,
): readonly Part[] => (typeof content === "string" ? [{ type: "text", text: content }] : (content as Part[]));

function readRequest({ prompt, tools }: Params): Asked {
  const messages = prompt.map(({ role, content }) => ({ role, ...readParts(partsOf(content)) }));
  return tools === undefined ? { messages } : { messages, tools: tools.map(({ name }) => ({ name })) };
}

function writeRequest(params: Params, { messages, tools }: Asked): Params {
  if (messages?.length !== params.prompt.length) throw broken("messages that were added or taken away");
  const prompt = params.prompt.map((message, index): Part => {
    if (messages[index]?.role !== message["role"]) throw broken("a message of another role");
    const written = writeParts(partsOf(message["content"]), messages[index]);
    return { ...message, content: typeof message["content"] === "string" ? textsIn(written) : written };
  });
  return {
    ...params,
    prompt,
    ...(params.tools === undefined
      ? {}
      : { tools: params.tools.filter(({ name }) => tools?.some((tool) => tool["name"] === name)) }),
  };
}

function callOf({ toolCallId: id, toolName: name, input }: Part): Call {
  try {
    return { id, name, arguments: JSON.parse(input as string) };
  } catch {
    return { id, name, arguments: input };
  }
}

function readContent(content: readonly Part[], reason: unknown): Answered {
  return {
    ...readParts(content.filter((part) => !isCall(part))),
    toolCalls: content.filter(isCall).map(callOf),
    finishReason: String((reason as Part | undefined)?.["unified"] ?? reason ?? ""),
  };
}

/**
 * Content with the changed parts and calls; a guard may take calls away and change their arguments, and not add any.
 */
function writeContent(content: readonly Part[], after: Answered): readonly Part[] {
  const calls = content.filter(isCall);
  const [told, known] = [
    new Map(after.toolCalls?.map((call) => [call.id, call])),
    new Set(calls.map(({ toolCallId }) => toolCallId)),
  ];
  if (
    known.size !== calls.length || told.size !== after.toolCalls?.length ||
    ![...told.keys()].every((id) => known.has(id))
  ) throw broken("tool calls that the model did not make");
  return [
    ...writeParts(content.filter((part) => !isCall(part)), after),
    ...calls.flatMap((part): Part[] => {
      const call = told.get(part["toolCallId"]);
      if (call === undefined || same(call, callOf(part))) return call === undefined ? [] : [part];
      return [{
        ...part,
        toolName: call.name,
        input: typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments),
      }];
    }),
  ];
}

const GENERATED: View<Generated> = {
  read: ({ content, finishReason }) => readContent(content, finishReason),
  // The body as the provider sent it still says the old.
  write: (result, after: Answered) => ({
    ...result,
    content: writeContent(result.content, after),
    ...(result.response === undefined ? {} : { response: { ...result.response, body: undefined } }),
  }),
};

/** Parts that carry nothing to judge. */
const BARE = /^(?:stream-start|response-metadata|finish|raw|ping)$/;
const finishOf = (parts: readonly Part[]): Part | undefined => parts.findLast(({ type }) => type === "finish");

/** The content of a stream's parts: what comes under one id is one text. */
function contentOf(parts: readonly Part[]): readonly Part[] {
  const content: Part[] = [];
  const blocks = new Map<string, { text: string }>();
  for (const part of parts.filter(({ type }) => !BARE.test(String(type)))) {
    const [, kind, step] = /^(text|reasoning)-(start|delta|end)$/.exec(String(part["type"])) ?? [];
    if (kind === undefined) {
      content.push(part);
      continue;
    }
    const { type: _type, id, delta = "", ...rest } = part;
    if (typeof delta !== "string" || (step === "delta" && !("delta" in part))) {
      throw new TypeError("A delta has no text");
    }
    const key = `${kind} ${String(id)}`;
    const block = blocks.get(key) ?? { type: kind, text: "" };
    if (!blocks.has(key)) content.push(block);
    blocks.set(key, Object.assign(block, rest, { text: block.text + delta }));
  }
  return content;
}

const STREAMED: View<readonly Part[]> = {
  read: (parts) => {
    const read = readContent(contentOf(parts), finishOf(parts)?.["finishReason"]);
    const arrived = parts.filter(({ type }) => type === "text-delta").map(({ delta }) => delta).join("");
    return arrived === read.content ? read : { ...read, interleaved: arrived };
  },
  write: (parts, after: Answered) => [
    ...parts.filter(({ type }) => type === "stream-start" || type === "response-metadata"),
    ...writeContent(contentOf(parts), after).flatMap((part, index): Part[] => {
      const { type, text: delta, ...rest } = part;
      const id = `sallyport-${index}`;
      return type !== "text" && type !== "reasoning"
        ? [part]
        : [{ type: `${type}-start`, id }, { type: `${type}-delta`, id, delta }, { ...rest, type: `${type}-end`, id }];
    }),
    ...parts.filter(({ type }) => type === "finish"),
  ],
};

/** A stream of parts that come later, all at once. */
const replay = (parts: Promise<readonly Part[]>, left: AbortController): ReadableStream<Part> =>
  new ReadableStream<Part>({
    start: (controller) =>
      void parts.then((judged) => [...judged.map((part) => controller.enqueue(part)), controller.close()])
        .catch((error: unknown) => void (left.signal.aborted || controller.error(error))),
    cancel: (reason) => left.abort(reason),
  });

/**
 * Closes a JSON Schema as the SDK does with what it makes of zod and Standard Schemas: an object has no properties but
 * those it names.
 */
function close(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  const fields = schema as Record<string, unknown>;
  const isObject = [fields["type"]].flat().includes("object");
  if (isObject && Object(fields["additionalProperties"]) !== fields["additionalProperties"]) {
    fields["additionalProperties"] = false;
  }
  for (const key of ["items", "anyOf", "allOf", "oneOf", ...(isObject ? ["additionalProperties"] : [])]) {
    [fields[key]].flat().forEach(close);
  }
  for (const key of ["definitions", ...(isObject ? ["properties"] : [])]) {
    Object.values(fields[key] ?? {}).forEach(close);
  }
  return fields;
}

/**
 * The JSON Schema that models are told, as `asSchema` of the SDK makes it. It rejects where there is none: the schema
 * itself, then, equals no pin.
 */
async function schemaOf(given: unknown): Promise<unknown> {
  const schema = (typeof given === "function" && !("~standard" in given) ? given() : given) as Schema;
  return Symbol.for("vercel.ai.schema") in schema
    ? await schema.jsonSchema
    : close(schema["~standard"].jsonSchema.input({ target: "draft-07" }));
}

const figure = (value: unknown): number | undefined =>
  ((value as { total?: unknown } | undefined)?.total ?? value) as number | undefined;
const usageIn = (usage: unknown): TokenUsage =>
  Object.fromEntries(
    ["inputTokens", "outputTokens", "totalTokens"].map((key) => [key, figure((usage as Part | undefined)?.[key])]),
  );
const isSession = (value: unknown): value is Session => typeof (value as Partial<Session> | null)?.model === "function";
const isTool = (value: unknown): value is Tool => typeof (value as Partial<Tool> | null)?.execute === "function";

/**
 * Governs models and tools of the AI SDK, `ai` 6 and 7, in a session or in the one that a function finds for each call.
 *
 * A model's prompt and its answer pass `pre_model_call` and `post_model_call`, every attempt anew; a refusal rejects
 * with `PolicyViolationError`, which
 * is not retried. Text stands in `content`; where there is more than one text, `parts` follow: reasoning, earlier
 * results, files without their bytes; not
 * the arguments of earlier calls, which passed a gate of their own. A stream, and what a tool yields, is held until all
 * of it was judged: give
 * `timeout.chunkMs` time for that. The kernel's `approve` asks a person while the call waits; `toolApproval` and
 * `needsApproval` come before. For `pinTools`,
 * `metadata.tool` has a tool's own `execute` as `fn`, its `description`, and `asSchema(inputSchema).jsonSchema`: of zod
 * before 4.2 only if made by `zodSchema`.
 *
 * @throws {TypeError} If `source` is neither a session nor a function.
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
export function aiSdk(source: SessionSource<AiSdkContext>): AiSdk {
  if (typeof source !== "function" && !isSession(source)) {
    throw new TypeError(`Cannot build aiSdk(): "source" must be a session or a function, and is ${typeof source}`);
  }
  const sessionOf = (context: AiSdkContext): Session => {
    let session: unknown;
    // A model may read the error below, so what the function threw stays out of it.
    try {
      session = typeof source === "function" ? source(context) : source;
    } catch {
      session = undefined;
    }
    if (isSession(session)) return session;
    throw new TypeError("No session was found to judge this call");
  };
  const govern = async <T>(
    name: string,
    params: Params,
    act: (params: Params, signal: AbortSignal) => Promise<T>,
    usageOf: (value: T) => TokenUsage,
    view: View<T>,
  ): Promise<T> => {
    const session = sessionOf({ kind: "model", name, context: params.providerOptions?.["sallyport"] });
    const call = { model: name, request: readRequest(params), signal: params.abortSignal };
    return await session.model<T>(
      call,
      (asked: Asked, signal, changed) =>
        act({ ...(changed ? writeRequest(params, asked) : params), abortSignal: signal }, signal),
      usageOf,
      view,
    );
  };
  const wrapGenerate = ({ params, model }: { params: Params; model: Model }): Promise<Generated> =>
    govern(
      model.modelId,
      params,
      async (given) => await model.doGenerate(given),
      ({ usage }) => usageIn(usage),
      GENERATED,
    );
  const wrapStream = ({ params, model }: { params: Params; model: Model }): Promise<object> => {
    const left = new AbortController();
    const abortSignal = params.abortSignal === undefined
      ? left.signal
      : AbortSignal.any([params.abortSignal, left.signal]);
    return new Promise((resolve, reject) => {
      const parts = govern(
        model.modelId,
        { ...params, abortSignal },
        async (given, signal) => {
          const result = await model.doStream(given);
          resolve({ ...result, stream: replay(parts, left) });
          const all: Part[] = [];
          const reader = result.stream.getReader();
          const leave = (): void => void reader.cancel(signal.reason).catch(() => undefined); // not waited for: it may take for ever
          if (signal.aborted) leave();
          else signal.addEventListener("abort", leave); // the act's own signal, which is forgotten with it
          for (let one = await reader.read(); !one.done; one = await reader.read()) all.push(one.value);
          signal.throwIfAborted();
          // A call's input comes whole with the call: in pieces, nobody would judge it.
          return all.filter(({ type }) => !String(type).startsWith("tool-input-"));
        },
        (all) => usageIn(finishOf(all)?.["usage"]),
        STREAMED,
      );
      parts.then(() => reject(new TypeError("An interceptor did not call the model")), reject);
    });
  };
  const run = async (
    name: string,
    tool: Tool,
    { description, inputSchema }: Tool,
    input: unknown,
    options: Options = {},
    fn: Tool["execute"] = tool.execute,
  ): Promise<readonly unknown[]> => {
    let isMany = false;
    try {
      const session = sessionOf({ kind: "tool", name, context: options.context ?? options.experimental_context });
      const metadata = { tool: { fn, description, inputSchema: await schemaOf(inputSchema).catch(() => inputSchema) } };
      const result = await session.tool<unknown>({
        name,
        arguments: input,
        callId: options.toolCallId,
        signal: options.abortSignal,
        metadata,
      }, async (args, signal) => {
        const output = fn.call(tool, args, { ...options, abortSignal: signal }) as
          | Partial<AsyncIterable<unknown>>
          | null
          | undefined;
        if (typeof output?.[Symbol.asyncIterator] !== "function") return await output;
        const all: unknown[] = [];
        for await (const one of output as AsyncIterable<unknown>) all.push(one);
        isMany = all.length > 1;
        return isMany ? all : all[0];
      });
      return isMany && Array.isArray(result) ? result : [result];
    } catch (error) {
      const { "~brand": brand, code, reason } = (error ?? {}) as Partial<PolicyViolationError>;
      // What makes a text of the tool's results knows nothing of refusals; an error's message goes past it to the
      // model.
      if (brand !== "sallyport.PolicyViolationError" || tool.toModelOutput !== undefined) throw error;
      return [{ denied: true, code, reason }];
    }
  };
  const governed = (name: string, tool: Tool): Tool => {
    // The SDK takes the answers of a generator one by one, and that of a function as one: each stays what it is.
    const execute = Object.prototype.toString.call(tool.execute) === "[object AsyncGeneratorFunction]"
      ? async function* (input: unknown, options?: Options): AsyncGenerator<unknown, void, undefined> {
        yield* await run(name, tool, copy, input, options);
      }
      : async (input: unknown, options?: Options): Promise<unknown> =>
        (await run(name, tool, copy, input, options)).at(-1);
    const own = {
      ...Object.getOwnPropertyDescriptors(tool),
      execute: { value: execute, enumerable: true, writable: true, configurable: true },
    };
    const copy = Object.create(Object.getPrototypeOf(tool) as object | null, own) as Tool;
    return copy;
  };
  return {
    middleware: { specificationVersion: "v3", wrapGenerate, wrapStream } as unknown as AiMiddleware,
    tools: <T extends object>(tools: T): T =>
      Object.fromEntries(
        Object.entries(tools).map(([name, tool]) => [name, isTool(tool) ? governed(name, tool) : tool]),
      ) as T,
    coverage: (tools: object = {}): Coverage => {
      const named = (wanted: boolean): string[] =>
        Object.entries(tools).filter(([, tool]) => isTool(tool) === wanted).map(([name]) => `tools.${name}`);
      return {
        governed: ["doGenerate", "doStream", ...named(true)],
        passedThrough: ["providerMetadata", "raw", "calls of earlier turns"],
        ungoverned: named(false),
      };
    },
  };
}
