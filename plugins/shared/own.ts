/** A field that an object has itself: what somebody gave to the prototype of everything is nobody's. */
export function ownOf<T extends object, K extends PropertyKey & keyof T>(value: T, key: K): T[K] | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
