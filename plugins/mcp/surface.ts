import { ownOf } from "../shared/own.ts";

/** The public names of an object's methods (`true`) and accessors, inherited ones too, without calling any. */
export function surfaceOf(object: object | null): ReadonlyMap<string, boolean> {
  if (object === null || object === Object.prototype) return new Map();
  const own = Object.entries(Object.getOwnPropertyDescriptors(object)).flatMap(([name, descriptor]) => {
    const isMethod = typeof ownOf(descriptor, "value") === "function";
    const isKnown = isMethod || ownOf(descriptor, "get") !== undefined;
    return isKnown && !/^(?:_|constructor$|on[a-z]+$)/.test(name) ? [[name, isMethod] as const] : [];
  });
  return new Map([...surfaceOf(Object.getPrototypeOf(object) as object | null), ...own]);
}
