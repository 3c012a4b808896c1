import * as kinds from "./kinds.ts";

/**
 * The text of a value beyond JSON that is one text: a date as ISO, a URL's `href`, what a regular expression matches,
 * bytes where they are valid UTF-8. `null`: it has none, being bytes that are no text. `undefined`: it is of no such
 * kind, and what stands in it has to be looked at.
 */
export function kindText(value: object): string | null | undefined {
  const kind = kindOf(value);
  switch (kind) {
    case "Date":
      return kinds.isoText(value);
    case "URL":
      return kinds.hrefText(value);
    case "RegExp":
      return kinds.regExpSource(value);
    case "ArrayBuffer":
    case "DataView":
    case "TypedArray": {
      const bytes = kinds.bytesIn(value, kind);
      return bytes === undefined ? undefined : kinds.textOfBytes(bytes) ?? null;
    }
    default:
      return undefined;
  }
}

/** The kind of an object beyond JSON; `undefined` for what JSON has, and for instances of classes. */
export function kindOf(value: object): kinds.Kind | undefined {
  if (Array.isArray(value)) return undefined;
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype ? undefined : kinds.kindOf(value, proto as object);
}

/** What stands in a map, a set or an error, to be looked at; `undefined` for everything else. */
export function partsOf(value: object): readonly unknown[] | undefined {
  const kind = kindOf(value);
  if (kind === "Map") {
    const parts: unknown[] = [];
    kinds.eachEntry(value, (item, key) => void parts.push(key, item));
    return parts;
  }
  if (kind === "Set") {
    const parts: unknown[] = [];
    kinds.eachItem(value, (item) => void parts.push(item));
    return parts;
  }
  return kind === "Error" ? errorFields(value).flatMap(([, item]) => [item]) : undefined;
}

/** What an error is: its name, its message, and what else it carries, but for its stack. */
export function errorFields(value: object): [string, unknown][] {
  const error = value as Record<string, unknown>;
  const own = Object.getOwnPropertyNames(value).filter((key) =>
    !["name", "message", "stack"].includes(key) && !kinds.isPlace(value, key)
  );
  return [
    ["name", error["name"]],
    ["message", error["message"]],
    ...own.sort().map((key): [string, unknown] => [
      key,
      error[key],
    ]),
  ];
}
