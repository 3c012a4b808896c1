import { bare } from "../base/own.ts";
import { kindOf, kindText } from "./kind-text.ts";
import * as kinds from "./kinds.ts";

/** What stands for a value that cannot be rebuilt: an instance of a class. */
export const NOT_PLAIN: unique symbol = Symbol("not plain");

/** How the texts in a value of a kind beyond JSON are changed. */
export interface Change {
  /** Changes a text. */
  readonly text: (text: string) => string;
  /** Changes a value that stands in it; `NOT_PLAIN` where it is none that can be rebuilt. */
  readonly part: (item: unknown) => unknown;
}

/**
 * A value of a kind beyond JSON with its texts changed, as the same kind. Keys of maps, dates and regular expressions
 * stay what they are, and so does a URL that would be none with the changed text: whoever changes looks again.
 */
export function rebuilt(value: object, change: Change): unknown {
  const kind = kindOf(value);
  switch (kind) {
    case undefined:
      return NOT_PLAIN;
    case "Date":
    case "RegExp":
      return value;
    case "URL":
      return changedUrl(value, change);
    case "Map":
      return changedMap(value, change);
    case "Set":
      return changedSet(value, change);
    case "Error":
      return changedError(value, change);
    default:
      return changedBytes(value, kind, change);
  }
}

function changedUrl(value: object, { text }: Change): object {
  const href = kinds.hrefText(value);
  const changed = text(href);
  try {
    return changed === href ? value : kinds.newUrl(changed);
  } catch {
    return value;
  }
}

function changedMap(value: object, { part }: Change): unknown {
  const out = kinds.newMap();
  let isPlain = true;
  kinds.eachEntry(value, (item, key) => {
    const changed = part(item);
    if (changed === NOT_PLAIN) isPlain = false;
    kinds.putEntry(out, key, changed);
  });
  return isPlain ? out : NOT_PLAIN;
}

function changedSet(value: object, { part }: Change): unknown {
  const out = kinds.newSet();
  let isPlain = true;
  kinds.eachItem(value, (item) => {
    const changed = part(item);
    if (changed === NOT_PLAIN) isPlain = false;
    kinds.putItem(out, changed);
  });
  return isPlain ? out : NOT_PLAIN;
}

function changedError(value: object, { part }: Change): unknown {
  const out = kinds.newError(value);
  Reflect.deleteProperty(out, "errors");
  for (const key of Object.getOwnPropertyNames(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property === undefined || key === "stack") continue;
    const changed = part((value as unknown as Record<string, unknown>)[key]);
    if (changed === NOT_PLAIN) return NOT_PLAIN;
    const enumerable = property.enumerable === true;
    Object.defineProperty(out, key, bare({ value: changed, writable: true, configurable: true, enumerable }));
  }
  return out;
}

function changedBytes(value: object, kind: kinds.Kind, { text }: Change): unknown {
  const before = kindText(value);
  if (typeof before !== "string") return value;
  const changed = text(before);
  if (changed === before) return value;
  try {
    return kinds.newBytes(value, kind, kinds.bytesOfText(changed));
  } catch {
    // Items of several bytes each, which the text does not fill.
    return value;
  }
}
