import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { minConfidence } from "../../src/guards/min-confidence.ts";
import { ask } from "../helpers.ts";

const at = (payload: unknown): unknown => ask(minConfidence(0.8), { stage: "post_model_call", name: "m", payload });
const DENIED = {
  effect: "deny",
  allowed: false,
  code: "low_confidence",
  reason: "The answer is not confident enough: minConfidence is 0.8",
  guard: "minConfidence",
  details: { least: 0.8 },
};

describe("minConfidence()", () => {
  test.each([0.8, 0.80001, 1])("minConfidence() allows, when the answer states %s of 0.8", (confidence) => {
    expect(at({ content: "x", confidence })).toBe(allow());
  });

  test.each([0.79999, 0, -0, -1, 1.1, NaN, Infinity, "0.9", [0.9], null, true, { valueOf: () => 1 }, 9n])(
    "minConfidence() denies, when the answer states %s of 0.8",
    (confidence) => {
      expect(at({ content: "x", confidence })).toEqual(DENIED);
    },
  );

  test.each([{ content: "x" }, { confidence: undefined }, {}, "text", 5, null, undefined, []])(
    "minConfidence() allows, when the answer %j states none",
    (payload) => {
      expect(at(payload)).toBe(allow());
    },
  );

  test("minConfidence() allows what states nothing wrong, when the least is 0, and only certainty, when it is 1", () => {
    expect(ask(minConfidence(0), { payload: { confidence: 0 } })).toBe(allow());
    expect(ask(minConfidence(1), { payload: { confidence: 1 } })).toBe(allow());
    expect(ask(minConfidence(1), { payload: { confidence: 0.999 } })).toMatchObject({ code: "low_confidence" });
  });

  test("minConfidence() judges after model calls only, and never writes", () => {
    expect(minConfidence(0.5).stages).toEqual(["post_model_call"]);
    expect(isReadOnly(minConfidence(0.5))).toBe(true);
  });

  test.each([[-0.1, RangeError], [1.1, RangeError], [NaN, RangeError], ["0.8", TypeError], [undefined, TypeError]])(
    "minConfidence() throws, when the least is %s",
    (least, kind) => {
      expect(() => minConfidence(least as number)).toThrow(kind);
      expect(() => minConfidence(least as number)).toThrow(
        'Cannot build minConfidence(): "least" must be a number from 0 to 1, and is',
      );
    },
  );
});
