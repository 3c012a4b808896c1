import { cut, plainText } from "../snapshot/same-data.ts";
import { sha256, toHex, utf8 } from "../crypto/bytes.ts";

export { plainText } from "../snapshot/same-data.ts";

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
