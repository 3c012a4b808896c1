import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { maxPayload } from "../../src/guards/max-payload.ts";
import { ask } from "../helpers.ts";

type Options = Parameters<typeof maxPayload>[0];
const denied = (what: string, path: string): unknown => ({
  effect: "deny",
  allowed: false,
  code: "payload_too_large",
  reason: `The payload is too large: ${what}`,
  guard: "maxPayload",
  details: { path },
});

describe("maxPayload()", () => {
  test.each([
    [{ bytes: 5 }, "12345"],
    [{ bytes: 5 }, { ab: "123" }],
    [{ bytes: 0 }, ["", 5, null]],
    [{ depth: 2 }, [{ a: 1 }]],
    [{ depth: 0 }, "text"],
    [{ nodes: 3 }, [1, 2]],
    [{ bytes: 5, nodes: 1 }, "12345"],
  ] as [Options, unknown][])("maxPayload() given %j allows %j, which is at the limit", (options, payload) => {
    expect(ask(maxPayload(options), { payload })).toBe(allow());
  });

  test.each([
    [{ bytes: 5 }, "123456", denied("more than 5 characters of text (maxPayload.bytes)", "$")],
    [{ bytes: 5 }, { abc: "123" }, denied("more than 5 characters of text (maxPayload.bytes)", "$.abc")],
    [{ bytes: 5 }, { abcdef: 1 }, denied("more than 5 characters of text (maxPayload.bytes)", "$.abcdef")],
    [{ bytes: 3 }, ["😀", "😀"], denied("more than 3 characters of text (maxPayload.bytes)", "$[1]")],
    [{ depth: 2 }, [{ a: [] }], denied("more than 2 levels (maxPayload.depth)", "$[0].a")],
    [{ depth: 0 }, {}, denied("more than 0 levels (maxPayload.depth)", "$")],
    [{ nodes: 3 }, [1, 2, 3], denied("more than 3 values (maxPayload.nodes)", "$")],
    [{ nodes: 0 }, null, denied("more than 0 values (maxPayload.nodes)", "$")],
  ] as [Options, unknown, unknown][])(
    "maxPayload() given %j denies %j, which is beyond",
    (options, payload, decision) => {
      expect(ask(maxPayload(options), { payload })).toEqual(decision);
    },
  );

  test("maxPayload() judges at every gate and never writes", () => {
    expect(maxPayload({ bytes: 1 }).stages).toBeUndefined();
    expect(isReadOnly(maxPayload({ bytes: 1 }))).toBe(true);
  });

  test("maxPayload() keeps the caps of the gate for what it does not limit itself", () => {
    const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(255);
    expect(ask(maxPayload({ nodes: 5 }), { payload: bytes(2 ** 24) })).toBe(allow());
    expect(ask(maxPayload({ nodes: 5 }), { payload: bytes(2 ** 24 + 1) })).toMatchObject({ code: "payload_too_large" });
  });

  test("maxPayload() ends, when what goes by reference is endless", () => {
    const endless = new Proxy([], { get: (_, key) => (key === "length" ? 4e9 : "") });
    expect(ask(maxPayload({ bytes: 10 }), { stage: "output", payload: endless })).toMatchObject({
      code: "payload_too_large",
    });
    let deep: unknown = "x";
    for (let i = 0; i < 100_000; i++) deep = { deep };
    expect(ask(maxPayload({ bytes: 1000 }), { stage: "output", payload: deep })).toMatchObject({
      code: "payload_too_large",
    });
  });

  test("maxPayload() lets pass what its gate let pass by reference, when it is not plain", () => {
    expect(ask(maxPayload({ bytes: 10 }), { stage: "output", payload: { when: new Date(0), list: [() => {}] } })).toBe(
      allow(),
    );
  });

  test("maxPayload() keeps its limits, when the options are changed afterwards", () => {
    const options = { bytes: 2 };
    const guard = maxPayload(options);
    options.bytes = 100;
    expect(ask(guard, { payload: "123" })).toMatchObject({ code: "payload_too_large" });
  });

  test.each([
    [{}, TypeError, 'one of "bytes", "depth" and "nodes" must be given'],
    [{ bytes: undefined }, TypeError, 'one of "bytes", "depth" and "nodes" must be given'],
    [{ byte: 5 }, TypeError, '"byte" must be one of the known options (bytes, depth, nodes), and is 5'],
    [{ bytes: -1 }, RangeError, '"bytes" must be a whole number >= 0, and is -1'],
    [{ depth: 1.5 }, RangeError, '"depth" must be a whole number >= 0, and is 1.5'],
    [{ nodes: "5" }, TypeError, '"nodes" must be a whole number >= 0, and is "5"'],
    [undefined, TypeError, '"options" must be an object, and is undefined'],
    [5, TypeError, '"options" must be an object, and is 5'],
  ])("maxPayload() throws, when it is given %j", (options, kind, message) => {
    expect(() => maxPayload(options as Options)).toThrow(kind);
    expect(() => maxPayload(options as Options)).toThrow(`Cannot build maxPayload(): ${message}`);
  });
});
