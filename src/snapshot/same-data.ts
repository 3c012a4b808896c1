import { errorFields, kindOf, partsOf } from "./kind-text.ts";
import * as kinds from "./kinds.ts";

/**
 * Writes plain data as text that is equal exactly where the data is: keys sorted, strings as JSON (lone surrogates
 * escaped), `undefined`, holes, `NaN`, infinities, `-0` and bigints told apart, and every kind beyond JSON under its
 * name: a date is not its ISO text. Maps and sets keep their order. Strings longer than `longest` are cut, which is
 * told.
 */
export function plainText(value: unknown, longest: number = Infinity): string {
  if (typeof value === "string") return JSON.stringify(cut(value, longest));
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return listText(value, longest);
  const kind = kindOf(value);
  if (kind !== undefined) return kindAsText(value, kind, longest);
  const object = value as Record<string, unknown>;
  return `{${
    Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${plainText(object[key], longest)}`).join(",")
  }}`;
}

function listText(list: readonly unknown[], longest: number): string {
  const items: string[] = [];
  for (let i = 0; i < list.length; i++) items.push(Object.hasOwn(list, i) ? plainText(list[i], longest) : "hole");
  return `[${items.join(",")}]`;
}

function kindAsText(value: object, kind: kinds.Kind, longest: number): string {
  switch (kind) {
    case "Date":
      return `Date(${JSON.stringify(kinds.isoText(value))})`;
    case "URL":
      return `URL(${JSON.stringify(cut(kinds.hrefText(value), longest))})`;
    case "RegExp":
      return `RegExp(${JSON.stringify(cut(kinds.regExpSource(value), longest))},"${kinds.regExpFlags(value)}")`;
    case "Map": {
      const entries: string[] = [];
      kinds.eachEntry(
        value,
        (item, key) => void entries.push(`${plainText(key, longest)}=>${plainText(item, longest)}`),
      );
      return `Map{${entries.join(",")}}`;
    }
    case "Set": {
      const items: string[] = [];
      kinds.eachItem(value, (item) => void items.push(plainText(item, longest)));
      return `Set{${items.join(",")}}`;
    }
    case "Error": {
      const fields = errorFields(value).map(([key, item]) => `${JSON.stringify(key)}:${plainText(item, longest)}`);
      return `${kinds.errorKindName(value)}{${fields.join(",")}}`;
    }
    default:
      return bytesAsText(value, kind, longest);
  }
}

function bytesAsText(value: object, kind: kinds.Kind, longest: number): string {
  const bytes = kinds.bytesIn(value, kind);
  const name = kinds.bytesName(value, kind);
  if (bytes === undefined) return `${name}(shared)`;
  const text = kinds.textOfBytes(bytes);
  if (text !== undefined) return `${name}(${JSON.stringify(cut(text, longest))})`;
  // Two digits a byte, without quotes: no text looks like it.
  const shown = bytes.length > longest ? bytes.subarray(0, longest) : bytes;
  return `${name}(${hexOf(shown)}${
    shown.length < bytes.length ? `… (${bytes.length - shown.length} more bytes)` : ""
  })`;
}

/** Hexadecimal digits; written as bytes, since adding up a text by two characters takes long for a picture. */
function hexOf(bytes: Uint8Array): string {
  const digits = new Uint8Array(bytes.length * 2);
  for (let i = 0; i < bytes.length; i++) {
    digits[i * 2] = DIGITS[bytes[i]! >> 4]!;
    digits[i * 2 + 1] = DIGITS[bytes[i]! & 15]!;
  }
  return kinds.textOfBytes(digits) as string;
}

const DIGITS: Uint8Array = kinds.bytesOfText("0123456789abcdef");

/** A text of at most so many characters; a cut is told. */
export function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length - longest} more characters)` : text;
}

/**
 * Whether two payloads are the same data: exactly where {@linkcode plainText} writes the same of them, without writing
 * it. What is not plain is only the same as itself.
 */
export function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameList(a, b);
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return false;
  return kind === undefined ? isPlain(a) && isPlain(b) && sameFields(a, b) : sameKind(a, b, kind);
}

function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype || kinds.isRoot(proto as object);
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (Object.hasOwn(a, i) !== Object.hasOwn(b, i) || !sameData(a[i], b[i])) return false;
  }
  return true;
}

function sameFields(a: object, b: object): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) =>
    Object.hasOwn(b, key) && sameData((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
  );
}

function sameKind(a: object, b: object, kind: kinds.Kind): boolean {
  switch (kind) {
    case "Date":
      return Object.is(kinds.timeOf(a), kinds.timeOf(b));
    case "URL":
      return kinds.hrefText(a) === kinds.hrefText(b);
    case "RegExp":
      return kinds.regExpSource(a) === kinds.regExpSource(b) && kinds.regExpFlags(a) === kinds.regExpFlags(b);
    case "Map":
    case "Set":
      return sameList(partsOf(a) ?? [], partsOf(b) ?? []);
    case "Error":
      return kinds.errorKindName(a) === kinds.errorKindName(b) && sameList(errorFields(a), errorFields(b));
    default:
      return kinds.bytesName(a, kind) === kinds.bytesName(b, kind) &&
        sameBytes(kinds.bytesIn(a, kind), kinds.bytesIn(b, kind));
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
