import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow, type Decision } from "../../src/base/decision.ts";
import { maxDrift } from "../../src/drift/max-drift.ts";
import { driftIn } from "../../src/drift/session-drift.ts";
import type { GovernedRequest } from "../../src/base/request.ts";
import { ask, context } from "../helpers.ts";

/** Asks in a session whose outputs drift by a given amount. */
function judge(
  drift: ((text: string) => number | Promise<number>) | undefined,
  fields: Partial<GovernedRequest> = {},
  baseline: string | undefined = "base",
): Decision | Promise<Decision> {
  const where = context();
  Object.assign(driftIn(where), { drift, baseline });
  return ask(all(maxDrift(0.5)), { stage: "output", payload: "text", ...fields }, where);
}

describe("maxDrift()", () => {
  test.each([0, 0.49, 0.5].flatMap((drift) => [[drift, false], [drift, true]] as const))(
    "maxDrift() of 0.5 allows, when the drift is %s (later: %s)",
    async (drift, later) => {
      expect(await judge(() => (later ? Promise.resolve(drift) : drift))).toBe(allow());
    },
  );

  test.each([0.500001, 1, Infinity, NaN].flatMap((drift) => [[drift, false], [drift, true]] as const))(
    "maxDrift() of 0.5 denies, when the drift is %s (later: %s)",
    async (drift, later) => {
      expect(await judge(() => (later ? Promise.resolve(drift) : drift))).toEqual({
        effect: "deny",
        allowed: false,
        code: "drift_exceeded",
        reason: "The output has drifted too far from the baseline",
        guard: "maxDrift",
        details: { drift, limit: 0.5 },
      });
    },
  );

  test("maxDrift() measures the text of the output, when it is an object", async () => {
    const seen: string[] = [];
    await judge((text) => (seen.push(text), 0), { payload: { a: "one", b: ["two", 3] } });
    expect(seen).toEqual(["one two 3"]);
  });

  test("maxDrift() allows and measures nothing, when there is no baseline yet, or the run failed", async () => {
    const never = (): number => {
      throw new Error("measured");
    };
    const where = context();
    driftIn(where).drift = never;
    expect(ask(maxDrift(0), { stage: "output", payload: "x" }, where)).toBe(allow());
    expect(await judge(never, { isError: true })).toBe(allow());
  });

  test.each([
    ["throws", () => {
      throw new Error("x");
    }],
    ["rejects", () => Promise.reject(new Error("x"))],
  ])("maxDrift() denies with guard_error, when the measure %s", async (_, drift) => {
    expect(await judge(drift)).toMatchObject({ code: "guard_error", guard: "maxDrift" });
  });

  test("maxDrift() denies with guard_error, when there is a baseline and nothing that measures", async () => {
    expect(await judge(undefined)).toMatchObject({ code: "guard_error", guard: "maxDrift" });
  });

  test("maxDrift() judges outputs only, and never writes", () => {
    expect(maxDrift(0.5).stages).toEqual(["output"]);
    expect(isReadOnly(maxDrift(0.5))).toBe(true);
  });

  test.each([[-0.1, RangeError], [1.1, RangeError], [NaN, RangeError], ["0.5", TypeError], [undefined, TypeError]])(
    "maxDrift() throws, when the score is %s",
    (score, kind) => {
      expect(() => maxDrift(score as number)).toThrow(kind);
      expect(() => maxDrift(score as number)).toThrow(
        'Cannot build maxDrift(): "score" must be a number from 0 to 1, and is',
      );
    },
  );
});
