import { sha256, toHex, utf8 } from "../trust/bytes.ts";

/**
 * Writes plain data as text that is equal exactly where the data is: keys sorted, strings as JSON (lone surrogates
 * escaped),
 * `undefined`, `NaN`, infinities and `-0` told apart. Strings longer than `longest` are cut, which is told.
 */
export function plainText(value: unknown, longest: number = Infinity): string {
  if (typeof value === "string") return JSON.stringify(cut(value, longest));
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => plainText(item, longest)).join(",")}]`;
  const object = value as Record<string, unknown>;
  return `{${
    Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${plainText(object[key], longest)}`).join(",")
  }}`;
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length - longest} more characters)` : text;
}

/** SHA-256 of plain data behind a label that says what it is, in hex. */
export async function digestOf(label: string, value: unknown): Promise<string> {
  return toHex(await sha256(utf8(`${label}\n${plainText(value)}`)));
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;
const LONGEST_VALUE = 400;
const LONGEST_TEXT = 8000;

function escaped(text: string): string {
  return text.replace(UNSEEN, (char) => `\\u{${(char.codePointAt(0) as number).toString(16)}}`);
}

/** Renders a call for a person: nothing invisible, nothing that turns the writing direction, and every cut told. */
export function render(name: string, payload: unknown): string {
  return cut(`${escaped(name)} ${escaped(plainText(payload, LONGEST_VALUE))}`, LONGEST_TEXT);
}
