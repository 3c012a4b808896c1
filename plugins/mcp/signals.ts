/** What a platform reads of how to listen, and of nothing that everything has. */
const LISTENING = { __proto__: null, once: true } as AddEventListenerOptions;

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
      // Without it: clients tell their server the reason, which nobody has judged, or is ours.
      controller.abort();
    };
    if (given.some(({ aborted }) => aborted)) return stop();
    for (const signal of given) signal.addEventListener("abort", stop, LISTENING);
    const free = (): void => {
      for (const signal of given) signal.removeEventListener("abort", stop);
    };
    new Promise<T>((done) => done(run(controller.signal))).then(resolve, reject).then(free);
    controller.signal.addEventListener("abort", free, LISTENING);
  });
}

/** The same with a signal that is handed on as it is: to handlers, who own what they put on it. */
export function until<T>(signal: AbortSignal, run: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, LISTENING);
    const end = (settle: (value: never) => void, value: unknown): void => {
      signal.removeEventListener("abort", stop);
      settle(value as never);
    };
    begun(run, signal).then((value) => end(resolve, value), (error: unknown) => end(reject, error));
  });
}

/** What something comes to, also where it throws at once. */
function begun<T>(run: (signal: AbortSignal) => T | Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return Promise.resolve(run(signal));
  } catch (error) {
    return Promise.reject(error);
  }
}
