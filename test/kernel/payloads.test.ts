import { describe, expect, test } from "vitest";
import {
  allow,
  blockPatterns,
  createKernel,
  defineGuard,
  type GovernedRequest,
  isPolicyViolation,
  type KernelOptions,
  redactPatterns,
  type Session,
  type Stage,
  transform,
} from "../../mod.ts";

const WORD = "drop table";
const open = (options: KernelOptions = {}): Session => createKernel(options).session({ agentId: "a" });
const blocking = (): Session => open({ policy: { blockedPatterns: [WORD] } });
const NOT_PLAIN = { code: "payload_not_plain" };
const BLOCKED = { code: "blocked_pattern" };
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

/** Sees what guards are shown. */
function watching(stage: Stage): { guard: ReturnType<typeof defineGuard>; seen: any[] } {
  const seen: any[] = [];
  const check = ({ payload }: GovernedRequest) => (seen.push(payload), allow());
  return { guard: defineGuard({ name: "watch", stages: [stage], check }), seen };
}

/** Every way before an act, with a payload. */
const BEFORE:
  readonly (readonly [string, (session: Session, payload: unknown, act: (given: any) => unknown) => unknown])[] = [
    ["run()", (session, payload, act) => session.run(payload, act)],
    ["model()", (session, payload, act) => session.model({ model: "m", request: payload }, act)],
    ["tool()", (session, payload, act) => session.tool({ name: "t", arguments: payload }, act)],
  ];
const AFTER: readonly (readonly [string, Stage, (session: Session, result: unknown) => Promise<unknown>])[] = [
  ["run()", "output", (session, result) => session.run("x", () => result)],
  ["model()", "post_model_call", (session, result) => session.model({ model: "m", request: "x" }, () => result)],
  ["tool()", "post_tool_call", (session, result) => session.tool({ name: "t", arguments: {} }, () => result)],
];

class Prompt {
  readonly #content: string;
  constructor(content: string) {
    this.#content = content;
  }
  get content(): string {
    return this.#content;
  }
}

describe.each(BEFORE)("before an act: %s", (_, call) => {
  test.each<readonly [string, unknown]>([
    ["a class that shows guards nothing", new Prompt(WORD)],
    ["a function", { messages: [{ content: "hi" }], onDone: () => WORD }],
    ["a symbol", { kind: Symbol(WORD) }],
    [
      "a cycle",
      (() => {
        const self: Record<string, unknown> = {};
        self["self"] = self;
        return self;
      })(),
    ],
    ["a promise", { later: Promise.resolve(WORD) }],
    ["a subclass of Map", new (class extends Map<string, string> {})([["a", WORD]])],
  ])("denies with payload_not_plain, and does not run, when it is given %s", async (_, payload) => {
    for (const session of [open(), blocking()]) {
      let ran = false;
      await expect(call(session, payload, () => (ran = true))).rejects.toMatchObject(NOT_PLAIN);
      expect(ran).toBe(false);
    }
  });

  test("runs on what was judged, when a payload with a date is changed while a guard thinks", async () => {
    const payload = { text: "fine", when: new Date(0), more: new Map([["a", "fine"]]) };
    const slow = defineGuard({
      name: "slow",
      check: async ({ stage }) => {
        await Promise.resolve();
        if (stage.startsWith("pre") || stage === "input") {
          payload.text = WORD;
          payload.when.setTime(5);
          payload.more.set("a", WORD);
        }
        return allow();
      },
    });
    let given: unknown;
    await call(open({ guards: [slow], policy: { blockedPatterns: [WORD] } }), payload, (it) => (given = it, "done"));
    expect(given).toEqual({ text: "fine", when: new Date(0), more: new Map([["a", "fine"]]) });
  });

  test.each<readonly [string, unknown]>([
    ["a Map's value", new Map([["a", WORD]])],
    ["a Map's key", new Map([[WORD, 1]])],
    ["a Set", { all: new Set([1, { q: WORD }]) }],
    ["bytes", utf8(WORD)],
    ["a buffer", { file: utf8(WORD).buffer }],
    ["a Node Buffer", Buffer.from(WORD)],
    ["an error's message", new Error(WORD)],
    ["an error's cause", new Error("x", { cause: new Error(WORD) })],
    ["an error's field", Object.assign(new Error("x"), { data: [WORD] })],
    ["an error's errors", new AggregateError([new Error(WORD)])],
    ["a RegExp", /drop table/],
    ["a URL, encoded", new URL("https://a.example/?q=drop%20table")],
    ["a Map in a Map", new Map([["a", new Map([["b", ["x", WORD]]])]])],
    ["what values make together", new Set(["drop", "table"])],
  ])("denies with blocked_pattern, when the word is in %s", async (_, payload) => {
    await expect(call(blocking(), payload, () => "ran")).rejects.toMatchObject(BLOCKED);
  });

  test.each<readonly [string, string, unknown]>([
    ["a date", "1970-01-01T00:00", new Date(0)],
    ["a bigint", "184467", 18446744073709551617n],
    ["a URL", "b.example/path", new URL("https://b.example/path")],
  ])("finds %s as its text", async (_, pattern, payload) => {
    const session = open({ policy: { blockedPatterns: [pattern] } });
    await expect(call(session, { payload }, () => "ran")).rejects.toMatchObject(BLOCKED);
  });

  test.each<readonly [string, unknown]>([
    ["bytes that are no text", Uint8Array.of(0xff, ...utf8(WORD))],
    ["dates, maps, sets, URLs, bytes and bigints", {
      when: new Date(),
      map: new Map([["a", 1]]),
      set: new Set(["b"]),
      url: new URL("https://a.example/"),
      bytes: utf8("fine"),
      big: 5n,
      re: /fine/g,
      error: new TypeError("fine"),
    }],
    ["-0, holes and a list twice", ((list) => ({ list, again: list, zero: -0 }))([1, , 2])], // oxlint-disable-line no-sparse-arrays
  ])("gives the act an equal one, when it is given %s", async (_, payload) => {
    let given: unknown;
    await call(blocking(), payload, (it) => (given = it, "done"));
    expect(given).toEqual(payload);
    expect(given).not.toBe(payload);
  });

  test("denies with guard_error, when a guard changes a date, a map or bytes that it was shown", async () => {
    const changes: ((payload: any) => unknown)[] = [
      ({ when }) => when.setTime(5),
      () => undefined,
      ({ set }) => set.add(5),
      ({ bytes }) => (bytes[0] = 1),
      ({ url }) => (url.href = "https://b.example/"),
    ];
    const original = {
      when: new Date(0),
      map: new Map([["a", "fine"], ["hidden", WORD]]),
      set: new Set(),
      bytes: utf8("a"),
      url: new URL("https://a.example/"),
    };
    for (const change of changes) {
      for (const isLate of [false, true]) {
        const sly = defineGuard({
          name: "sly",
          check: ({ payload, stage }) => {
            const shown = payload as typeof original;
            if (!stage.startsWith("post") && stage !== "output") (shown.map.delete("hidden"), change(shown));
            return isLate ? Promise.resolve(allow()) : allow();
          },
        });
        let ran = false;
        await expect(call(open({ guards: [sly, blockPatterns([WORD])] }), original, () => (ran = true))).rejects
          .toMatchObject({ code: "guard_error" });
        expect(ran).toBe(false);
      }
    }
  });

  test("gives the act what was judged, when a guard changes a transform's map after it", async () => {
    const to = defineGuard({
      name: "to",
      check: ({ payload }) => payload instanceof Map ? transform(new Map([["a", "good"]]), "t") : allow(),
    });
    const sly = defineGuard({
      name: "sly",
      check: ({ payload }) => (payload instanceof Map && payload.set("a", "evil"), allow()),
    });
    await expect(call(open({ guards: [to, sly] }), new Map([["a", "x"]]), () => "ran")).rejects.toMatchObject({
      code: "guard_error",
    });
    let kept: any;
    const keeps = defineGuard({
      name: "keeps",
      check: (
        { payload },
      ) => (kept ??= payload instanceof Map && payload.get("a") === "good" ? payload : undefined, allow()),
    });
    await call(open({ guards: [to, keeps] }), new Map([["a", "x"]]), (given) => {
      kept.set("a", "evil");
      expect(given).toEqual(new Map([["a", "good"]]));
      return "done";
    });
    expect.assertions(2);
  });
});

describe("what an act was given", () => {
  test("is shown to the guards after it as it was judged, when anybody changes a map or a date meanwhile", async () => {
    let kept: any;
    const before: unknown[] = [];
    const guards = [
      defineGuard({ name: "keeps", stages: ["pre_tool_call"], check: ({ payload }) => (kept = payload, allow()) }),
      defineGuard({
        name: "sees",
        stages: ["post_tool_call"],
        check: (request) => (before.push(request.before), allow()),
      }),
    ];
    const args = { map: new Map([["a", 1]]), when: new Date(0) };
    await open({ guards }).tool({ name: "t", arguments: args }, (given) => {
      for (const one of [kept, given, args]) {
        one.map.set("a", 2);
        one.when.setTime(5);
      }
    });
    expect(before).toEqual([{ map: new Map([["a", 1]]), when: new Date(0) }]);
  });
});

describe("a denial of what is not plain", () => {
  test("names path, kind and what to do, and no value or key that may be one", async () => {
    const session = open();
    const error = await session.tool({
      name: "t",
      arguments: { list: [{ when: 1, "secret key of ada": { "hunter2": () => "hush" } }] },
    }, () => 1).catch((caught: any) => caught);
    expect(error).toMatchObject({
      code: "payload_not_plain",
      reason:
        "The payload is not plain data at $.list[0][#1][#0]: a function; pass plain data, or a view that reads it",
      decision: { details: { path: "$.list[0][#1][#0]", kind: "a function" } },
    });
    expect(JSON.stringify([error.reason, error.decision])).not.toMatch(/secret|ada|hunter|hush/);
  });

  test("is what check() and explain() answer, too", async () => {
    const kernel = createKernel({ policy: { blockedPatterns: [WORD] } });
    const session = kernel.session({ agentId: "a" });
    for (const stage of ["input", "pre_model_call", "pre_tool_call"] as const) {
      const request = { stage, name: "x", payload: { p: new Prompt(WORD) } };
      expect(await session.check(request)).toMatchObject(NOT_PLAIN);
      expect((await kernel.explain(request, session)).decision).toMatchObject(NOT_PLAIN);
    }
    for (const stage of ["output", "post_model_call", "post_tool_call"] as const) {
      const request = { stage, name: "x", payload: { p: new Prompt(WORD) } };
      expect(await session.check(request)).toMatchObject(NOT_PLAIN);
      expect((await kernel.explain(request, session)).decision).toMatchObject(NOT_PLAIN);
    }
    expect(await session.preExecute(new Prompt(WORD))).toMatchObject(NOT_PLAIN);
    expect(await session.postExecute(new Prompt(WORD))).toMatchObject(NOT_PLAIN);
    expect(await open().postExecute(new Prompt(WORD))).toBe(allow());
  });
});

describe("a view before an act", () => {
  const view = {
    read: (value: unknown) => (value instanceof Prompt ? { content: value.content } : value),
    write: (_: unknown, form: any) => new Prompt(form.content),
  };
  const run = (session: Session, payload: unknown, act: (it: any) => unknown, own = view) =>
    session.run(payload, act, { view: own as typeof view });

  test("is what guards judge, and the act gets the value itself", async () => {
    const { guard, seen } = watching("input");
    const prompt = new Prompt("hi");
    expect(await run(open({ guards: [guard] }), prompt, (it) => it.content)).toBe("hi");
    expect(seen).toEqual([{ content: "hi" }]);
    expect(await open().tool({ name: "t", arguments: prompt }, (it) => it === prompt, view as any)).toBe(true);
    expect(await open().model({ model: "m", request: prompt }, (it) => it === prompt, undefined, view as any)).toBe(
      true,
    );
    await expect(run(blocking(), new Prompt(WORD), () => "ran")).rejects.toMatchObject(BLOCKED);
  });

  test("writes back what a guard changed", async () => {
    const session = open({ guards: [redactPatterns([WORD])] });
    expect(await run(session, new Prompt(`please ${WORD}`), (it) => it.content)).toBe("please [redacted]");
  });

  test("denies, when the value is another by the time of the act, or the view cannot write", async () => {
    let content = "fine";
    const changing = new (class {
      get content(): string {
        return content;
      }
    })();
    const reads = { read: (value: any) => ({ content: value.content as string }), write: view.write };
    const slow = defineGuard({
      name: "slow",
      stages: ["input"],
      check: async () => (await Promise.resolve(), content = WORD, allow()),
    });
    await expect(run(open({ guards: [slow] }), changing, () => "ran", reads as typeof view)).rejects.toMatchObject(
      NOT_PLAIN,
    );
    content = WORD;
    for (
      const write of [
        (value: unknown) => value,
        () => {
          throw new TypeError("no");
        },
      ]
    ) {
      await expect(run(open({ guards: [redactPatterns([WORD])] }), changing, () => "ran", { ...reads, write } as any))
        .rejects
        .toMatchObject(NOT_PLAIN);
    }
  });

  test.each<readonly [string, (value: any) => unknown]>([
    ["finds nothing", (value) => value.output],
    ["finds fields of nothing", (value) => ({ text: value.text, calls: value.calls })],
    ["finds what it finds in anything", (value) => ({ content: value.text ?? "", toolCalls: [], more: [new Date(0)] })],
    ["throws", (value) => value.output.text],
    ["gives the value itself", (value) => value],
    ["gives what is not plain either", () => ({ run: () => 1 })],
  ])("has not read it, when it %s", async (_, read) => {
    await expect(run(open(), new Prompt("x"), () => "ran", { read, write: view.write } as typeof view)).rejects
      .toMatchObject(NOT_PLAIN);
  });

  test("is not asked about plain data", async () => {
    const read = (): never => {
      throw new Error("asked");
    };
    await expect(run(open(), { a: new Date(0) }, () => "ran", { read, write: view.write } as any)).rejects
      .toMatchObject({
        code: "guard_error",
      });
  });
});

describe.each(AFTER)("after an act: %s", (_, stage, call) => {
  const { guard: any } = watching(stage);

  class Report {
    readonly title: string;
    constructor(title: string) {
      this.title = title;
    }
  }
  class Hidden {
    readonly #text = WORD;
    toJSON(): object {
      return { text: this.#text };
    }
  }

  test("judges the form that JSON gives, read once, and gives on the very object", async () => {
    const { guard, seen } = watching(stage);
    let asked = 0;
    const result = new (class {
      readonly when = new Date(0);
      toJSON(): object {
        asked++;
        return { text: "fine", run: () => 1 };
      }
    })();
    expect(await call(open({ guards: [guard] }), result)).toBe(result);
    expect([seen, asked]).toEqual([[{ text: "fine" }], 1]);
    const report = { at: new Report("fine"), done: () => 1, list: [() => 1, new Map([["a", new Report("x")]])] };
    expect(await call(open({ guards: [guard] }), report)).toBe(report);
    expect(seen[1]).toEqual({ at: { title: "fine" }, list: [null, new Map([["a", { title: "x" }]])] });
  });

  test.each<readonly [string, () => unknown]>([
    ["in a class's field", () => new Report(WORD)],
    ["in what toJSON answers", () => new Hidden()],
    ["in a class in a list in a map", () => new Map([["a", [new Report(WORD)]]])],
    ["in a cause of an error of a class", () => ({
      error: new (class extends Error {})("x", { cause: new Error(WORD) }),
      run: () => 1,
    })],
    ["in headers", () => ({ headers: new Headers({ "x-a": WORD }), run: () => 1 })],
    ["beside a function", () => ({ text: WORD, run: () => 1 })],
    ["in the bytes of a file", () =>
      new (class {
        readonly data = utf8(WORD);
      })()],
    ["in a field of a Date", () => Object.assign(new Date(0), { more: WORD })],
  ])("denies with blocked_pattern, when the word is %s", async (_, make) => {
    await expect(call(open({ guards: [blockPatterns([WORD])] }), make())).rejects.toMatchObject(BLOCKED);
  });

  test.each<readonly [string, () => unknown]>([
    ["a Response", () => new Response(WORD)],
    ["a Response inside", () => ({ ok: true, response: new Response(WORD) })],
    ["a Blob", () => ({ file: new Blob([WORD]) })],
    ["a stream inside", () => ({ body: new Response(WORD).body })],
    ["an async generator inside", () => ({ parts: (async function* () {})() })],
    ["a generator", () => ({ parts: (function* () {})() })],
    ["a class whose JSON is {}", () => new Prompt(WORD)],
    ["a class whose toJSON is {}", () => ({
      a: new (class {
        toJSON(): object {
          return {};
        }
      })(),
    })],
    [
      "a class with data that JSON does not show",
      () => Object.defineProperty(new Prompt(WORD), "more", { value: "fine", enumerable: false }),
    ],
    ["a promise inside", () => ({ later: Promise.resolve(WORD) })],
    ["a function", () => () => WORD],
    ["an object of functions", () => ({ text: () => WORD })],
    ["a class above Map with a field", () =>
      new (class extends Map<string, string> {
        readonly field = 1;
      })([["a", WORD]])],
    ["a cycle", () => {
      const self: Record<string, unknown> = { a: 1 };
      self["self"] = self;
      return self;
    }],
    ["a getter that throws", () => ({
      get a(): never {
        throw new Error("no");
      },
      run: () => 1,
    })],
    ["a toJSON that throws", () =>
      new (class {
        a = 1;
        toJSON(): never {
          throw new TypeError("no");
        }
      })()],
  ])("denies with payload_not_plain, when it is %s and a guard is there", async (_, make) => {
    await expect(call(open({ guards: [any] }), make())).rejects.toMatchObject(NOT_PLAIN);
  });

  test("passes a Response, when no guard is there", async () => {
    if (stage === "post_model_call") return; // A policy always looks at a model's answer.
    const response = new Response(WORD);
    expect(await call(open(), response)).toBe(response);
  });

  test("judges what a view reads, when it is a Response", async () => {
    const { guard, seen } = watching("output");
    const response = new Response("fine", { status: 201 });
    const view = { read: (one: Response) => ({ status: one.status }), write: (one: Response) => one };
    expect(await open({ guards: [guard] }).run("x", () => response, { view })).toBe(response);
    expect(seen).toEqual([{ status: 201 }]);
  });

  test("denies what a guard changed of it, when there is no view, and never with a TypeError", async () => {
    const error = await call(open({ guards: [redactPatterns([WORD])] }), new Report(WORD)).catch((caught: any) =>
      caught
    );
    expect(error).toMatchObject(NOT_PLAIN);
    expect(isPolicyViolation(error)).toBe(true);
  });

  test("has its caps, when it is judged as JSON", async () => {
    const wide = new (class {
      readonly list = new Array(100_001).fill(1);
    })();
    await expect(call(open({ guards: [any] }), wide)).rejects.toMatchObject({ code: "payload_too_large" });
    let deep: object = new Report("x");
    for (let i = 0; i < 70; i++) deep = Object.assign(new Report("x"), { deep });
    await expect(call(open({ guards: [any] }), deep)).rejects.toMatchObject({ code: "payload_too_large" });
  });
});

describe("redactPatterns() with kinds", () => {
  const masks = (): Session =>
    open({ guards: [redactPatterns([WORD, { pattern: "4\\d-4\\d", type: "regex" }], "**")] });
  const given = (payload: unknown): Promise<any> =>
    masks().tool({ name: "t", arguments: { payload } }, (args) => args.payload as unknown);

  test("gives back the same kind, masked", async () => {
    expect(await given(new Map([["a", `x ${WORD}`]]))).toEqual(new Map([["a", "x **"]]));
    expect(await given(new Set([WORD, 1]))).toEqual(new Set(["**", 1]));
    expect(await given(utf8(`x ${WORD} y`))).toEqual(utf8("x ** y"));
    expect(await given(utf8(WORD).buffer)).toEqual(utf8("**").buffer);
    expect(await given(Buffer.from(WORD))).toEqual(Buffer.from("**"));
    expect(await given(new URL("https://a.example/x?q=42-42"))).toEqual(new URL("https://a.example/x?q=**"));
    const error = await given(Object.assign(new TypeError(`no ${WORD}`), { data: [WORD] }));
    expect([error.constructor, error.message, error.data, error.stack]).toEqual([
      TypeError,
      "no **",
      ["**"],
      "TypeError: no **",
    ]);
    expect(await given({ when: new Date(0), text: WORD, list: [, 1] })).toEqual({
      when: new Date(0),
      text: "**",
      list: [, 1],
    }); // oxlint-disable-line no-sparse-arrays
  });

  test.each<readonly [string, unknown]>([
    ["a date", new Date("2042-11-05T00:42:42.000Z")],
    ["a Map's key", new Map([[WORD, 1]])],
    ["a RegExp", /drop table/],
    ["a URL's host", new URL("https://42-42.example/")],
    ["items of two bytes", new Uint16Array(utf8("drop table").buffer)],
  ])("denies with a code, when the word is in %s", async (_, payload) => {
    const session = open({ guards: [redactPatterns([WORD, { pattern: "4\\d-[41]\\d", type: "regex" }], "[#]")] });
    await expect(session.tool({ name: "t", arguments: { payload } }, () => "ran")).rejects.toMatchObject(BLOCKED);
  });
});

describe("metadata", () => {
  test("holds nothing that could be changed, when a session begins", () => {
    for (const value of [new Date(0), new Map(), utf8("x")]) {
      expect(() => createKernel().session({ agentId: "a", metadata: { value } })).toThrow(/"metadata"/);
    }
    expect(createKernel().session({ agentId: "a", metadata: { big: 5n } }).context.metadata).toEqual({ big: 5n });
  });
});
