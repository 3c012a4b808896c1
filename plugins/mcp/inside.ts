import { ownOf } from "../shared/own.ts";
import type { Fields, Handler } from "./types.ts";

/** Where either major keeps the handlers of requests. */
export function handlersOf(target: object): Map<string, Handler> | undefined {
  const handlers = ownOf(target as { _requestHandlers?: unknown }, "_requestHandlers");
  return handlers instanceof Map ? handlers as Map<string, Handler> : undefined;
}

/** Gives an object a method of its own; the answer takes it away, unless somebody else has put one there since. */
export function replace(target: object, name: string, method: (...args: never[]) => unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  const descriptor = { __proto__: null, value: method, writable: true, configurable: true, enumerable: false };
  Object.defineProperty(target, name, descriptor as PropertyDescriptor);
  return () => {
    if ((target as Fields)[name] !== method) return;
    if (before === undefined) delete (target as Fields)[name];
    else Object.defineProperty(target, name, { __proto__: null, ...before } as PropertyDescriptor);
  };
}
