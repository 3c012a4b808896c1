import { sha256, toHex, utf8 } from "../trust/bytes.ts";

/**
 * Writes plain data as text that is equal exactly where the data is: keys sorted, strings as JSON (lone surrogates escaped),
 * `undefined`, `NaN`, infinities and `-0` told apart.
 */
export function plainText(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(plainText).join(",")}]`;
  const object = value as Record<string, unknown>;
  return `{${Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${plainText(object[key])}`).join(",")}}`;
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
  const cut = (value: unknown): unknown => {
    if (typeof value === "string") return value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}… (${value.length - LONGEST_VALUE} more characters)` : value;
    if (Array.isArray(value)) return value.map(cut);
    if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cut(item)]));
    return value;
  };
  const text = `${escaped(name)} ${escaped(plainText(cut(payload)))}`;
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}… (${text.length - LONGEST_TEXT} more characters)` : text;
}
