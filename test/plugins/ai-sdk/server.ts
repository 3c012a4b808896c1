/**
 * A plain Node server that answers with every way of the SDK to make a response of a stream, and asks itself each. Runs
 * in a process of its own: where a refusal left a rejection behind, it would end with another code than 0.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import * as sdk from "ai";
import * as doubles from "ai/test";
import { createKernel } from "../../../mod.ts";
import { aiSdk } from "../../../plugins/ai-sdk.ts";

const ai: any = sdk;
const Model: any = (doubles as any).MockLanguageModelV4 ?? (doubles as any).MockLanguageModelV3;
const MAJOR = "MockLanguageModelV4" in doubles ? 7 : 6;

/** A word at which the policy stops, by where it stands. */
const WORD = "forbidden";
const KINDS = ["prompt", "answer", "tool", "object", "broken", "endless"] as const;
type Kind = (typeof KINDS)[number];

const kernel = createKernel({ policy: { blockedPatterns: [WORD] } });
const told: string[] = [];
/** How many endless answers were begun, and how many of them were cancelled. */
const endless = { begun: 0, cancelled: 0 };
const onError = ({ error }: { error: unknown }): void => void told.push(codeOf(error));
const codeOf = (error: any): string => String(error?.code ?? error?.message ?? error);

function partsFor(kind: Kind): any[] {
  const text = kind === "answer" || kind === "object" ? `{"said":"${WORD}"}` : `{"said":"fine"}`;
  return [
    { type: "stream-start", warnings: [] },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: text.slice(0, 4) },
    { type: "text-delta", id: "1", delta: text.slice(4) },
    { type: "text-end", id: "1" },
    ...(kind === "tool"
      ? [{ type: "tool-call", toolCallId: "c1", toolName: "send", input: `{"text":"${WORD}"}` }]
      : []),
    { type: "finish", finishReason: { unified: kind === "tool" ? "tool-calls" : "stop" }, usage: figures },
  ];
}
const figures = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };

function streamFor(kind: Kind): ReadableStream<any> {
  const parts = partsFor(kind);
  if (kind === "endless") endless.begun++;
  return new ReadableStream({
    pull: (controller) => {
      if (kind === "endless") return new Promise<void>(() => undefined);
      const next = parts.shift();
      if (kind === "broken" && parts.length < 3) controller.error(new Error("the provider hung up"));
      else if (next === undefined) controller.close();
      else controller.enqueue(next);
      return undefined;
    },
    cancel: () => void endless.cancelled++,
  });
}

function governed(kind: Kind): { model: any; tools: any; prompt: string } {
  const { middleware, tools } = aiSdk(kernel.session({ agentId: "server" }));
  let turn = 0;
  const inner = new Model({ doStream: async () => ({ stream: streamFor(turn++ === 0 ? kind : "prompt") }) });
  const send = { inputSchema: ai.jsonSchema({ type: "object" }), execute: (): string => "sent" };
  return {
    model: ai.wrapLanguageModel({ model: inner, middleware }),
    tools: tools({ send: ai.tool(send) }),
    prompt: kind === "prompt" ? `something ${WORD}` : "hello",
  };
}

function streamText(kind: Kind, abortSignal: AbortSignal): any {
  return ai.streamText({ ...governed(kind), maxRetries: 0, onError, abortSignal, stopWhen: ai.stepCountIs(3) });
}

function streamObject(kind: Kind, abortSignal: AbortSignal): any {
  const { model, prompt } = governed(kind);
  return ai.streamObject({
    model,
    prompt,
    maxRetries: 0,
    onError,
    abortSignal,
    schema: ai.jsonSchema({ type: "object" }),
  });
}

async function send(from: Response, response: ServerResponse): Promise<void> {
  response.writeHead(from.status, Object.fromEntries(from.headers));
  const body = Readable.fromWeb(from.body as any);
  // What every framework does with a body that breaks.
  body.on("error", () => response.destroy());
  response.on("close", () => body.destroy());
  body.pipe(response);
}

type Way = (kind: Kind, response: ServerResponse, signal: AbortSignal) => unknown;
const uiError = (error: unknown): string => `refused: ${codeOf(error)}`;
const agentOptions = (kind: Kind): any => {
  const { model, tools, prompt } = governed(kind);
  const agent = new ai.ToolLoopAgent({ model, tools, maxRetries: 0, stopWhen: ai.stepCountIs(3) });
  const uiMessages = [{ id: "1", role: "user", parts: [{ type: "text", text: prompt }] }];
  return { agent, uiMessages, onError: (error: unknown) => (told.push(codeOf(error)), uiError(error)) };
};
const textOf = (
  result: any,
): object => (MAJOR === 6 ? { textStream: result.textStream } : { stream: result.textStream });

const WAYS: Record<string, Way> = {
  pipeUIMessageStreamToResponse: (kind, response, signal) =>
    streamText(kind, signal).pipeUIMessageStreamToResponse(response, { onError: uiError }),
  pipeTextStreamToResponse: (kind, response, signal) => streamText(kind, signal).pipeTextStreamToResponse(response),
  toUIMessageStreamResponse: (kind, response, signal) =>
    send(streamText(kind, signal).toUIMessageStreamResponse({ onError: uiError }), response),
  toTextStreamResponse: (kind, response, signal) => send(streamText(kind, signal).toTextStreamResponse(), response),
  "ai.pipeUIMessageStreamToResponse": (kind, response, signal) =>
    ai.pipeUIMessageStreamToResponse({
      response,
      stream: streamText(kind, signal).toUIMessageStream({ onError: uiError }),
    }),
  "ai.pipeTextStreamToResponse": (kind, response, signal) =>
    ai.pipeTextStreamToResponse({ response, ...textOf(streamText(kind, signal)) }),
  "ai.createUIMessageStreamResponse": (kind, response, signal) => {
    const stream = ai.createUIMessageStream({
      execute: ({ writer }: any) => writer.merge(streamText(kind, signal).toUIMessageStream({ onError: uiError })),
    });
    return send(ai.createUIMessageStreamResponse({ stream }), response);
  },
  "ai.createTextStreamResponse": (kind, response, signal) =>
    send(ai.createTextStreamResponse(textOf(streamText(kind, signal))), response),
  "ai.createAgentUIStreamResponse": async (kind, response, signal) =>
    send(await ai.createAgentUIStreamResponse({ ...agentOptions(kind), abortSignal: signal }), response),
  "ai.pipeAgentUIStreamToResponse": (kind, response, signal) =>
    ai.pipeAgentUIStreamToResponse({ response, ...agentOptions(kind), abortSignal: signal }),
  "streamObject.pipeTextStreamToResponse": (kind, response, signal) =>
    streamObject(kind, signal).pipeTextStreamToResponse(response),
  "streamObject.toTextStreamResponse": (kind, response, signal) =>
    send(streamObject(kind, signal).toTextStreamResponse(), response),
};

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const [, way = "", kind = ""] = decodeURIComponent(request.url ?? "").split("/");
  const left = new AbortController();
  response.on("close", () => void (response.writableFinished || left.abort()));
  // As a handler is written as a rule: what is returned is awaited by nobody.
  WAYS[way]?.(kind as Kind, response, left.signal);
});
await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
const report: { way: string; kind: string; body: string; told: string[] }[] = [];
for (const way of Object.keys(WAYS)) {
  for (const kind of KINDS) {
    told.length = 0;
    const leave = new AbortController();
    const url = `${base}/${encodeURIComponent(way)}/${kind}`;
    let body: string;
    if (kind === "endless") {
      const { begun, cancelled } = endless;
      const asked = fetch(url, { signal: leave.signal }).then((response) => response.text()).catch(() => "left");
      while (endless.begun === begun) await turn();
      leave.abort();
      body = await asked;
      while (endless.cancelled === cancelled) await turn();
    } else {
      const response = await fetch(url, { signal: leave.signal });
      body = await response.text();
    }
    report.push({ way, kind, body, told: [...told] });
  }
}
server.close();
server.closeAllConnections();
console.log(JSON.stringify(report));
