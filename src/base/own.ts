/**
 * What an object says itself. Whoever can write to the prototype of everything must not be able to give an option, an
 * answer of a guard or a claim a field that its author left out: here is how all of them are read.
 */

const PROTOTYPE: object = Object.prototype;

/** Makes objects that inherit nothing. With a constructor, since engines look up every field of `Object.create(null)`. */
const Bare = (() => {
  const Made = function () {} as unknown as new () => Record<string, unknown>;
  Made.prototype = Object.freeze(Object.create(null)) as Record<string, unknown>;
  return Made;
})();

/** Whether somebody gave the prototype of everything enumerable properties, which `for` then finds in every object. */
export function isTouched(): boolean {
  for (const _ in PROTOTYPE) return true;
  return false;
}

/** An object that inherits nothing: for descriptors and for dictionaries that the platform reads. */
export function bare<T extends object>(fields: T): T {
  const out = new Bare();
  for (const key of Object.keys(fields)) out[key] = (fields as Record<string, unknown>)[key];
  return out as T;
}

/** Gives an object a field as a literal would: whatever setter everything inherits, it is not asked. */
export function define(target: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(target, name, bare({ value, writable: true, enumerable: true, configurable: true }));
}

/**
 * Gives the prototype of a class every field that its constructor assigns, so that a setter which everything inherits
 * is not asked: fields that are defined, and not assigned, would cost twice as much.
 */
export function shadowed(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    Object.defineProperty(prototype, name, bare({ value: undefined, writable: true, configurable: true }));
  }
}

/** The named fields that a value has itself, each read once; nothing of what is no object. */
export function pickOwn<T, K extends keyof T & string>(value: T, names: readonly K[]): Partial<Pick<T, K>> {
  const out = new Bare() as Partial<Pick<T, K>>;
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return out;
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as K;
    if (Object.hasOwn(value as object, name)) out[name] = value[name];
  }
  return out;
}

/** One field that an object has itself, else `undefined`. */
export function ownField<T extends object, K extends keyof T>(value: T, name: K): T[K] | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/**
 * A member of an object that may be of somebody's class, such as a store or a plugin: its own or its class's, but not
 * one that everything has.
 */
export function memberOf<T, K extends keyof NonNullable<T>>(value: T, name: K): NonNullable<T>[K] | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  return name in PROTOTYPE && !hasMember(value, name) ? undefined : (value as NonNullable<T>)[name];
}

/** Whether an object has a member that not everything has. */
export function hasField(value: object, name: PropertyKey): boolean {
  return name in PROTOTYPE ? hasMember(value, name) : name in value;
}

function hasMember(value: object, name: PropertyKey): boolean {
  for (let at: object | null = value; at !== null && !isRoot(at); at = Object.getPrototypeOf(at) as object | null) {
    if (Object.hasOwn(at, name)) return true;
  }
  return false;
}

/** Whether this is what everything inherits from, of this realm or another. */
function isRoot(value: object): boolean {
  return value === PROTOTYPE ||
    (Object.getPrototypeOf(value) === null && Object.hasOwn(value, "hasOwnProperty") &&
      Object.hasOwn(value, "__defineGetter__"));
}

/** The first of some fields that an object takes from a class: to pass it over would pass over what was meant. */
export function inheritedOf(value: object, names: readonly string[]): string | undefined {
  const proto = Object.getPrototypeOf(value) as object | null;
  return proto === null || isRoot(proto)
    ? undefined
    : names.find((name) => !Object.hasOwn(value, name) && hasMember(proto, name));
}

/** JSON text of plain data by own keys alone: `JSON.stringify` would ask the prototype of everything for a `toJSON`. */
export function jsonText(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) parts.push(jsonText(value[at]));
    return `[${parts.join(",")}]`;
  }
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined) parts.push(`${JSON.stringify(key)}:${jsonText(item)}`);
  }
  return `{${parts.join(",")}}`;
}
