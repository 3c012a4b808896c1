/**
 * Messages and answers of several parts, as guards see them.
 *
 * @module
 */
import { graft, shown } from "./plain.ts";
import { broken, type Part, type Said } from "./types.ts";

/** The parts of a content, which may be a text alone. */
export function partsOf(content: unknown): readonly Part[] {
  if (Array.isArray(content)) return content as readonly Part[];
  // What is neither is shown as it is: whether it can be judged is for the gate to say.
  return [typeof content === "string" ? { type: "text", text: content } : content as Part];
}

function isText(part: Part): boolean {
  return part?.["type"] === "text" && typeof part["text"] === "string";
}

/** The texts of parts, joined as a model reads them. */
export function textIn(parts: readonly Part[]): string {
  let all = "";
  for (const part of parts) if (isText(part)) all += part["text"] as string;
  return all;
}

/** Whether a part was a text that said something, and says nothing any more. */
function isEmptied(before: Part | undefined, after: Part): boolean {
  return before !== undefined && isText(before) && before["text"] !== "" && isText(after) && after["text"] === "";
}

/** Whether a part is a text and nothing else. */
function isBareText(part: Part): boolean {
  return isText(part) &&
    Object.keys(part).every((key) => key === "type" || key === "text" || part[key] === undefined);
}

/**
 * What parts say: their text; and where that is not all, the parts too, so that nothing hides behind the text or at a
 * seam of two.
 */
export function readParts(parts: readonly Part[]): { readonly content: string; readonly parts?: unknown } {
  const content = textIn(parts);
  const isAll = parts.length === 0 || (parts.length === 1 && isBareText(parts[0] as Part));
  return isAll ? { content } : { content, parts: shown(parts) };
}

/** Parts with what a guard changed: each in its place, or `undefined` where its text is gone. */
export interface Rewritten {
  readonly places: readonly (Part | undefined)[];
  /** A text where there was none. */
  readonly added: readonly Part[];
}

/**
 * Puts what a guard changed into parts. Each text is changed where it stands. Where a guard changed only the joined
 * text, what differs is put into the part in which the difference begins, and left out of the next.
 *
 * @throws {TypeError} If the joined text and the parts contradict each other, or the parts have another shape: then no
 * way to write it back is what the guard wanted.
 */
export function rewrite(parts: readonly Part[], before: Said, after: Said | null | undefined): Rewritten {
  if (typeof after?.content !== "string") throw broken("content that is no text");
  const { content } = after;
  if ((before.parts === undefined) !== (after.parts === undefined)) throw broken("parts that came or went");
  const grafted = graft(parts, before.parts, after.parts) as readonly Part[];
  const text = textIn(grafted);
  // Changed in the parts alone: these say where.
  if (content === before.content) return { places: grafted, added: [] };
  // What a mask over several parts took all of is gone: models refuse a text of nothing.
  if (content === text) {
    return { places: grafted.map((part, i) => isEmptied(parts[i], part) ? undefined : part), added: [] };
  }
  if (text !== before.content) throw broken("content that contradicts the parts");
  if (!grafted.some(isText)) return { places: grafted, added: [{ type: "text", text: content }] };
  return { places: withText(grafted, content), added: [] };
}

/** The same, as a list of what is there. */
export function writeParts(parts: readonly Part[], before: Said, after: Said | null | undefined): readonly Part[] {
  const { places, added } = rewrite(parts, before, after);
  return [...places.filter((part) => part !== undefined), ...added];
}

/** Parts whose joined text becomes another one; a part that has no text left is gone. */
function withText(parts: readonly Part[], content: string): readonly (Part | undefined)[] {
  const texts = distribute(parts.filter(isText).map(({ text }) => text as string), content);
  let next = 0;
  return parts.map((part) => {
    if (!isText(part)) return part;
    const text = texts[next++] as string;
    if (text === part["text"]) return part;
    return text === "" ? undefined : { ...part, text };
  });
}

/**
 * Pieces that together are another text than before: what differs, from its first to its last character, is put into
 * the piece in which it begins, and cut out of those that it goes on in.
 */
export function distribute(pieces: readonly string[], text: string): readonly string[] {
  const old = pieces.join("");
  const most = Math.min(old.length, text.length);
  let head = 0;
  while (head < most && old[head] === text[head]) head++;
  let tail = 0;
  while (tail < most - head && old[old.length - 1 - tail] === text[text.length - 1 - tail]) tail++;
  const middle = text.slice(head, text.length - tail);
  const [from, to] = [head, old.length - tail];
  let start = 0;
  let isPut = false;
  return pieces.map((piece, index) => {
    const end = start + piece.length;
    const before = piece.slice(0, Math.max(0, from - start));
    const after = piece.slice(Math.max(0, to - start));
    const isHere = !isPut && (from < end || index === pieces.length - 1);
    if (isHere) isPut = true;
    const isUntouched = !isHere && (end <= from || start >= to);
    start = end;
    if (isUntouched) return piece;
    return isHere ? before + middle + after : after;
  });
}
