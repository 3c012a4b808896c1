import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import type { Interceptor } from "../../src/base/guard.ts";
import { compose } from "../../src/combine/compose.ts";
import { context, request } from "../helpers.ts";

const around = (log: string[], name: string): Interceptor => async (_request, next) => {
  log.push(`${name} in`);
  const result = await next();
  log.push(`${name} out`);
  return `${name}(${String(result)})`;
};
const run = (interceptor: Interceptor, act: (signal?: AbortSignal) => Promise<unknown>): Promise<unknown> =>
  Promise.resolve(interceptor(request(), act, context()));

describe("compose()", () => {
  test.each([1, 2, 5])("compose() puts the first outermost, when there are %s", async (count) => {
    const log: string[] = [];
    const names = Array.from({ length: count }, (_, i) => `i${i}`);
    const result = await run(compose(...names.map((name) => around(log, name))), async () => (log.push("act"), "done"));
    expect(log).toEqual([
      ...names.map((name) => `${name} in`),
      "act",
      ...names.toReversed().map((name) => `${name} out`),
    ]);
    expect(result).toBe(names.reduceRight((inner, name) => `${name}(${inner})`, "done"));
  });

  test("compose() is associative, when interceptors are grouped", async () => {
    const results: string[][] = [];
    for (
      const group of [
        (a: Interceptor, b: Interceptor, c: Interceptor) => compose(a, compose(b, c)),
        (a: Interceptor, b: Interceptor, c: Interceptor) => compose(compose(a, b), c),
      ]
    ) {
      const log: string[] = [];
      log.push(String(await run(group(around(log, "a"), around(log, "b"), around(log, "c")), async () => "x")));
      results.push(log);
    }
    expect(results[0]).toEqual(results[1]);
    expect(results[0]?.at(-1)).toBe("a(b(c(x)))");
  });

  test("compose() shows every interceptor the same request and context", async () => {
    const seen: unknown[] = [];
    const look: Interceptor = (about, next, where) => (seen.push(about, where), next());
    const [about, where] = [request(), context()];
    await compose(look, look)(about, async () => 1, where);
    expect(seen.every((one, index) => one === (index % 2 === 0 ? about : where))).toBe(true);
  });

  test("compose() does not run the act, when an interceptor answers itself", async () => {
    let ran = false;
    expect(await run(compose(() => "cached", around([], "inner")), async () => (ran = true))).toBe("cached");
    expect(ran).toBe(false);
  });

  test("compose() rejects and the act runs once, when an interceptor calls next() again", async () => {
    let runs = 0;
    for (
      const again of [
        compose(async (_request, next) => [await next(), await next()]),
        compose(around([], "outer"), async (_request, next) => {
          await next();
          return next();
        }),
      ]
    ) {
      runs = 0;
      await expect(run(again, async () => ++runs)).rejects.toThrow(
        new TypeError("An interceptor called next() a second time"),
      );
      expect(runs).toBe(1);
    }
  });

  test.each([
    ["throws at once", () => {
      throw new Error("boom");
    }],
    ["rejects", () => Promise.reject(new Error("boom"))],
  ] as [string, Interceptor][])(
    "compose() rejects, when an interceptor %s, and the one around it may catch it",
    async (_, bad) => {
      await expect(run(compose(bad), async () => 1)).rejects.toThrow("boom");
      expect(await run(compose((_request, next) => next().catch((error: Error) => error.message), bad), async () => 1))
        .toBe("boom");
    },
  );

  test("compose() rejects with the act's own error, when the act fails", async () => {
    const error = new Error("act");
    await expect(run(compose(around([], "a")), () => Promise.reject(error))).rejects.toBe(error);
  });

  test("compose() hands signals inwards, joined with those from further out, when interceptors give some", async () => {
    const [outer, inner] = [new AbortController(), new AbortController()];
    let seen: AbortSignal | undefined;
    const give = (signal?: AbortSignal): Interceptor => (_request, next) => next(signal);
    const act = async (signal?: AbortSignal): Promise<void> => {
      seen = signal;
    };
    await run(compose(give(), give()), act);
    expect(seen).toBeUndefined();
    await run(compose(give(outer.signal), give(), give(outer.signal)), act);
    expect(seen).toBe(outer.signal);
    for (const which of ["outer", "inner", undefined] as const) {
      const pair = { outer: new AbortController(), inner: new AbortController() };
      await run(compose(give(pair.outer.signal), give(pair.inner.signal)), async (signal) => {
        expect(signal?.aborted).toBe(false);
        if (which !== undefined) pair[which].abort();
        expect(signal?.aborted).toBe(which !== undefined);
      });
      expect(getEventListeners(pair.outer.signal, "abort")).toEqual([]);
    }
    expect([outer.signal.aborted, inner.signal.aborted]).toEqual([false, false]);
  });

  test("compose() keeps its list, when the array is changed afterwards", async () => {
    const list = [around([], "a")];
    const composed = compose(...list);
    list[0] = () => "other";
    expect(await run(composed, async () => "x")).toBe("a(x)");
  });

  test("compose() throws a TypeError, when there is none, or one is no function", () => {
    expect(() => compose()).toThrow(new TypeError("Cannot build compose(): it needs at least one interceptor"));
    expect(() => compose(around([], "a"), 5 as unknown as Interceptor)).toThrow(
      new TypeError('Cannot build compose(): "interceptors[1]" must be a function, and is 5'),
    );
  });
});
