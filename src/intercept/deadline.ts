// Interceptors that run around an act.

import { wholeNumber } from "../base/check.ts";
import { PolicyViolationError } from "../base/errors.ts";
import type { Interceptor } from "../base/guard.ts";

/**
 * Ends an act that takes too long: its signal is aborted, and it rejects at once, whether or not it listens to the
 * signal.
 *
 * Rejects with a `PolicyViolationError` of code `timeout`. What the act does after that is ignored.
 *
 * @param ms A whole number from 1 to 2147483647: longer, and timers fire at once.
 * @throws {RangeError | TypeError} If `ms` is anything else.
 * @example Usage
 * ```ts
 * import { createKernel, deadline } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ interceptors: [deadline(10)] }).session({ agentId: "a" });
 * await assert.rejects(session.tool({ name: "t", arguments: {} }, () => new Promise(() => {})), { code: "timeout" });
 * ```
 */
export function deadline(ms: number): Interceptor {
  const limit = wholeNumber("deadline()", "ms", ms, 1, 2 ** 31 - 1);
  return function deadline(_request, next): Promise<unknown> {
    const controller = new AbortController();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const late = new PolicyViolationError(`The act took longer than ${limit} ms`, { code: "timeout" });
        reject(late);
        controller.abort(late);
      }, limit);
      // An async function, so that what `next` throws at once is a rejection too, and stops the timer.
      (async () => await next(controller.signal))().then(
        (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(error);
        },
      );
    });
  };
}
