import { functionOf } from "../base/check.ts";
import type { Interceptor } from "../base/guard.ts";
import { ignoreFailure } from "../base/taking.ts";
import { Linked } from "../base/linked.ts";

/**
 * Puts interceptors inside each other: the first is outermost.
 *
 * Each runs its `next` at most once; a second call throws. What an interceptor answers is the act's result, and passes
 * the response gate like any other.
 *
 * @throws {TypeError} If there is no interceptor, or one is not a function.
 * @example Usage
 * ```ts
 * import { compose, createKernel, type Interceptor } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const order: string[] = [];
 * const named = (name: string): Interceptor => async (_request, next) => {
 *   order.push(`${name} in`);
 *   const result = await next();
 *   order.push(`${name} out`);
 *   return result;
 * };
 * const session = createKernel({ interceptors: [compose(named("a"), named("b"))] }).session({ agentId: "x" });
 * await session.tool({ name: "t", arguments: {} }, () => "done");
 * assert.deepEqual(order, ["a in", "b in", "b out", "a out"]);
 * ```
 */
export function compose(...interceptors: Interceptor[]): Interceptor {
  if (interceptors.length === 0) throw new TypeError("Cannot build compose(): it needs at least one interceptor");
  const list = interceptors.map((interceptor, index) => functionOf("compose()", `interceptors[${index}]`, interceptor));
  return async function composed(request, next, context) {
    const from = (at: number, signal: AbortSignal | undefined): Promise<unknown> => {
      if (at >= list.length) return next(signal);
      const interceptor = list[at] as Interceptor;
      let called = false;
      // Started by a promise, so that what an interceptor throws at once is a rejection like any other.
      return Promise.resolve().then(() =>
        interceptor(request, (own) => {
          if (called) return quiet(Promise.reject(new TypeError("An interceptor called next() a second time")));
          called = true;
          if (own === undefined || own === signal) return quiet(from(at + 1, signal));
          if (signal === undefined) return quiet(from(at + 1, own));
          const linked = new Linked([signal, own]);
          return quiet(from(at + 1, linked.signal).finally(() => linked.release()));
        }, context)
      );
    };
    return await from(0, undefined);
  };
}

/** An interceptor need not wait for what it began: what fails then must not end the process. */
function quiet(result: Promise<unknown>): Promise<unknown> {
  ignoreFailure(result);
  return result;
}
