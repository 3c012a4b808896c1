import { memberOf } from "../base/own.ts";
import type { Caps } from "./caps.ts";
import { at, Fault } from "./fault.ts";
import * as kinds from "./kinds.ts";
import { snapshot, tooLarge } from "./snapshot.ts";

const apply = Reflect.apply;
/** What `JSON.stringify` leaves out. */
const LEFT_OUT = Symbol("left out");

/**
 * The form that `JSON.stringify` gives of a value, as data that {@linkcode snapshot} can copy: `toJSON` is called, own
 * enumerable properties are read, functions and symbols left out; kinds of plain data stay what they are.
 *
 * A {@linkcode Fault} where it has no such form though it is not empty to its user: a function, a promise, a cycle, a
 * stream or a body of a response anywhere inside, and an instance of a class of which JSON shows nothing.
 */
export function jsonForm(value: unknown, caps: Caps): unknown {
  return guarded(() => {
    const form = new Reading(caps, false).read(value, "", caps.depth);
    if (form === LEFT_OUT || (isEmptyObject(form) && Reflect.ownKeys(value as object).length > 0)) {
      throw new Fault("payload_not_plain", typeof value === "object" ? "an object of functions" : `a ${typeof value}`);
    }
    return form;
  });
}

/** An error as guards see it: name, message and whatever else it carries, with causes and nested errors. */
export interface ErrorForm {
  readonly name: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/**
 * What an act threw, as guards see it: `{ name, message }`, and its own fields, `cause` and `errors` in their JSON form.
 *
 * Of the stack only what is no place in a program is shown, and nothing that name and message say already. What stands
 * in itself, as causes may, is shown once. A {@linkcode Fault} where something in it has no JSON form.
 */
export function errorForm(error: unknown, caps: Caps): ErrorForm | Fault {
  if ((typeof error !== "object" && typeof error !== "function") || error === null) return nameAndMessage(error);
  return guarded(() => new Reading(caps, true).thrown(error)) as ErrorForm | Fault;
}

/** An error's name and message. */
export function nameAndMessage(error: unknown): ErrorForm {
  try {
    const given = error as { name?: unknown; message?: unknown } | undefined;
    const name = memberOf(given, "name"), message = memberOf(given, "message");
    return {
      name: typeof name === "string" ? name : "Error",
      message: typeof message === "string" ? message : String(error),
    };
  } catch {
    return { name: "Error", message: "" };
  }
}

function guarded(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error instanceof Fault ? error : new Fault("payload_not_plain", "a value that cannot be read");
  }
}

class Reading {
  readonly #caps: Caps;
  /** Whether what stands in itself is shown once, and is no fault. */
  readonly #isError: boolean;
  readonly #around = new Set<object>();
  /** Within an error that has a JSON form of its own: its author has said what of it is data. */
  #isTold = false;
  /** Within an instance of a class that such an error carries: a request, an agent. */
  #isMachinery = false;
  #nodes: number;

  constructor(caps: Caps, isError: boolean) {
    this.#caps = caps;
    this.#isError = isError;
    this.#nodes = caps.nodes;
  }

  read(value: unknown, key: string, depth: number): unknown {
    if (--this.#nodes < 0) throw tooLarge("nodes", this.#caps);
    if (typeof value === "function" || typeof value === "symbol") return LEFT_OUT;
    if (typeof value !== "object" || value === null) return value;
    if (this.#around.has(value)) {
      if (this.#isError) return LEFT_OUT;
      throw new Fault("payload_not_plain", "a cycle");
    }
    if (depth === 0) throw tooLarge("depth", this.#caps);
    this.#around.add(value);
    try {
      return this.#readObject(value, key, depth - 1);
    } finally {
      this.#around.delete(value);
    }
  }

  /** What was thrown, with name and message before everything else. */
  thrown(error: object): ErrorForm {
    const { depth } = this.#caps;
    if (isErrorLike(error)) return this.#readUnder(error, () => this.#error(error, depth - 1)) as ErrorForm;
    const form = this.read(error, "", depth);
    if (form === LEFT_OUT) throw new Fault("payload_not_plain", `a ${typeof error}`);
    return { ...nameAndMessage(error), ...(isFieldsObject(form) ? form : { value: form }) } as ErrorForm;
  }

  #readUnder(value: object, read: () => unknown): unknown {
    this.#nodes--;
    this.#around.add(value);
    return read();
  }

  #readObject(value: object, key: string, depth: number): unknown {
    const hidden = hiddenContent(value);
    if (hidden !== undefined) {
      // A socket below a request has nothing of the error in it; a request is what the program sent.
      if (this.#isMachinery || (this.#isTold && tagOf(value) === "[object Request]")) return LEFT_OUT;
      throw new Fault("payload_not_plain", hidden);
    }
    const proto: unknown = Object.getPrototypeOf(value);
    const isPlain = proto === Object.prototype || proto === null || kinds.isRoot(proto as object);
    const kind = isPlain || Array.isArray(value) ? undefined : kinds.kindOf(value, proto as object);
    if (kind === "Error" || (!isPlain && isErrorLike(value))) return this.#error(value, depth);
    if (kind !== undefined) return this.#kind(value, kind, depth);
    const toJSON = memberOf(value as { toJSON?: unknown }, "toJSON");
    if (typeof toJSON === "function") return this.#shown(apply(toJSON, value, [key]), value, depth);
    if (Array.isArray(value)) return this.#listWithFields(value, depth);
    if (isPlain) return this.#withHidden(value, this.#fields(value, depth));
    const boxed = unboxed(value);
    if (boxed !== undefined) return boxed;
    if (kinds.hidesContent(value)) throw new Fault("payload_not_plain", "a class instance");
    const pairs = pairsOf(value);
    if (pairs !== undefined) return this.#list(pairs, depth);
    const fields = this.#instance(value, depth);
    if (this.#shown(fields, value, depth) === LEFT_OUT) return LEFT_OUT;
    return this.#withHidden(value, fields);
  }

  #instance(value: object, depth: number): object {
    const before = this.#isMachinery;
    this.#isMachinery = this.#isTold;
    try {
      return this.#fields(value, depth);
    } finally {
      this.#isMachinery = before;
    }
  }

  /** What a class shows of an instance: it must be something, but in an error whose author said what is data. */
  #shown(form: unknown, value: object, depth: number): unknown {
    const read = typeof form === "object" && form !== null && form !== value && !isOurs(form)
      ? this.#withoutToJson(form, depth)
      : form === value
      ? this.#fields(value, depth)
      : form;
    if (read === undefined || typeof read === "function" || typeof read === "symbol" || isEmptyObject(read)) {
      if (this.#isTold) return LEFT_OUT;
      throw new Fault("payload_not_plain", "a class instance that JSON shows nothing of");
    }
    return read;
  }

  /** What `toJSON` answered: it is not asked for its own. */
  #withoutToJson(form: object, depth: number): unknown {
    const hidden = hiddenContent(form);
    if (hidden !== undefined) throw new Fault("payload_not_plain", hidden);
    return Array.isArray(form)
      ? this.#list(form, depth)
      : Object.getPrototypeOf(form) === Object.prototype || Object.getPrototypeOf(form) === null
      ? this.#fields(form, depth)
      : this.read(form, "", depth);
  }

  /** A kind of plain data; where it has properties of its own, beside them. */
  #kind(value: object, kind: kinds.Kind, depth: number): unknown {
    const form = kind === "Map" ? this.#map(value, depth) : kind === "Set" ? this.#set(value, depth) : value;
    if (!kinds.hasOwnFields(value, kind)) return form;
    return [form === value ? kinds.bareCopy(value, kind) : form, this.#fields(value, depth)];
  }

  #listWithFields(value: readonly unknown[], depth: number): unknown {
    const list = this.#list(value, depth);
    const named = Object.keys(value).filter((key) => !/^\d+$/.test(key));
    return named.length === 0 ? list : [list, this.#fields(pick(value, named), depth)];
  }

  #fields(value: object, depth: number): object {
    const out: Record<string, unknown> = {};
    OURS.add(out);
    Object.keys(value).forEach((key, place) => {
      try {
        const item = this.read((value as Record<string, unknown>)[key], key, depth);
        if (item !== LEFT_OUT) put(out, key, item);
      } catch (error) {
        throw at(error, "key", key, place);
      }
    });
    return out;
  }

  /** What goes on by reference is reached whole: data under symbols, and what is not enumerable, is judged too. */
  #withHidden<T extends object>(value: object, out: T): T {
    for (const key of Reflect.ownKeys(value)) {
      if (isErrorLike(value) && (SAID.includes(key) || (typeof key === "string" && kinds.isPlace(value, key)))) {
        continue;
      }
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (
        property === undefined || !Object.hasOwn(property, "value") ||
        (typeof key === "string" && property.enumerable === true)
      ) {
        continue;
      }
      // What is a program's own, such as a socket, is no data.
      const copy = snapshot(property.value, this.#caps, false);
      if (copy instanceof Fault) {
        if (copy.code === "payload_too_large") throw copy;
        continue;
      }
      const name = typeof key === "symbol" ? key.description ?? "" : key;
      put(out, Object.hasOwn(out, name) ? `${name} (hidden)` : name, copy);
    }
    return out;
  }

  #list(value: readonly unknown[], depth: number): unknown[] {
    const out: unknown[] = [];
    OURS.add(out);
    if (value.length > this.#nodes) throw tooLarge("nodes", this.#caps);
    for (let i = 0; i < value.length; i++) {
      try {
        const item = this.read(value[i], String(i), depth);
        out.push(item === LEFT_OUT ? null : item);
      } catch (error) {
        throw at(error, "index", i, i);
      }
    }
    return out;
  }

  #map(value: object, depth: number): Map<unknown, unknown> {
    const out = kinds.newMap();
    let place = 0;
    kinds.eachEntry(value, (item, key) => {
      try {
        kinds.putEntry(out, this.#part(key, depth), this.#part(item, depth));
      } catch (error) {
        throw at(error, "entry", item, place);
      }
      place++;
    });
    return out;
  }

  #set(value: object, depth: number): Set<unknown> {
    const out = kinds.newSet();
    let place = 0;
    kinds.eachItem(value, (item) => {
      try {
        kinds.putItem(out, this.#part(item, depth));
      } catch (error) {
        throw at(error, "entry", item, place);
      }
      place++;
    });
    return out;
  }

  #part(item: unknown, depth: number): unknown {
    const form = this.read(item, "", depth);
    return form === LEFT_OUT ? null : form;
  }

  #error(error: object, depth: number): object {
    const [wasTold, wasMachinery] = [this.#isTold, this.#isMachinery];
    const toJSON = memberOf(error as { toJSON?: unknown }, "toJSON");
    this.#isTold = typeof toJSON === "function";
    this.#isMachinery = false;
    try {
      return this.#carried(error, toJSON, depth);
    } finally {
      this.#isTold = wasTold;
      this.#isMachinery = wasMachinery;
    }
  }

  #carried(error: object, toJSON: unknown, depth: number): object {
    const { name, message, stack } = error as { name?: unknown; message?: unknown; stack?: unknown };
    const out: Record<string, unknown> = {
      name: typeof name === "string" ? name : "Error",
      message: typeof message === "string" ? message : "",
    };
    OURS.add(out);
    const shown = Object.keys(error).filter((key) =>
      key !== "stack" && !(key === "name" && typeof name === "string") &&
      !(key === "message" && typeof message === "string")
    );
    const hidden = (["cause", "errors"] as const).filter((key) =>
      !shown.includes(key) && memberOf(error as { cause?: unknown; errors?: unknown }, key) !== undefined
    );
    [...shown, ...hidden].forEach((key, place) => {
      try {
        const item = this.read((error as Record<string, unknown>)[key], key, depth);
        if (item !== LEFT_OUT && item !== undefined) put(out, key, item);
      } catch (fault) {
        throw at(fault, "key", key, place);
      }
    });
    this.#withHidden(error, out);
    // Whoever writes the error down gets what it says there, too.
    if (typeof toJSON === "function") {
      const form = this.#part(apply(toJSON, error, [""]), depth);
      if (form !== null) put(out, "toJSON", form);
    }
    const rest = strayText(stack, out["message"] as string, this.#caps.chars);
    if (rest !== "") put(out, "stack", rest);
    return out;
  }
}

/** What an error says in fields of its own that are not enumerable, and was looked at. */
const SAID: readonly (string | symbol)[] = ["name", "message", "stack", "cause", "errors"];

/** Objects that this file made: they are read already. */
const OURS = new WeakSet<object>();

function isOurs(value: object): boolean {
  return OURS.has(value);
}

/** Defined, not assigned: nothing that a prototype has of that name gets in between. */
function put(target: object, key: string, value: unknown): void {
  const descriptor = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(target, key, descriptor as PropertyDescriptor);
}

/** What a value gives to its user later, or in another way than by its properties; `undefined`: nothing. */
function hiddenContent(value: object): string | undefined {
  const one = value as { getReader?: unknown; then?: unknown; arrayBuffer?: unknown; [Symbol.asyncIterator]?: unknown };
  // Its own or its class's: what a polluted prototype gives to everything is nobody's stream.
  const getReader = memberOf(one, "getReader"), iterate = memberOf(one, Symbol.asyncIterator);
  const then = memberOf(one, "then"), arrayBuffer = memberOf(one, "arrayBuffer");
  if (typeof getReader === "function" || typeof iterate === "function") return "a stream";
  if (typeof then === "function") return "a promise";
  return typeof arrayBuffer === "function" ? "a body that is still to be read" : undefined;
}

/** Whether it is an error, of whatever class and realm; never anything that was parsed from text. */
export function isErrorLike(value: unknown): value is Error {
  try {
    return typeof value === "object" && value !== null &&
      (value instanceof Error ||
        ["[object Error]", "[object DOMException]"].includes(tagOf(value) as string));
  } catch {
    return false;
  }
}

const toText = Object.prototype.toString;

function tagOf(value: unknown): unknown {
  return apply(toText, value, []);
}

function pick(value: object, keys: readonly string[]): object {
  const out = {};
  for (const key of keys) put(out, key, (value as Record<string, unknown>)[key]);
  return out;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && kindless(value) &&
    Object.keys(value).length === 0;
}

function isFieldsObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && kindless(value);
}

function kindless(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

const UNBOX: readonly ((this: unknown) => unknown)[] = [
  String.prototype.valueOf,
  Number.prototype.valueOf,
  Boolean.prototype.valueOf,
  BigInt.prototype.valueOf,
];

function unboxed(value: object): unknown {
  for (const unbox of UNBOX) {
    try {
      return apply(unbox, value, []);
    } catch {
      // Not of this one.
    }
  }
  return undefined;
}

/** The pairs of what the platform itself reads by iterating only: headers, and parameters of a URL. */
function pairsOf(value: object): readonly unknown[] | undefined {
  const tag = tagOf(value);
  return tag === "[object Headers]" || tag === "[object URLSearchParams]"
    ? [...(value as Iterable<readonly [string, string]>)].map((pair) => [...pair])
    : undefined;
}

const V8_FRAME = /^\s+at (?:.*[( ])?(?:[^\s()]+:\d+(?::\d+)?|<anonymous>|native|index \d+)\)*$/;
const OTHER_FRAME = /^[^\s@]*@(?:\S+:\d+(?::\d+)?|\[native code\])$/;

/** What a stack says beyond the places in the program and the error's own message. */
function strayText(stack: unknown, message: string, longest: number): string {
  if (typeof stack !== "string") return "";
  if (stack.length > longest) return stack;
  const rest = stack.split("\n").filter((line) => !V8_FRAME.test(line) && !OTHER_FRAME.test(line)).join("\n").trim();
  return rest.endsWith(message.trim()) && /^[\w$.[\] ]*:?\s*$/.test(rest.slice(0, rest.length - message.trim().length))
    ? ""
    : rest;
}
