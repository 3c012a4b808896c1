import { ownField } from "../base/own.ts";

/** A mistake in the text of a place: what was wanted. */
export class PlaceError extends Error {
  override readonly name = "PlaceError";
}

/** One step of a place, from a value to what is in it. */
type Step =
  | { readonly kind: "key"; readonly key: string; readonly index: number | undefined; readonly isLength: boolean }
  | { readonly kind: "every" }
  | { readonly kind: "deep" };

/** Where a condition looks: in the payload, or in a fact that the kernel knows. */
export interface Place {
  /** As it was written. */
  readonly text: string;
  /** The fact it begins with; `undefined`: the payload. */
  readonly fact: string | undefined;
  readonly steps: readonly Step[];
}

/** What stands at a place. */
export interface Found {
  readonly values: unknown[];
  /** Whether more may stand there than was found. */
  isUnknown: boolean;
}

/** What facts there are. */
export const FACTS = [
  "$payload",
  "$name",
  "$agentId",
  "$agent",
  "$tainted",
  "$callCount",
  "$toolCallCount",
  "$modelCallCount",
  "$totalTokens",
  "$costUsd",
  "$metadata",
] as const;

/**
 * Reads the text of a place: keys joined by dots; a number picks from a list, `length` is its size, `*` is every
 * element, `**` any depth; a backslash takes the next character as it is; `$` begins a fact.
 *
 * @throws {PlaceError} With what was wanted.
 */
export function readPlace(text: string): Place {
  const parts = partsOf(text);
  const [first] = parts;
  const isFact = first?.text.startsWith("$") === true && !first.isQuoted;
  if (isFact && !(FACTS as readonly string[]).includes(first.text)) {
    throw new PlaceError(`a fact: one of ${FACTS.join(", ")}`);
  }
  const steps = (isFact ? parts.slice(1) : parts).map(stepOf);
  steps.forEach((step, at) => {
    if (step.kind === "deep" && steps[at + 1]?.kind !== "key") throw new PlaceError("a key after **");
  });
  return { text, fact: isFact ? first.text : undefined, steps };
}

interface Part {
  text: string;
  isQuoted: boolean;
}

function partsOf(text: string): readonly Part[] {
  const parts: Part[] = [{ text: "", isQuoted: false }];
  for (let at = 0; at < text.length; at++) {
    const part = parts.at(-1) as Part;
    const char = text[at] as string;
    if (char === ".") parts.push({ text: "", isQuoted: false });
    else if (char !== "\\") part.text += char;
    else {
      const next = text[++at];
      if (next === undefined) throw new PlaceError("a character after the backslash");
      part.text += next;
      part.isQuoted = true;
    }
  }
  if (parts.some((part) => part.text === "")) throw new PlaceError("keys joined by single dots");
  return parts;
}

function stepOf({ text, isQuoted }: Part): Step {
  if (!isQuoted && text === "*") return { kind: "every" };
  if (!isQuoted && text === "**") return { kind: "deep" };
  return {
    kind: "key",
    key: text,
    index: !isQuoted && /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined,
    isLength: !isQuoted && text === "length",
  };
}

/** Finds what stands at a place, from a value that holds it. */
export function find(place: Place, root: unknown): Found {
  const found: Found = { values: [], isUnknown: false };
  walk(place.steps, 0, root, found);
  return found;
}

function walk(steps: readonly Step[], at: number, value: unknown, found: Found): void {
  if (value === undefined || value === null) return;
  const step = steps[at];
  if (step === undefined) {
    found.values.push(value);
  } else if (step.kind === "every") {
    if (Array.isArray(value)) { for (const item of value) walk(steps, at + 1, item, found); }
    else walk(steps, at + 1, value, found);
  } else if (step.kind === "deep") {
    descend(steps, at + 1, value, found);
  } else if (Array.isArray(value)) {
    if (step.index !== undefined) walk(steps, at + 1, ownField(value as unknown[], step.index), found);
    else if (step.isLength) walk(steps, at + 1, value.length, found);
    else found.isUnknown = true;
  } else if (typeof value === "string" && step.isLength) {
    walk(steps, at + 1, value.length, found);
  } else if (isPlainObject(value)) {
    look(step.key, value, found);
    walk(steps, at + 1, ownField(value, step.key), found);
  } else found.isUnknown = true;
}

/** Looks for a key at any depth: what cannot hold one holds nothing, and what hides its keys is unknown. */
function descend(steps: readonly Step[], at: number, value: unknown, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) descend(steps, at, item, found);
  } else if (isPlainObject(value)) {
    const { key } = steps[at] as { key: string };
    look(key, value, found);
    walk(steps, at + 1, ownField(value, key), found);
    for (const name of Object.keys(value)) descend(steps, at, value[name], found);
  } else if (value instanceof Map || value instanceof Set || value instanceof Error) found.isUnknown = true;
}

/** A key that differs from the one wanted only by case may be the one that a tool reads. */
function look(key: string, value: Record<string, unknown>, found: Found): void {
  for (const other of Object.keys(value)) {
    if (
      other.length === key.length && other !== key &&
      (other.toLowerCase() === key.toLowerCase() || other.toUpperCase() === key.toUpperCase())
    ) found.isUnknown = true;
  }
}

/** Whether something is an object of plain data. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}
