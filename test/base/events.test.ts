import { describe, expect, test } from "vitest";
import { PolicyViolationError } from "../../src/base/errors.ts";
import { Emitter, EVENT_TYPES, type GovernanceEvents, sessionEvent } from "../../src/base/events.ts";
import { context } from "../helpers.ts";

type Type = keyof GovernanceEvents;
const event = { callId: "#1" } as never;
const errorsOf = (emitter: Emitter): unknown[] => {
  const errors: unknown[] = [];
  emitter.on("listener_error", ({ type, error }) => errors.push([type, error]));
  return errors;
};

describe("Emitter", () => {
  test("emit() calls every listener of the type in order, when there are several", () => {
    const emitter = new Emitter();
    const seen: string[] = [];
    emitter.on("policy_check", (given) => seen.push(`a ${given.callId}`));
    emitter.on("policy_check", () => seen.push("b"));
    emitter.on("call_completed", () => seen.push("other"));
    expect(emitter.emit("policy_check", event)).toBeUndefined();
    expect(seen).toEqual(["a #1", "b"]);
  });

  test("emit() does nothing, when nobody listens", () => {
    expect(new Emitter().emit("policy_check", event)).toBeUndefined();
  });

  test("on() answers what takes the listener away, once, when it was added twice", () => {
    const emitter = new Emitter();
    let calls = 0;
    const listener = (): void => void calls++;
    const off = emitter.on("policy_check", listener);
    emitter.on("policy_check", listener);
    off();
    off();
    emitter.emit("policy_check", event);
    expect(calls).toBe(1);
  });

  test("has() tells whether somebody listens, when listeners come and go", () => {
    const emitter = new Emitter();
    expect(emitter.has("policy_check")).toBe(false);
    const off = emitter.on("policy_check", () => {});
    expect(emitter.has("policy_check")).toBe(true);
    off();
    expect(emitter.has("policy_check")).toBe(false);
  });

  test("emit() calls those who listened when it began, when a listener adds or removes one", () => {
    const emitter = new Emitter();
    const seen: string[] = [];
    const offs: (() => void)[] = [];
    emitter.on("policy_check", () => {
      seen.push("a");
      offs[0]?.();
      emitter.on("policy_check", () => seen.push("new"));
    });
    offs.push(emitter.on("policy_check", () => seen.push("b")));
    emitter.emit("policy_check", event);
    expect(seen).toEqual(["a", "b"]);
  });

  const DECIDING: readonly Type[] = ["policy_check", "drift_detected", "checkpoint_created", "call_completed"];
  test.each(EVENT_TYPES.filter((type) => type !== "listener_error"))(
    "emit() answers a violation thrown at %s only where listeners may deny",
    (type) => {
      const emitter = new Emitter();
      const errors = errorsOf(emitter);
      const [first, second] = [new PolicyViolationError("one"), new PolicyViolationError("two")];
      let reached = false;
      emitter.on(type, () => {
        throw first;
      });
      emitter.on(type, () => {
        throw second;
      });
      emitter.on(type, () => {
        reached = true;
      });
      const may = DECIDING.includes(type);
      expect(emitter.emit(type, event)).toBe(may ? first : undefined);
      expect(errors).toEqual(may ? [] : [[type, first], [type, second]]);
      expect(reached).toBe(true);
    },
  );

  test("emit() changes nothing and tells of it, when a listener throws anything else", () => {
    const emitter = new Emitter();
    const errors = errorsOf(emitter);
    const thrown = [
      new Error("x"),
      "x",
      undefined,
      new Proxy({}, {
        get() {
          throw new Error("y");
        },
      }),
    ];
    for (const error of thrown) {
      emitter.on("policy_check", () => {
        throw error;
      });
    }
    expect(emitter.emit("policy_check", event)).toBeUndefined();
    expect(errors.length).toBe(4);
    expect(errors.every((one, index) => (one as unknown[])[1] === thrown[index])).toBe(true);
  });

  test("emit() tells of it, when a listener rejects, even with a violation", async () => {
    const emitter = new Emitter();
    const errors = errorsOf(emitter);
    const late = new PolicyViolationError("late");
    emitter.on("policy_check", () => Promise.reject(late));
    emitter.on("policy_check", () =>
      ({
        get then(): never {
          throw late;
        },
      }) as never);
    expect(emitter.emit("policy_check", event)).toBe(late);
    await Promise.resolve();
    expect(errors).toEqual([["policy_check", late]]);
  });

  test("emit() ends, when a listener of failures fails, at once or later", async () => {
    const emitter = new Emitter();
    let calls = 0;
    emitter.on("listener_error", () => {
      calls++;
      throw new Error("x");
    });
    emitter.on("listener_error", () => {
      calls++;
      return Promise.reject(new Error("x"));
    });
    emitter.on("policy_check", () => {
      throw new Error("x");
    });
    emitter.emit("policy_check", event);
    await Promise.resolve();
    expect(calls).toBe(2);
  });

  test.each([
    ["policy_checks", () => {}, '"type" must be one of policy_check, policy_violation,'],
    ["constructor", () => {}, '"type" must be one of'],
    [5, () => {}, '"type" must be one of'],
    ["policy_check", 5, '"listener" must be a function, and is 5'],
  ])(
    "on() throws a TypeError, when it is given %s, %s",
    (type, listener, message) => {
      expect(() => new Emitter().on(type as Type, listener as never)).toThrow(TypeError);
      expect(() => new Emitter().on(type as Type, listener as never)).toThrow(`Cannot build on(): ${message}`);
    },
  );
});

test("sessionEvent() says whose event it is, and when", () => {
  expect(sessionEvent(context({ agentId: "a", agentKey: "k", sessionId: "s" }), 5)).toStrictEqual({
    agentId: "a",
    agentKey: "k",
    sessionId: "s",
    timestamp: 5,
  });
});

test("Emitter is heard by nobody, until somebody listens", () => {
  const emitter = new Emitter();
  expect([emitter.isHeard, emitter.has("policy_check")]).toEqual([false, false]);
  emitter.on("policy_check", () => undefined);
  expect([emitter.isHeard, emitter.has("policy_check"), emitter.has("call_completed")]).toEqual([true, true, false]);
});
