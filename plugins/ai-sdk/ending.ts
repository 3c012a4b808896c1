/**
 * Waits that end with their act.
 *
 * @module
 */

/** What a promise comes to, unless the signal aborts before: then its reason, whether the promise ever settles or not. */
export function untilAborted<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave);
    const forget = (): void => signal.removeEventListener("abort", leave);
    promise.then((value) => {
      forget();
      resolve(value);
    }, (error: unknown) => {
      forget();
      reject(error);
    });
  });
}
