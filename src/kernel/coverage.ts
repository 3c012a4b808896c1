import type { Coverage } from "./plugin.ts";

/** Everything that a kernel of this copy of the package has governed. */
const governed = new WeakSet<object>();

/** Notes what a kernel has governed. */
export function markGoverned(object: object): void {
  governed.add(object);
}

/** Whether a kernel has governed an object: this one or another. */
export function isGoverned(object: object): boolean {
  return governed.has(object);
}

/**
 * What can be seen of a governed object from outside: its own methods are governed, the target's others are not
 * reachable.
 */
export function coverageOf(target: object, governed: object): Coverage {
  const has = methodsOf(governed);
  return Object.freeze({
    governed: Object.freeze([...has].sort()),
    passedThrough: Object.freeze([]),
    ungoverned: Object.freeze([...methodsOf(target)].filter((name) => !has.has(name)).sort()),
  });
}

/** The names of the methods of an object, inherited ones too, without calling a getter. */
function methodsOf(object: object): Set<string> {
  const names = new Set<string>();
  for (
    let at: object | null = object;
    at !== null && at !== Object.prototype && at !== Function.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  return names;
}
