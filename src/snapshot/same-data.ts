import { errorFields, kindOf } from "./kind-text.ts";
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
  const name = kind !== "TypedArray" ? kind : kinds.isBuffer(value) ? "Buffer" : kinds.typedName(value);
  if (bytes === undefined) return `${name}(shared)`;
  const text = kinds.textOfBytes(bytes);
  if (text !== undefined) return `${name}(${JSON.stringify(cut(text, longest))})`;
  // Two digits a byte, without quotes: no text looks like it.
  const shown = bytes.length > longest ? bytes.subarray(0, longest) : bytes;
  let hex = "";
  for (const byte of shown) hex += byte.toString(16).padStart(2, "0");
  return `${name}(${hex}${shown.length < bytes.length ? `… (${bytes.length - shown.length} more bytes)` : ""})`;
}

/** A text of at most so many characters; a cut is told. */
export function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length - longest} more characters)` : text;
}

/** Whether two payloads are the same data; values that are not plain are only the same as themselves. */
export function sameData(a: unknown, b: unknown): boolean {
  return a === b || plainText(a) === plainText(b);
}
