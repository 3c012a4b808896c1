import { define } from "../base/own.ts";

const MAX_DEPTH = 64;
const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** Why a text is no JSON, and where: the same in every runtime. */
export class JsonTextError extends SyntaxError {
  override readonly name = "JsonTextError";

  constructor(text: string, at: number, problem: string) {
    const before = text.slice(0, at).split("\n");
    super(`${problem} at line ${before.length}, column ${before.at(-1)!.length + 1}`);
  }
}

/**
 * Reads JSON text (RFC 8259; a byte order mark is passed over), strictly: a key that stands twice in one object is an
 * error, since readers differ in which one counts; so is nesting deeper than 64. A `__proto__` key is a key.
 */
export function readJsonText(text: string): unknown {
  let at = text.startsWith("\ufeff") ? 1 : 0;

  const fail = (problem: string): never => {
    throw new JsonTextError(text, at, problem);
  };
  const take = (token: RegExp): string | undefined => {
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  /**
   * Takes the text of a string; by hand, since a regular expression overflows the stack of some runtimes on a long one.
   */
  const takeString = (): string | undefined => {
    if (text[at] !== '"') return undefined;
    let end = at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    const found = text.slice(at, end + 1);
    try {
      JSON.parse(found);
    } catch {
      return undefined;
    }
    at = end + 1;
    return found;
  };
  const next = (char: string): boolean => {
    take(SPACE);
    if (text[at] !== char) return false;
    at++;
    return true;
  };

  const readObject = (depth: number): Record<string, unknown> => {
    const out: Record<string, unknown> = {};
    if (next("}")) return out;
    do {
      take(SPACE);
      const from = at;
      const key = JSON.parse(takeString() ?? fail("a key in double quotes was wanted")) as string;
      if (Object.hasOwn(out, key)) {
        at = from;
        fail("a key that stands once was wanted");
      }
      if (!next(":")) fail('":" was wanted');
      define(out, key, readValue(depth));
    } while (next(","));
    return next("}") ? out : fail('"," or "}" was wanted');
  };
  const readArray = (depth: number): unknown[] => {
    const out: unknown[] = [];
    if (next("]")) return out;
    do out.push(readValue(depth)); while (next(","));
    return next("]") ? out : fail('"," or "]" was wanted');
  };
  const readValue = (depth: number): unknown => {
    if (depth > MAX_DEPTH) fail(`nesting of at most ${MAX_DEPTH} was wanted`);
    if (next("{")) return readObject(depth + 1);
    if (next("[")) return readArray(depth + 1);
    return JSON.parse(takeString() ?? take(SCALAR) ?? fail("a value was wanted"));
  };

  const value = readValue(0);
  take(SPACE);
  return at === text.length ? value : fail("the end was wanted");
}
