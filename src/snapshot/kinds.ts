import { bare } from "../base/own.ts";
/**
 * The kinds of plain data beyond JSON, and how each is read: by what the language keeps inside of a value, never by its
 * methods, so that neither a subclass nor a property of its own shows one thing here and another to whoever uses it.
 *
 * The readers are taken when the module is loaded: replacing a prototype's methods later changes nothing.
 */
export type Kind = "Date" | "URL" | "RegExp" | "Map" | "Set" | "Error" | "ArrayBuffer" | "DataView" | "TypedArray";

const apply = Reflect.apply;
const construct = Reflect.construct;
const getPrototypeOf = Object.getPrototypeOf;
const hasOwn = Object.hasOwn;

type Reader = (this: unknown) => unknown;

function getterOf(prototype: object, key: string | symbol): Reader {
  return Object.getOwnPropertyDescriptor(prototype, key)?.get as Reader;
}

const DateKind = Date;
const RegExpKind = RegExp;
const MapKind = Map;
const SetKind = Set;
const ViewKind = DataView;
const Bytes = Uint8Array;
const UrlKind: typeof URL | undefined = typeof URL === "function" ? URL : undefined;
const TYPED: object = getPrototypeOf(Uint8Array.prototype);

const getTime = Date.prototype.getTime;
const toISOString = Date.prototype.toISOString;
const mapForEach = Map.prototype.forEach;
const mapSet = Map.prototype.set;
const setForEach = Set.prototype.forEach;
const setAdd = Set.prototype.add;
const sourceOf = getterOf(RegExp.prototype, "source");
const FLAGS: readonly (readonly [string, Reader | undefined])[] = [
  ["d", getterOf(RegExp.prototype, "hasIndices")],
  ["g", getterOf(RegExp.prototype, "global")],
  ["i", getterOf(RegExp.prototype, "ignoreCase")],
  ["m", getterOf(RegExp.prototype, "multiline")],
  ["s", getterOf(RegExp.prototype, "dotAll")],
  ["u", getterOf(RegExp.prototype, "unicode")],
  ["v", getterOf(RegExp.prototype, "unicodeSets")],
  ["y", getterOf(RegExp.prototype, "sticky")],
];
const hrefOf: Reader | undefined = UrlKind === undefined ? undefined : getterOf(UrlKind.prototype, "href");
const lengthOfBuffer = getterOf(ArrayBuffer.prototype, "byteLength");
const tagOf = getterOf(TYPED, Symbol.toStringTag);
const bufferOfTyped = getterOf(TYPED, "buffer");
const offsetOfTyped = getterOf(TYPED, "byteOffset");
const lengthOfTyped = getterOf(TYPED, "byteLength");
const bufferOfView = getterOf(DataView.prototype, "buffer");
const offsetOfView = getterOf(DataView.prototype, "byteOffset");
const lengthOfView = getterOf(DataView.prototype, "byteLength");
const setBytes = Uint8Array.prototype.set;
const decoder = new TextDecoder("utf-8", bare({ fatal: true, ignoreBOM: true }));
const encoder = new TextEncoder();

type ErrorKind = new () => Error;
const ERRORS: readonly ErrorKind[] = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
];
const AggregateKind = AggregateError;

type TypedKind = (new (buffer: ArrayBuffer) => ArrayBufferView) & { readonly prototype: object };
const TYPED_KINDS: readonly TypedKind[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];
const typedByName = new Map<unknown, TypedKind>(TYPED_KINDS.map((kind) => [kind.name, kind]));

const KINDS: ReadonlyMap<object, Kind> = new Map<object, Kind>([
  [Date.prototype, "Date"],
  [RegExp.prototype, "RegExp"],
  [Map.prototype, "Map"],
  [Set.prototype, "Set"],
  [ArrayBuffer.prototype, "ArrayBuffer"],
  [DataView.prototype, "DataView"],
  ...(UrlKind === undefined ? [] : [[UrlKind.prototype, "URL"] as const]),
  ...TYPED_KINDS.map((kind) => [kind.prototype, "TypedArray"] as const),
  ...[...ERRORS, AggregateKind].map((kind) => [kind.prototype as object, "Error"] as const),
]);

/** Kinds that freezing does not hold: whoever has one can change it. */
export function isSoftKind(kind: Kind): boolean {
  return kind !== "Error";
}

/** The kind of an object by its prototype; nothing that the object itself says counts. */
export function kindOf(value: object, proto: object): Kind | undefined {
  const known = KINDS.get(proto) ?? (isStandIn(proto) ? "Date" : foreignKind(proto));
  if (known === undefined) return isNodeBuffer(proto) ? "TypedArray" : undefined;
  return isKind(value, known) ? known : undefined;
}

/** Whether a value holds entries or bytes that none of its properties shows: an instance of a class above `Map`, say. */
export function hidesContent(value: object): boolean {
  return ArrayBuffer.isView(value) || (["Map", "Set", "ArrayBuffer"] as const).some((kind) => isKind(value, kind));
}

/** Whether a value of this kind may have properties beside what it is: these would go unread. */
export function hasOwnFields(value: object, kind: Kind): boolean {
  // The fields of a typed array are its items, and of a URL, in one runtime, what it is.
  if (kind === "TypedArray" || kind === "Error" || (kind === "URL" && hrefOf === undefined)) return false;
  return Object.keys(value).length > 0;
}

/** Whether the language agrees: an object can be given any prototype. */
function isKind(value: object, kind: Kind): boolean {
  try {
    switch (kind) {
      case "Date":
        apply(getTime, value, []);
        return true;
      case "RegExp":
        return typeof apply(sourceOf, value, []) === "string";
      case "Map":
        apply(mapForEach, value, [stop]);
        return true;
      case "Set":
        apply(setForEach, value, [stop]);
        return true;
      case "URL":
        return typeof readUrl(value) === "string";
      case "ArrayBuffer":
        apply(lengthOfBuffer, value, []);
        return true;
      case "DataView":
        apply(bufferOfView, value, []);
        return true;
      case "TypedArray":
        return typedByName.has(apply(tagOf, value, []));
      case "Error":
        return true;
    }
  } catch (error) {
    return error === STOP;
  }
}

const STOP = Symbol("stop");
function stop(): never {
  throw STOP;
}

/** The kind of a prototype of another realm: what it is called there, and nothing between it and everything. */
function foreignKind(proto: object): Kind | undefined {
  const above: unknown = getPrototypeOf(proto);
  if (above === null || !isOwnPrototype(proto)) return undefined;
  const name = nameOf(proto);
  if (isRoot(above as object)) {
    if (name === "Error") return "Error";
    return name !== undefined && FOREIGN.includes(name as Kind) ? name as Kind : undefined;
  }
  const top: unknown = getPrototypeOf(above as object);
  if (top === null || !isRoot(top as object)) return undefined;
  const parent = nameOf(above as object);
  if (parent === "Error" && [...ERRORS, AggregateKind].some((kind) => kind.name === name)) return "Error";
  return parent === "TypedArray" && typedByName.has(name) ? "TypedArray" : undefined;
}

/** Clocks for tests put a class above `Date` in its place that adds nothing to it. */
function isStandIn(proto: object): boolean {
  return getPrototypeOf(proto) === DateKind.prototype && Reflect.ownKeys(proto).length === 1 &&
    hasOwn(proto, "constructor");
}

const FOREIGN: readonly Kind[] = ["Date", "RegExp", "Map", "Set", "ArrayBuffer", "DataView"];

/** Whether a prototype is that of a built-in function: only these cannot be written to. */
function isOwnPrototype(proto: object): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(proto, "constructor");
  const made: unknown = descriptor?.value;
  if (typeof made !== "function") return false;
  const own = Object.getOwnPropertyDescriptor(made, "prototype");
  return own?.value === proto && own.writable === false && isNative(made);
}

const toText = Function.prototype.toString;

function isNative(made: unknown): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(apply(toText, made, []) as string);
}

function nameOf(proto: object): string | undefined {
  const made = Object.getOwnPropertyDescriptor(proto, "constructor")?.value as object | undefined;
  const name: unknown = made === undefined ? undefined : Object.getOwnPropertyDescriptor(made, "name")?.value;
  return typeof name === "string" ? name : undefined;
}

/** Whether this is an `Object.prototype`, of this realm or another. */
export function isRoot(proto: object): boolean {
  return getPrototypeOf(proto) === null && hasOwn(proto, "hasOwnProperty") && hasOwn(proto, "__defineGetter__");
}

/** Node's `Buffer` is a class above `Uint8Array`; its methods read nothing but the bytes. */
function isNodeBuffer(proto: object): boolean {
  return getPrototypeOf(proto) === Bytes.prototype && nameOf(proto) === "Buffer" && hasOwn(proto, "readUInt8") &&
    hasOwn(proto, "swap64");
}

// ---- reading -------------------------------------------------------------------------------------------------------

function readUrl(value: object): unknown {
  // One runtime has the fields of a URL on the object itself.
  return hrefOf === undefined ? (value as { href?: unknown }).href : apply(hrefOf, value, []);
}

/** A URL's text. */
export function hrefText(value: object): string {
  return String(readUrl(value));
}

/** A date's time in ms since the epoch; `NaN` where it has none. */
export function timeOf(value: object): number {
  return apply(getTime, value, []) as number;
}

/** A date as ISO text. */
export function isoText(value: object): string {
  return Number.isNaN(timeOf(value)) ? "Invalid Date" : apply(toISOString, value, []) as string;
}

/** What a regular expression matches. */
export function regExpSource(value: object): string {
  return apply(sourceOf, value, []) as string;
}

/** The flags of a regular expression. */
export function regExpFlags(value: object): string {
  let flags = "";
  for (const [flag, reader] of FLAGS) if (reader !== undefined && apply(reader, value, []) === true) flags += flag;
  return flags;
}

/** Visits a map's entries in their order. */
export function eachEntry(value: object, visit: (item: unknown, key: unknown) => void): void {
  apply(mapForEach, value, [visit]);
}

/** Visits a set's items in their order. */
export function eachItem(value: object, visit: (item: unknown) => void): void {
  apply(setForEach, value, [visit]);
}

/** The name of a typed array's class, such as `Float32Array`. */
export function typedName(value: object): string {
  return apply(tagOf, value, []) as string;
}

/**
 * The bytes that a buffer or a view shows, without those around them; `undefined` where others could change them: the
 * memory is shared.
 */
export function bytesIn(value: object, kind: Kind): Uint8Array<ArrayBuffer> | undefined {
  const [buffer, offset, length] = kind === "ArrayBuffer"
    ? [value, 0, apply(lengthOfBuffer, value, [])]
    : kind === "DataView"
    ? [apply(bufferOfView, value, []), apply(offsetOfView, value, []), apply(lengthOfView, value, [])]
    : [apply(bufferOfTyped, value, []), apply(offsetOfTyped, value, []), apply(lengthOfTyped, value, [])];
  try {
    apply(lengthOfBuffer, buffer, []);
  } catch {
    return undefined;
  }
  return new Bytes(buffer as ArrayBuffer, offset as number, length as number);
}

/** Bytes as text, if they are valid UTF-8. */
export function textOfBytes(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Text as UTF-8. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

// ---- making --------------------------------------------------------------------------------------------------------

/** The same value without properties of its own: of those kinds that hold no other values. */
export function bareCopy(value: object, kind: Kind): object {
  switch (kind) {
    case "Date":
      return newDate(timeOf(value));
    case "URL":
      return newUrl(hrefText(value));
    case "RegExp":
      return newRegExp(regExpSource(value), regExpFlags(value));
    default: {
      const bytes = bytesIn(value, kind);
      return bytes === undefined ? value : newBytes(value, kind, bytes);
    }
  }
}

/** Makes a date. */
export function newDate(time: number): Date {
  return new DateKind(time);
}

/** Makes a regular expression. */
export function newRegExp(source: string, flags: string): RegExp {
  return new RegExpKind(source, flags);
}

/** Makes a URL; throws where the text is none. */
export function newUrl(href: string): URL {
  return new (UrlKind as typeof URL)(href);
}

/** Makes an empty map. */
export function newMap(): Map<unknown, unknown> {
  return new MapKind();
}

/** Puts an entry into a map. */
export function putEntry(map: Map<unknown, unknown>, key: unknown, item: unknown): void {
  apply(mapSet, map, [key, item]);
}

/** Makes an empty set. */
export function newSet(): Set<unknown> {
  return new SetKind();
}

/** Puts an item into a set. */
export function putItem(set: Set<unknown>, item: unknown): void {
  apply(setAdd, set, [item]);
}

/** Copies bytes into a buffer or view of the kind and class that another one has; throws where they do not fill it. */
export function newBytes(like: object, kind: Kind, bytes: Uint8Array<ArrayBuffer>): object {
  const copy = new Bytes(bytes.byteLength);
  apply(setBytes, copy, [bytes]);
  if (kind === "ArrayBuffer") return copy.buffer;
  if (kind === "DataView") return new ViewKind(copy.buffer);
  const proto: unknown = getPrototypeOf(like);
  if (isNodeBuffer(proto as object)) {
    return construct(Bytes, [copy.buffer], (proto as { constructor: new () => object }).constructor);
  }
  return new (typedByName.get(typedName(like)) as TypedKind)(copy.buffer);
}

/** Makes an error of the kind that another one has, without a message and without the places that it came by. */
export function newError(like: object): Error {
  const name = nameOf(getPrototypeOf(like) as object);
  const error = name === AggregateKind.name
    ? new AggregateKind([])
    : new (ERRORS.find((kind) => kind.name === name) ?? Error)();
  for (const key of PLACES) Reflect.deleteProperty(error, key);
  return error;
}

/** Where engines other than V8 note, beside the stack, where an error was made: numbers, and a file or an address. */
const PLACES: readonly string[] = [
  ...["line", "column", "originalLine", "originalColumn", "lineNumber", "columnNumber"],
  ...["sourceURL", "fileName"],
];
const PLACE = /^(?:\/|[A-Za-z]:[\\/]|[a-z]{2,8}:)\S{0,1024}$/;
const LONGEST_FILE = 10_000_000;

/** Whether a field of an error says no more than where it was made: not one that a program gave it. */
export function isPlace(error: object, key: string): boolean {
  if (!PLACES.includes(key)) return false;
  const property = Object.getOwnPropertyDescriptor(error, key);
  if (property === undefined || !Object.hasOwn(property, "value") || property.enumerable === true) return false;
  const { value } = property as { readonly value?: unknown };
  return typeof value === "number" ? value <= LONGEST_FILE : typeof value === "string" && PLACE.test(value);
}

const TWO_64 = 2n ** 64n;

/** At least as many characters as a bigint has in decimal; spelling a huge one out would take long. */
export function digitCount(value: bigint): number {
  return value < TWO_64 && value > -TWO_64 ? String(value).length : Math.ceil(value.toString(16).length * 1.21);
}

/** What a buffer or view is called, such as `Float32Array`. */
export function bytesName(value: object, kind: Kind): string {
  if (kind !== "TypedArray") return kind;
  return isNodeBuffer(getPrototypeOf(value) as object) ? "Buffer" : typedName(value);
}

/** The name that an error has by its kind. */
export function errorKindName(value: object): string {
  return nameOf(getPrototypeOf(value) as object) ?? "Error";
}
