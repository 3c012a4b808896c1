/** A field that an object has itself: what somebody gave to the prototype of everything is nobody's. */
export function ownOf<T extends object, K extends PropertyKey & keyof T>(value: T, key: K): T[K] | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** A member that an object has itself or by its class, and not because everything has it. */
export function memberOf<T extends object, K extends PropertyKey & keyof T>(value: T, key: K): T[K] | undefined {
  for (
    let at: object | null = value;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object
  ) {
    if (Object.hasOwn(at, key)) return value[key];
  }
  return undefined;
}

/** A field that a value has itself, whatever it is: `undefined` of what is no object. */
export function fieldOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}
