// Reading a payload once into plain data, within caps, and comparing such data.

import { show } from "../base/check.ts";
import { type Caps, DEFAULT_CAPS } from "./caps.ts";
import { at, Fault } from "./fault.ts";
import * as kinds from "./kinds.ts";

export { type Caps, capsOf } from "./caps.ts";
export { Fault } from "./fault.ts";

const PROTOTYPE: object = Object.prototype;

/** What a walk met beyond JSON. */
interface Rich {
  binaryLeft: number;
  /** Something that freezing does not hold. */
  isSoft: boolean;
}

// One walk at a time uses these; a getter that starts another walk finds them saved and put back.
let nodesLeft = 0;
let charsLeft = 0;
let current: Caps = DEFAULT_CAPS.run;
let twinned = false;
let twin: unknown;
let isTouched = false;
// Made where the first kind beyond JSON is met: payloads of JSON have none.
let rich: Rich | undefined;
let met: Rich | undefined;

/**
 * Reads a payload once, into plain data that nobody else holds.
 *
 * Answers the copy, or a {@linkcode Fault}. With `withTwin`, a second, deeply frozen copy is made in the same walk:
 * fetch it with {@linkcode takeTwin} at once. Getters and proxies are read once; inherited and non-enumerable
 * properties and extra keys of arrays are left out; holes stay holes. Dates, URLs, regular expressions, errors, maps,
 * sets, buffers and views are copied as their own kind, by what the language keeps in them. Functions, symbols, cycles,
 * class instances, shared memory and own `__proto__` keys are faults, and so is a getter that throws.
 */
export function snapshot(value: unknown, caps: Caps, withTwin: boolean): unknown {
  const savedNodes = nodesLeft, savedChars = charsLeft, savedTwinned = twinned, savedCaps = current, savedRich = rich;
  nodesLeft = caps.nodes;
  charsLeft = caps.chars;
  current = caps;
  twinned = withTwin;
  rich = undefined;
  isTouched = isPrototypeTouched();
  try {
    return copyRoot(value, caps.depth);
  } catch (error) {
    return again(value, caps, error);
  } finally {
    met = rich;
    nodesLeft = savedNodes;
    charsLeft = savedChars;
    current = savedCaps;
    twinned = savedTwinned;
    rich = savedRich;
  }
}

/** What the last snapshot met: `json`, other kinds too (`rich`), or such as freezing does not hold (`soft`). */
export function lastMet(): "json" | "rich" | "soft" {
  return met === undefined ? "json" : met.isSoft ? "soft" : "rich";
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
    rich = undefined;
    isTouched = true;
    try {
      return copyRoot(value, caps.depth);
    } catch (second) {
      error = second;
    }
  }
  if (!(error instanceof Fault)) return new Fault("payload_not_plain", "a value that cannot be read");
  const { code, what, steps } = error;
  if (what === TOO_DEEP && isCyclic(value, steps)) return new Fault("payload_not_plain", "a cycle", steps);
  return code === "payload_too_large" ? tooLarge(what, caps, steps) : error;
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
const TOO_DEEP = "depth";
const TOO_MANY = "nodes";
const TOO_LONG = "bytes";
const TOO_BINARY = "binaryBytes";

/** The fault of a payload beyond a cap, which it names: its size, and the option that sets it. */
export function tooLarge(cap: string, caps: Caps, steps: Fault["steps"] = []): Fault {
  const over = cap === TOO_DEEP
    ? `${caps.depth} levels`
    : cap === TOO_MANY
    ? `${caps.nodes} values`
    : cap === TOO_LONG
    ? `${caps.chars} characters of text`
    : `${caps.binaryBytes} bytes that are no text`;
  return new Fault("payload_too_large", `more than ${over} (${caps.option}.${cap})`, steps);
}

function copyLeaf(value: unknown): unknown {
  if (--nodesLeft < 0) throw new Fault("payload_too_large", TOO_MANY);
  switch (typeof value) {
    case "string":
      if ((charsLeft -= value.length) < 0) throw new Fault("payload_too_large", TOO_LONG);
      return value;
    case "bigint":
      countText(kinds.digitCount(value));
      return value;
    case "function":
    case "symbol":
      throw new Fault("payload_not_plain", show(value));
    default:
      return value;
  }
}

function countText(length: number): void {
  if ((charsLeft -= length) < 0) throw new Fault("payload_too_large", TOO_LONG);
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
      } else if (item === undefined && !Object.hasOwn(value, i)) {
        copyLeaf(item);
        out.length = i + 1;
        if (frozen !== undefined) frozen.length = i + 1;
      } else {
        out.push(copyLeaf(item));
        if (frozen !== undefined) frozen.push(item);
      }
    }
  } catch (error) {
    throw error === SWALLOWED ? error : at(error, "index", i, i);
  }
  if (frozen !== undefined) twin = Object.freeze(frozen);
  return out;
}

function copyObject(value: Record<string, unknown>, depth: number): unknown {
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null && !kinds.isRoot(proto as object)) {
    return copyKind(value, proto as object, depth);
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
    throw error === SWALLOWED ? error : at(error, "key", last, kept);
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
    define(target, key, value, true);
    return;
  }
  try {
    target[key] = value;
  } catch {
    throw SWALLOWED;
  }
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  const descriptor = { __proto__: null, value, writable: true, enumerable, configurable: true };
  Object.defineProperty(target, key, descriptor as PropertyDescriptor);
}

/** Whether somebody gave the prototype of everything enumerable properties, which `for` then finds in every object. */
function isPrototypeTouched(): boolean {
  for (const _ in PROTOTYPE) return true;
  return false;
}

// ---- kinds beyond JSON, which only objects with another prototype come to ------------------------------------------

function copyKind(value: object, proto: object, depth: number): unknown {
  const kind = kinds.kindOf(value, proto);
  if (kind === undefined) throw new Fault("payload_not_plain", "a class instance");
  if (kinds.hasOwnFields(value, kind)) throw new Fault("payload_not_plain", `a ${kind} with properties of its own`);
  rich ??= { binaryLeft: current.binaryBytes, isSoft: false };
  if (kinds.isSoftKind(kind)) rich.isSoft = true;
  switch (kind) {
    case "Date": {
      const time = kinds.timeOf(value);
      return twins(() => kinds.newDate(time));
    }
    case "URL": {
      const href = kinds.hrefText(value);
      countText(href.length);
      return twins(() => kinds.newUrl(href));
    }
    case "RegExp": {
      const source = kinds.regExpSource(value), flags = kinds.regExpFlags(value);
      countText(source.length);
      return twins(() => kinds.newRegExp(source, flags));
    }
    case "Map":
      return copyMap(value, depth);
    case "Set":
      return copySet(value, depth);
    case "Error":
      return copyError(value as Record<string, unknown>, depth);
    default: {
      const bytes = kinds.bytesIn(value, kind);
      if (bytes === undefined) throw new Fault("payload_not_plain", "shared memory");
      countBytes(bytes, rich);
      const copy = kinds.newBytes(value, kind, bytes);
      // Views cannot be frozen.
      if (twinned) twin = kinds.newBytes(value, kind, bytes);
      return copy;
    }
  }
}

function twins<T extends object>(make: () => T): T {
  if (twinned) twin = Object.freeze(make());
  return make();
}

/** Bytes that are text count as text; others have a cap of their own. */
function countBytes(bytes: Uint8Array<ArrayBuffer>, counted: Rich): void {
  const { length } = bytes;
  // Text has at most three bytes a character, so this is too much of either.
  if (length > counted.binaryLeft && length > charsLeft * 3) throw new Fault("payload_too_large", TOO_BINARY);
  const text = kinds.textOfBytes(bytes);
  if (text !== undefined) countText(text.length);
  else if ((counted.binaryLeft -= length) < 0) throw new Fault("payload_too_large", TOO_BINARY);
}

/** Copies what stands in a map, a set or an error; leaves its twin in `twin`. */
function copyPart(item: unknown, depth: number): unknown {
  if (typeof item === "object" && item !== null) return copyAny(item, depth);
  const leaf = copyLeaf(item);
  if (twinned) twin = leaf;
  return leaf;
}

function copyMap(value: object, depth: number): Map<unknown, unknown> {
  const out = kinds.newMap();
  const frozen = twinned ? kinds.newMap() : undefined;
  let place = 0;
  kinds.eachEntry(value, (item, key) => {
    let part = key;
    try {
      const keyCopy = copyPart(key, depth);
      const keyTwin = twin;
      part = item;
      kinds.putEntry(out, keyCopy, copyPart(item, depth));
      if (frozen !== undefined) kinds.putEntry(frozen, keyTwin, twin);
    } catch (error) {
      throw error === SWALLOWED ? error : at(error, "entry", part, place);
    }
    place++;
  });
  if (frozen !== undefined) twin = Object.freeze(frozen);
  return out;
}

function copySet(value: object, depth: number): Set<unknown> {
  const out = kinds.newSet();
  const frozen = twinned ? kinds.newSet() : undefined;
  let place = 0;
  kinds.eachItem(value, (item) => {
    try {
      kinds.putItem(out, copyPart(item, depth));
      if (frozen !== undefined) kinds.putItem(frozen, twin);
    } catch (error) {
      throw error === SWALLOWED ? error : at(error, "entry", item, place);
    }
    place++;
  });
  if (frozen !== undefined) twin = Object.freeze(frozen);
  return out;
}

/** What an error carries though it is not enumerable. */
const CARRIED: readonly string[] = ["name", "message", "cause", "errors"];

/** An error's own fields. Where it was thrown is of the program, so the copy's stack says only what it is. */
function copyError(value: Record<string, unknown>, depth: number): Error {
  if (Object.getOwnPropertySymbols(value).length > 0) throw new Fault("payload_not_plain", "a symbol key");
  const out = kinds.newError(value);
  const frozen = twinned ? kinds.newError(value) : undefined;
  const shown = Object.keys(value).filter((key) => key !== "stack");
  const hidden = CARRIED.filter((key) => Object.hasOwn(value, key) && !shown.includes(key));
  for (const made of frozen === undefined ? [out] : [out, frozen]) Reflect.deleteProperty(made, "errors");
  [...hidden, ...shown].forEach((key, place) => {
    const isShown = place >= hidden.length;
    try {
      if (key === "__proto__") throw new Fault("payload_not_plain", "a key named __proto__");
      if (isShown) countText(key.length);
      define(out, key, copyPart(value[key], depth), isShown);
      if (frozen !== undefined) define(frozen, key, twin, isShown);
    } catch (error) {
      throw error === SWALLOWED ? error : at(error, "key", key, place);
    }
  });
  for (const made of frozen === undefined ? [out] : [out, frozen]) {
    const { name, message } = made as { name: unknown; message: unknown };
    define(
      made,
      "stack",
      `${typeof name === "string" ? name : "Error"}: ${typeof message === "string" ? message : ""}`,
      false,
    );
  }
  if (frozen !== undefined) twin = Object.freeze(frozen);
  return out;
}

/** Whether the way to what was too deep passes the same object twice. Looks again, for the message only. */
function isCyclic(root: unknown, steps: Fault["steps"]): boolean {
  const seen = new Set<unknown>();
  let here = root;
  try {
    for (const { kind, key } of steps.toReversed()) {
      if (seen.has(here)) return true;
      seen.add(here);
      here = kind === "entry" ? key : (here as Record<string, unknown>)[key as string];
    }
  } catch {
    return false;
  }
  return seen.has(here);
}
