/**
 * Runs something with a signal of its own, which aborts with any of those given, and waits for it no longer than that.
 * Afterwards nothing of it is left on the signals given: SDKs never take their listeners off.
 */
export function within<T>(
  signals: readonly (AbortSignal | undefined)[],
  run: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const given = signals.filter((signal) => signal !== undefined);
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      const reason: unknown = given.find(({ aborted }) => aborted)?.reason;
      // Told first, so that whoever waits learns why, and not how the SDK puts it.
      reject(reason);
      controller.abort(reason);
    };
    if (given.some(({ aborted }) => aborted)) return stop();
    for (const signal of given) signal.addEventListener("abort", stop);
    const free = (): void => {
      for (const signal of given) signal.removeEventListener("abort", stop);
    };
    new Promise<T>((done) => done(run(controller.signal))).then(resolve, reject).then(free);
    controller.signal.addEventListener("abort", free, { once: true });
  });
}
