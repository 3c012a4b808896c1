import { describe, expect, test } from "vitest";
import {
  allow,
  blockPatterns,
  createKernel,
  defineGuard,
  type GovernedRequest,
  isPolicyViolation,
  type KernelOptions,
  PolicyViolationError,
  redactPatterns,
  type Session,
  type Stage,
  transform,
} from "../../mod.ts";

const WORD = "drop table";
const open = (options: KernelOptions = {}): Session => createKernel(options).session({ agentId: "a" });
const BLOCKED = { code: "blocked_pattern" };
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

/** Sees what guards are shown. */
function watching(stage: Stage): { guard: ReturnType<typeof defineGuard>; seen: any[] } {
  const seen: any[] = [];
  const check = ({ payload }: GovernedRequest) => (seen.push(payload), allow());
  return { guard: defineGuard({ name: "watch", stages: [stage], check }), seen };
}

describe("an error is read whole", () => {
  const tool = (session: Session, error: unknown): Promise<any> =>
    session.tool({ name: "t", arguments: {} }, () => {
      throw error;
    });
  const guards = [blockPatterns([WORD])];
  class ApiError extends Error {
    readonly responseBody: string;
    constructor(responseBody: string) {
      super("The call failed");
      this.responseBody = responseBody;
    }
  }
  const withCause = (cause: unknown): Error => new Error("x", { cause });
  const cyclic = (text: string): Error => {
    const error = new Error("a");
    const other = new Error(text, { cause: error });
    error.cause = other;
    return error;
  };

  const carriers: readonly (readonly [string, (text: string) => unknown])[] = [
    ["message", (text) => new Error(text)],
    ["name", (text) => Object.assign(new Error("x"), { name: text })],
    ["cause", (text) => withCause(text)],
    ["cause of a cause", (text) => withCause(withCause(new ApiError(text)))],
    ["cause, an object", (text) => withCause({ body: { text } })],
    ["cause in a circle", cyclic],
    ["errors", (text) => new AggregateError([new Error("x"), new Error(text)], "all")],
    ["errors in errors", (text) => new AggregateError([new AggregateError([text])])],
    ["data", (text) => Object.assign(new Error("x"), { data: { rows: [text] } })],
    ["responseBody", (text) => new ApiError(text)],
    ["a field's key", (text) => Object.assign(new Error("x"), { [text]: 1 })],
    ["a field of bytes", (text) => Object.assign(new Error("x"), { body: utf8(text) })],
    ["headers", (text) => Object.assign(new Error("x"), { headers: new Headers({ a: text }) })],
    [
      "a stack that is of no program",
      (text) => Object.assign(new Error("x"), { stack: `Error: x\n${text}\n    at a (b.js:1:1)` }),
    ],
    ["a field that is not enumerable", (text) => Object.defineProperty(new Error("x"), "body", { value: text })],
    ["a field under a symbol", (text) => Object.assign(new ApiError("x"), { [Symbol("body")]: [text] })],
    ["toJSON", (text) => Object.assign(new Error("x"), { toJSON: () => ({ text }) })],
    ["a thrown object's fields", (text) => ({ status: 500, body: { text } })],
    ["a thrown object's message", (text) => ({ message: text })],
    ["a thrown list", (text) => [1, text]],
    ["a thrown map", (text) => new Map([["a", text]])],
    ["a thrown class instance", (text) =>
      new (class {
        readonly detail = text;
      })()],
    ["a thrown text", (text) => text],
    ["a DOMException", (text) => new DOMException(text, "DataError")],
    ["an error in a thrown object", (text) => ({ error: new Error("x", { cause: text }) })],
  ];

  test.each(carriers)("denies, when the word is in %s", async (_, make) => {
    const error = await tool(open({ guards }), make(WORD)).catch((caught: any) => caught);
    expect(error).toMatchObject(BLOCKED);
    expect(error.cause).toBeUndefined();
    for (
      const call of [
        (session: Session, thrown: unknown) => session.run("x", () => Promise.reject(thrown)),
        (session: Session, thrown: unknown) =>
          session.model({ model: "m", request: "x" }, () => Promise.reject(thrown)),
      ]
    ) await expect(call(open({ guards }), make(WORD))).rejects.toMatchObject(BLOCKED);
  });

  test.each(carriers)("gives on the very object, when %s is harmless", async (_, make) => {
    const thrown = make("fine");
    expect(await tool(open({ guards }), thrown).then(() => "ran", (caught) => caught)).toBe(thrown);
  });

  test("shows guards name, message and what else it carries, as act.fail() does", async () => {
    const { guard, seen } = watching("post_tool_call");
    const session = open({ guards: [guard] });
    await tool(session, Object.assign(new AggregateError([new TypeError("one")], "all", { cause: "why" }), { code: 5 }))
      .catch(() => undefined);
    const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: {} });
    await act.fail(new ApiError("body"));
    expect(seen).toEqual([
      {
        name: "AggregateError",
        message: "all",
        code: 5,
        cause: "why",
        errors: [{ name: "TypeError", message: "one" }],
      },
      { name: "Error", message: "The call failed", responseBody: "body" },
    ]);
  });

  test("judges parsed data that has the brand of our errors, or the name of an abort", async () => {
    const branded = JSON.parse(JSON.stringify({ ...new PolicyViolationError("x"), data: WORD })) as object;
    expect(isPolicyViolation(branded)).toBe(true);
    await expect(tool(open({ guards }), branded)).rejects.toMatchObject(BLOCKED);
    const aborted = new AbortController();
    const ended = open({ guards }).tool({ name: "t", arguments: {}, signal: aborted.signal }, () => {
      aborted.abort();
      throw { name: "AbortError", data: WORD }; // oxlint-disable-line no-throw-literal
    });
    await expect(ended).rejects.toMatchObject(BLOCKED);
  });

  test("reads each field once", async () => {
    let reads = 0;
    const error = Object.defineProperty(new Error("x"), "data", {
      get: () => reads++ === 0 ? "fine" : WORD,
      enumerable: true,
    });
    await tool(open({ guards }), error).catch(() => undefined);
    expect(reads).toBe(1);
  });

  test.each<readonly [string, unknown, string]>([
    ["a Response", new Response(WORD), "payload_not_plain"],
    ["a Response in a field", Object.assign(new Error("x"), { response: new Response(WORD) }), "payload_not_plain"],
    ["a stream in a cause", withCause({ body: new Response(WORD).body }), "payload_not_plain"],
    ["a function", () => WORD, "payload_not_plain"],
    ["too much", Object.assign(new Error("x"), { body: "x".repeat((1 << 20) + 1) }), "payload_too_large"],
    [
      "a field that throws",
      Object.defineProperty(new Error("x"), "data", {
        enumerable: true,
        get: () => {
          throw new Error("no");
        },
      }),
      "payload_not_plain",
    ],
  ])("denies with a code, when it carries %s", async (_, thrown, code) => {
    await expect(tool(open({ guards }), thrown)).rejects.toMatchObject({ code });
  });

  describe("that says itself what of it is data, by a toJSON,", () => {
    const stream = (): unknown => new Response(WORD).body;
    class Machinery {
      readonly socket = stream();
      readonly agent = { free: { "host:80": [stream()] } };
      readonly said: unknown;
      constructor(said: unknown = "fine") {
        this.said = said;
      }
    }
    /** As errors of HTTP clients are: with the request, its sockets and its options. */
    class ClientError extends Error {
      readonly config = {
        url: "/fine",
        adapter: () => 1,
        signal: new AbortController().signal,
        agent: new Machinery(),
      };
      readonly request: unknown = new Machinery();
      readonly response: unknown;
      constructor(data: unknown, response: object = {}) {
        super("The request failed");
        this.response = { data, status: 500, config: this.config, request: this.request, ...response };
      }
      toJSON(): object {
        return { message: this.message, status: 500 };
      }
    }

    test.each<readonly [string, Error]>([
      ["a request with sockets", new ClientError({ error: "fine" })],
      ["a cause of that kind", new Error("x", { cause: new ClientError("fine") })],
      [
        "a request of the platform",
        new ClientError("fine", { request: new Request("http://host/", { method: "POST", body: WORD }) }),
      ],
    ])("goes on, when it carries %s", async (_, error) => {
      expect(await tool(open({ guards }), error).catch((caught: any) => caught)).toBe(error);
    });

    test.each<readonly [string, Error, string]>([
      ["the word in its response's data", new ClientError({ error: WORD }), "blocked_pattern"],
      ["the word in bytes", new ClientError(utf8(WORD)), "blocked_pattern"],
      [
        "the word in an instance, beside a stream",
        new ClientError("fine", { raw: new Machinery(WORD) }),
        "blocked_pattern",
      ],
      ["the word in a cause", Object.assign(new ClientError("fine"), { cause: { text: WORD } }), "blocked_pattern"],
      ["a response that is still to be read", new ClientError(stream()), "payload_not_plain"],
      ["a Response", new ClientError(new Response(WORD)), "payload_not_plain"],
      [
        "a cause of another kind, with a stream",
        Object.assign(new ClientError("fine"), { cause: new Error("x", { cause: new Machinery() }) }),
        "payload_not_plain",
      ],
    ])("is denied, when it carries %s", async (_, error, code) => {
      await expect(tool(open({ guards }), error)).rejects.toMatchObject({ code });
    });

    test("and no other is, when it carries a socket", async () => {
      const error = Object.assign(new Error("x"), { request: new Machinery() });
      await expect(tool(open({ guards }), error)).rejects.toMatchObject({ code: "payload_not_plain" });
    });
  });

  test("passes whatever it carries, when no guard is there", async () => {
    const response = new Response(WORD);
    expect(await tool(open(), response).catch((caught: any) => caught)).toBe(response);
  });

  test("carries the new message and nothing else, when a guard changed it", async () => {
    const redacts = open({ guards: [redactPatterns([WORD], "**")] });
    const error = await tool(redacts, Object.assign(new TypeError(`no ${WORD}`, { cause: WORD }), { data: WORD }))
      .catch((caught: any) => caught);
    expect([error.message, error.name, error.cause, error.data]).toEqual(["no **", "Error", undefined, undefined]);
    expect(Object.keys(error)).toEqual([]);
  });

  test.each<readonly [string, unknown, string]>([
    ["a text", "new", "new"],
    ["nothing", undefined, ""],
    ["an object without a message", { a: 1 }, ""],
    ["a message that is no text", { message: { toString: 1, valueOf: 1 } }, ""],
    ["a list", ["x"], ""],
    ["a map", new Map([["message", "x"]]), ""],
  ])("is an error with a message, when a guard makes %s of it", async (_, payload, message) => {
    const odd = defineGuard({ name: "odd", stages: ["post_tool_call"], check: () => transform(payload, "odd") });
    const error = await tool(open({ guards: [odd] }), new Error("old")).catch((caught: any) => caught);
    expect([error.constructor, error.message]).toEqual([Error, message]);
  });

  test("lets the places of a program be", async () => {
    function dropTable(): never {
      throw new Error("fine");
    }
    const error: any = await open({ guards: [blockPatterns(["dropTable", "payloads.test"])] })
      .tool({ name: "t", arguments: {} }, () => dropTable()).catch((caught: any) => caught);
    expect(error.message).toBe("fine");
  });
});
