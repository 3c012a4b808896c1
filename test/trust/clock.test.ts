import { describe, expect, test } from "vitest";
import { CLOCK_SKEW_MS, skewOf, timeOf } from "../../src/trust/clock.ts";

describe("timeOf()", () => {
  test("never runs backwards for one clock, and keeps clocks apart", () => {
    let now = 10;
    const clock = (): number => now;
    expect(timeOf(clock)).toBe(10);
    now = 5;
    expect(timeOf(clock)).toBe(10);
    now = 11;
    expect(timeOf(clock)).toBe(11);
    expect(timeOf(() => 3)).toBe(3);
  });

  test.each([NaN, Infinity, -Infinity, undefined, "5"])("gives NaN, and remembers nothing, when it says %s", (said) => {
    let now: unknown = said;
    const clock = (): number => now as number;
    expect(timeOf(clock)).toBeNaN();
    now = 7;
    expect(timeOf(clock)).toBe(7);
    now = said;
    expect(timeOf(clock)).toBeNaN();
  });
});

describe("skewOf()", () => {
  test("is a minute, where nothing else is said", () => {
    expect([skewOf("f()"), CLOCK_SKEW_MS, skewOf("f()", 0), skewOf("f()", 300_000)]).toEqual([
      60_000,
      60_000,
      0,
      300_000,
    ]);
  });

  test.each([-1, 300_001, NaN, 0.5, null])("throws, when it is %s", (skewMs) => {
    expect(() => skewOf("f()", skewMs as number)).toThrow('"skewMs" must be a whole number from 0 to 300000');
  });
});
