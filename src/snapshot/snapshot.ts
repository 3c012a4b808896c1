import { show } from "../check.ts";
import type { Stage } from "../request.ts";

/** How large a payload may be. */
export interface Caps {
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** Values of any kind, the payload itself included. */
  readonly nodes: number;
  /** Length of all strings, keys included, in UTF-16 code units. */
  readonly chars: number;
}

const RUN: Caps = Object.freeze({ depth: 64, nodes: 100_000, chars: 1 << 20 });
const MODEL: Caps = Object.freeze({ depth: 64, nodes: 100_000, chars: 1 << 24 });

/** The caps of a gate: 1 MiB of text at run and tool gates, 16 MiB at model gates. */
export function capsOf(stage: Stage): Caps {
  return stage === "pre_model_call" || stage === "post_model_call" ? MODEL : RUN;
}

/** Why a payload could not be read. */
export class Fault {
  /** The denial's code. */
  readonly code: "payload_too_large" | "payload_not_plain";
  /** What stood there. */
  readonly what: string;
  /** The way there, innermost first. */
  readonly keys: (string | number)[] = [];

  constructor(code: Fault["code"], what: string) {
    this.code = code;
    this.what = what;
  }

  /** Where, as `$.items[3].when`. */
  get path(): string {
    return pathOf(this.keys.toReversed());
  }
}

const PROTOTYPE: object = Object.prototype;

// One walk at a time uses these; a getter that starts another walk finds them saved and put back.
let nodesLeft = 0;
let charsLeft = 0;
let twinned = false;
let twin: unknown;
let isTouched = false;

/**
 * Reads a payload once, into plain data that nobody else holds.
 *
 * Answers the copy, or a {@linkcode Fault}. With `withTwin`, a second, deeply frozen copy is made in the same walk:
 * fetch
 * it with {@linkcode takeTwin} at once. Getters and proxies are read once; inherited and non-enumerable properties and
 * extra keys of arrays are left out; holes are `undefined`. Functions, symbols, bigints, cycles, class instances, maps,
 * sets,
 * typed arrays and own `__proto__` keys are faults, and so is a getter that throws.
 */
export function snapshot(value: unknown, caps: Caps, withTwin: boolean): unknown {
  const savedNodes = nodesLeft, savedChars = charsLeft, savedTwinned = twinned;
  nodesLeft = caps.nodes;
  charsLeft = caps.chars;
  twinned = withTwin;
  isTouched = isPrototypeTouched();
  try {
    return copyRoot(value, caps.depth);
  } catch (error) {
    return again(value, caps, error);
  } finally {
    nodesLeft = savedNodes;
    charsLeft = savedChars;
    twinned = savedTwinned;
  }
}

function copyRoot(value: unknown, depth: number): unknown {
  if (typeof value === "object" && value !== null) return copyAny(value, depth);
  const leaf = copyLeaf(value);
  if (twinned) twin = leaf;
  return leaf;
}

/** Reads once more where an assignment was swallowed; else says what is wrong. */
function again(value: unknown, caps: Caps, first: unknown): unknown {
  let error = first;
  if (error === SWALLOWED) {
    nodesLeft = caps.nodes;
    charsLeft = caps.chars;
    isTouched = true;
    try {
      return copyRoot(value, caps.depth);
    } catch (second) {
      error = second;
    }
  }
  if (!(error instanceof Fault)) return new Fault("payload_not_plain", "a value that cannot be read");
  return error.what === TOO_DEEP && isCyclic(value, error.keys.toReversed())
    ? Object.assign(new Fault("payload_not_plain", "a cycle"), { keys: error.keys })
    : error;
}

/** The frozen twin of the last snapshot that asked for one. */
export function takeTwin(): unknown {
  const found = twin;
  twin = undefined;
  return found;
}

/**
 * An assignment was refused or swallowed: somebody gave the prototype of everything a frozen value or a setter of that
 * name.
 */
const SWALLOWED = Symbol("swallowed");
const TOO_DEEP = "too many levels";
const TOO_MANY = "too many values";
const TOO_LONG = "too much text";

function copyLeaf(value: unknown): unknown {
  if (--nodesLeft < 0) throw new Fault("payload_too_large", TOO_MANY);
  switch (typeof value) {
    case "string":
      if ((charsLeft -= value.length) < 0) throw new Fault("payload_too_large", TOO_LONG);
      return value;
    case "function":
    case "symbol":
    case "bigint":
      throw new Fault("payload_not_plain", show(value));
    default:
      return value;
  }
}

function copyAny(value: object, depth: number): unknown {
  if (depth === 0) throw new Fault("payload_too_large", TOO_DEEP);
  if (--nodesLeft < 0) throw new Fault("payload_too_large", TOO_MANY);
  return Array.isArray(value) ? copyArray(value, depth - 1) : copyObject(value as Record<string, unknown>, depth - 1);
}

function copyArray(value: readonly unknown[], depth: number): unknown[] {
  const { length } = value;
  if (length > nodesLeft) throw new Fault("payload_too_large", TOO_MANY);
  const out: unknown[] = [];
  const frozen: unknown[] | undefined = twinned ? [] : undefined;
  let i = 0;
  try {
    for (; i < length; i++) {
      const item = value[i];
      if (typeof item === "object" && item !== null) {
        out.push(copyAny(item, depth));
        if (frozen !== undefined) frozen.push(twin);
      } else {
        out.push(copyLeaf(item));
        if (frozen !== undefined) frozen.push(item);
      }
    }
  } catch (error) {
    throw error === SWALLOWED ? error : at(error, i);
  }
  if (frozen !== undefined) twin = Object.freeze(frozen);
  return out;
}

function copyObject(value: Record<string, unknown>, depth: number): Record<string, unknown> {
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null && !isForeignObjectPrototype(proto as object)) {
    throw new Fault("payload_not_plain", "an object that is not plain");
  }
  // A tool could read symbol keys that no guard was shown.
  if (Object.getOwnPropertySymbols(value).length > 0) throw new Fault("payload_not_plain", "a symbol key");
  const out: Record<string, unknown> = {};
  const frozen: Record<string, unknown> | undefined = twinned ? {} : undefined;
  // The check of the walk covers this realm's prototype only.
  const mayInherit = isTouched || (proto !== PROTOTYPE && proto !== null);
  let last = "";
  let kept = 0;
  try {
    // A key of the loop's own: only then engines read the property without looking it up.
    for (const key in value) {
      last = key;
      if (mayInherit && !Object.hasOwn(value, key)) continue;
      // An own "__proto__" would become the prototype of whatever the tool copies it into.
      if (key === "__proto__") throw new Fault("payload_not_plain", "a key named __proto__");
      if ((charsLeft -= key.length) < 0) throw new Fault("payload_too_large", TOO_LONG);
      const item = value[key];
      const isNested = typeof item === "object" && item !== null;
      const copy = isNested ? copyAny(item, depth) : copyLeaf(item);
      kept++;
      assign(out, key, copy);
      if (frozen !== undefined) assign(frozen, key, isNested ? twin : copy);
    }
  } catch (error) {
    throw error === SWALLOWED ? error : at(error, last);
  }
  if (kept !== 0 && !isTouched) {
    // Counting is cheaper than asking for each key whether the prototype has one of that name.
    for (const _ in out) kept--;
    if (kept !== 0) throw SWALLOWED;
  }
  if (frozen !== undefined) twin = Object.freeze(frozen);
  return out;
}

/** Puts a value under a key: by assignment, or where that may not keep it, by definition. */
function assign(target: Record<string, unknown>, key: string, value: unknown): void {
  if (isTouched) {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
    return;
  }
  try {
    target[key] = value;
  } catch {
    throw SWALLOWED;
  }
}

/** Whether somebody gave the prototype of everything enumerable properties, which `for` then finds in every object. */
function isPrototypeTouched(): boolean {
  for (const _ in PROTOTYPE) return true;
  return false;
}

function at(error: unknown, key: string | number): Fault {
  const fault = error instanceof Fault ? error : new Fault("payload_not_plain", "a value that cannot be read");
  fault.keys.push(key);
  return fault;
}

/** Whether this is the `Object.prototype` of another realm: what it holds is left out of the copy in any case. */
function isForeignObjectPrototype(proto: object): boolean {
  return Object.getPrototypeOf(proto) === null && Object.hasOwn(proto, "hasOwnProperty") &&
    Object.hasOwn(proto, "__defineGetter__");
}

function pathOf(keys: readonly (string | number)[]): string {
  let path = "$";
  for (const key of keys) {
    if (typeof key === "number") path += `[${key}]`;
    else path += /^[A-Za-z_$][\w$]{0,63}$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64))}]`;
  }
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}

/** Whether the way to what was too deep passes the same object twice. Looks again, for the message only. */
function isCyclic(root: unknown, keys: readonly (string | number)[]): boolean {
  const seen = new Set<unknown>();
  let at = root;
  try {
    for (const key of keys) {
      if (seen.has(at)) return true;
      seen.add(at);
      at = (at as Record<string | number, unknown>)[key];
    }
  } catch {
    return false;
  }
  return seen.has(at);
}
