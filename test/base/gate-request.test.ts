import { describe, expect, test } from "vitest";
import { GateRequest, NOTHING } from "../../src/base/gate-request.ts";
import type { GovernedRequest } from "../../src/base/request.ts";

const everything = Object.prototype as unknown as Record<string, unknown>;
const isRead = (request: object): boolean => GateRequest.isRead(request as GovernedRequest);
const made = (payload: unknown): GateRequest => new GateRequest("input", "run", payload, "#1", undefined);

describe("GateRequest", () => {
  test("has what it was given, and metadata of nothing", () => {
    const usage = { totalTokens: 5 };
    const request = new GateRequest("post_tool_call", "search", 1, "#2", { a: 1 }, usage, { q: 1 }, true);
    expect({ ...request }).toEqual({
      stage: "post_tool_call",
      name: "search",
      payload: 1,
      before: { q: 1 },
      isError: true,
      callId: "#2",
      metadata: { a: 1 },
      usage,
    });
    expect(made(1).metadata).toBe(NOTHING);
    expect(Object.isFrozen(NOTHING)).toBe(true);
  });

  test("gives no way to its class", () => {
    expect((made(1) as { constructor?: unknown }).constructor).toBe(Object);
  });

  test.each(["stage", "name", "payload", "before", "isError", "callId", "metadata", "usage"])(
    "asks no setter of %s that everything inherits",
    (name) => {
      let asked = 0;
      Object.defineProperty(everything, name, {
        set: () => {
          asked++;
        },
        configurable: true,
      });
      try {
        expect(Object.hasOwn(new GateRequest("input", "a", 1, "#1", {}, {}, 2, false), name)).toBe(true);
      } finally {
        delete everything[name];
      }
      expect(asked).toBe(0);
    },
  );

  test("is not read and not copied at first, and its payload is the caller's", () => {
    const payload = { a: 1 };
    const request = made(payload);
    expect([isRead(request), GateRequest.isCopied(request), GateRequest.isSoft(request)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(GateRequest.copyOf(request)).toBe(payload);
  });

  test("is read, when it shows the plain copy that was made for it, and no more when somebody replaces that", () => {
    const request = made({ a: 1 });
    const [copy, shown] = [{ a: 1 }, Object.freeze({ a: 1 })];
    GateRequest.read(request, copy, shown, "json");
    expect([isRead(request), GateRequest.isCopied(request), GateRequest.isSoft(request)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(request.payload).toBe(shown);
    expect([GateRequest.copyOf(request), GateRequest.keptOf(request)]).toEqual([copy, copy]);
    expect(GateRequest.copyOf(request)).toBe(copy);
    request.payload = { a: 1 };
    expect(isRead(request)).toBe(false);
  });

  test.each([["rich", false], ["soft", true]] as const)(
    "is not read to the last, when what it shows is %s",
    (met, isSoft) => {
      const request = made(new Date(0));
      GateRequest.read(request, new Date(0), new Date(0), met);
      expect([isRead(request), GateRequest.isCopied(request), GateRequest.isSoft(request)]).toEqual([
        false,
        true,
        isSoft,
      ]);
    },
  );

  test("is read, whoever made it, when its payload is a primitive, and never when it is an object of a copy", () => {
    const request = made({});
    GateRequest.read(request, {}, request.payload, "json");
    expect(isRead({ ...request })).toBe(false);
    for (const payload of [1, "a", true, undefined]) expect(isRead({ payload })).toBe(true);
    expect(isRead({ payload: () => 0 })).toBe(false);
    expect(GateRequest.isSoft({ payload: {} })).toBe(false);
  });

  test("is not copied, when the payload itself goes on, and keeps what guards were shown", () => {
    const request = made(new Map());
    const form = { a: 1 };
    GateRequest.refer(request, form, Object.freeze({ a: 1 }), "json");
    expect([isRead(request), GateRequest.isCopied(request)]).toEqual([true, false]);
    expect(GateRequest.keptOf(request)).toBe(form);
    const other = { b: 1 };
    GateRequest.keep(request, other);
    expect(GateRequest.keptOf(request)).toBe(other);
    GateRequest.keep(request, undefined);
    expect(GateRequest.keptOf(request)).toBeUndefined();
  });
});
