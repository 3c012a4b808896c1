import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { noLoops, type NoLoopsOptions } from "../../src/guards/no-loops.ts";
import { act, sessionOf } from "./session-context.ts";
import { Reservations } from "../../src/base/taking.ts";

const LOOP = "loop_detected";

/** Which of these calls are denied, as positions; every letter is a tool. Denied calls count for nothing. */
function deniedIn(calls: string, options: NoLoopsOptions): readonly number[] {
  const guard = noLoops(options);
  const session = sessionOf();
  return [...calls].flatMap((name, at) => (act(guard, session, { name }).code === LOOP ? [at] : []));
}

describe("noLoops()", () => {
  test("has its name, judges tool calls and is known to only read, when it is built", () => {
    const guard = noLoops({ repeats: 3 });
    expect([guard.guardName, guard.stages, isReadOnly(guard)]).toEqual(["noLoops", ["pre_tool_call"], true]);
  });

  test.each(
    [
      ["the same call again and again", "aaaaa", 3, [3, 4]],
      ["the same call, with another between", "aaabaaab", 3, []],
      ["another call goes on", "aaaab", 3, [3]],
      ["a cycle of two", "abababa", 3, [6]],
      ["a cycle of two, left by the other call", "ababab" + "b", 3, []],
      ["a cycle of three", "abcabca", 2, [6]],
      ["a cycle of four", "abcdabcda", 2, [8]],
      ["a cycle of five", "abcdeabcdeabcde", 2, []],
      ["no cycle", "abcdefgh", 1, []],
      ["one repeat", "aab", 1, [1]],
      ["there and back", "aba", 1, []],
      ["a cycle after other calls", "xyzabababa", 3, [9]],
    ] as const,
  )("%s: denies right", (_what, calls, repeats, denied) => {
    expect(deniedIn(calls, { repeats })).toEqual(denied);
  });

  /** By the definition: the call would begin one round more than `repeats` of a cycle of one to four calls. */
  function deniedNaive(calls: string, repeats: number): readonly number[] {
    let made = "";
    const denied: number[] = [];
    [...calls].forEach((name, at) => {
      const isLoop = [1, 2, 3, 4].some((length) => {
        const rounds = length === 1 ? repeats : Math.max(2, repeats);
        const cycle = made.slice(made.length - length);
        return made.length >= length * rounds && made.endsWith(cycle.repeat(rounds)) && cycle[0] === name;
      });
      if (isLoop) denied.push(at);
      else made += name;
    });
    return denied;
  }

  test("denies what the definition does, whatever is called", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        (calls, repeats) => {
          expect(deniedIn(calls, { repeats })).toEqual(deniedNaive(calls, repeats));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("denies with the cycle's length and no arguments, when calls go round", () => {
    const guard = noLoops({ repeats: 2 });
    const session = sessionOf();
    for (const name of ["a", "b", "a", "b"]) act(guard, session, { name, payload: { secret: "x" } });
    expect(act(guard, session, { name: "a", payload: { secret: "x" } }).decision).toEqual({
      effect: "deny",
      allowed: false,
      code: LOOP,
      reason: "The agent repeats the same calls",
      guard: "noLoops",
      details: { repeats: 2, cycle: 2 },
    });
  });

  test("compares arguments by what they say, when keys come in another order", () => {
    const guard = noLoops({ repeats: 1 });
    const session = sessionOf();
    const payloads = [{ a: 1, b: [1, { c: 2, d: 3 }] }, { b: [1, { d: 3, c: 2 }], a: 1 }, {
      a: 1,
      b: [{ c: 2, d: 3 }, 1],
    }, { a: "1", b: [] }];
    expect(payloads.map((payload) => act(guard, session, { payload }).code)).toEqual(["", LOOP, "", ""]);
  });

  test("counts sessions apart", () => {
    const guard = noLoops({ repeats: 1 });
    const [one, two] = [sessionOf(), sessionOf()];
    expect([act(guard, one).code, act(guard, two).code, act(guard, one).code]).toEqual(["", "", LOOP]);
  });

  test("does not count a call, when it was denied elsewhere or asked dry", () => {
    const guard = noLoops({ repeats: 2 });
    const session = sessionOf();
    act(guard, session);
    Reservations.giveBack(act(guard, session).takings, true);
    act(guard, session, {}, true);
    expect([act(guard, session).code, act(guard, session).code]).toEqual(["", LOOP]);
  });

  test("counts a call that is out of memory for given back, when it is", () => {
    const guard = noLoops({ repeats: 1 });
    const session = sessionOf();
    const first = act(guard, session, { name: "first" });
    for (let i = 0; i < 20; i++) act(guard, session, { name: `n${i}` });
    Reservations.giveBack(first.takings, true);
    expect(act(guard, session, { name: "n19" }).code).toBe(LOOP);
  });

  test("never allows more than repeats in a row, when calls are judged in parallel", () => {
    const guard = noLoops({ repeats: 3 });
    const session = sessionOf();
    expect(Array.from({ length: 10 }, () => act(guard, session).code).filter((code) => code === "")).toHaveLength(3);
  });

  test.each(
    [["axaxa", 2, 10, [4]], ["axbxcxd", 3, 5, []], ["axbxcxdx", 3, 6, [7]], ["axyaxzbca", 2, 8, [8]], [
      "axyaxzbcdea",
      2,
      7,
      [],
    ]] as const,
  )("finds the same call among the last ones, in %s", (calls, repeats, window, denied) => {
    expect(deniedIn(calls, { repeats, window })).toEqual(denied);
  });

  test("denies with the window, when a call comes too often in it", () => {
    const guard = noLoops({ repeats: 2, window: 10 });
    const session = sessionOf();
    for (const name of ["a", "b", "a", "c"]) act(guard, session, { name });
    expect(act(guard, session, { name: "a" }).decision).toMatchObject({
      code: LOOP,
      reason: "The agent makes the same call too often",
      details: { repeats: 2, window: 10 },
    });
  });

  test.each([
    [{}, '"repeats" must be a whole number from 1 to 100, and is undefined'],
    [{ repeats: 0 }, '"repeats"'],
    [{ repeats: 101 }, '"repeats"'],
    [{ repeats: NaN }, '"repeats"'],
    [{ repeats: "3" }, '"repeats"'],
    [{ repeats: 3, window: 2 }, '"window" must be a whole number from 3 to 1000, and is 2'],
    [{ repeats: 3, window: 1001 }, '"window"'],
    [{ repeats: 3, cycles: 4 }, '"cycles" must be one of the known options'],
    [undefined, '"options"'],
  ])("throws, when it is built with %j", (options, message) => {
    expect(() => noLoops(options as never)).toThrow(`Cannot build noLoops(): ${message}`);
  });
});
