import type { Guard } from "../base/guard.ts";

const library = new WeakSet<Guard>();

/** Marks a guard of ours: its reasons hold no value of a payload. */
export function ofLibrary(guard: Guard): Guard {
  library.add(guard);
  return guard;
}

/** Whether a guard is one of ours. */
export function isOfLibrary(guard: Guard): boolean {
  return library.has(guard);
}
