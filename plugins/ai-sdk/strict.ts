/**
 * What a strict plugin refuses, since nobody here can judge it.
 *
 * @module
 */
import { ownOf } from "../shared/own.ts";
import { isPlainObject } from "./plain.ts";
import { type Params, type Part, Refusal } from "./types.ts";

/** @throws {TypeError} If a request holds what only the provider sees. */
export function refuseUnseen(params: Params): void {
  const { prompt } = params;
  if (ownOf(params, "tools")?.some(({ type }) => type === "provider")) {
    throw new Refusal("ungoverned_method", "A tool that the provider runs cannot be governed");
  }
  if (prompt.some(({ content }) => isUnseen(content, 0))) {
    throw new Refusal("ungoverned_method", "A file that only the provider reads cannot be judged");
  }
}

const DEEPEST = 64;
const FILE_ELSEWHERE: ReadonlySet<unknown> = new Set([
  "file-id",
  "file-url",
  "image-file-id",
  "image-url",
  "reference",
]);

const FILE_HERE: ReadonlySet<unknown> = new Set(["file", "file-data", "image-data", "media", "reasoning-file"]);
/** What is not of this alphabet may be an address to a provider, or the id of a file that it keeps. */
const BASE64 = /^[A-Za-z0-9+/=\s]*$/;

/** Whether a file is named in a content, by its address or by what the provider calls it, and is not in it. */
function isUnseen(value: unknown, depth: number): boolean {
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) return value.some((item) => isUnseen(item, depth + 1));
  if (!isPlainObject(value)) return false;
  const { type, data } = value;
  if (FILE_ELSEWHERE.has(type)) return true;
  if (FILE_HERE.has(type)) return isElsewhere(data);
  return type === "tool-result" && isUnseen((value["output"] as Part | undefined)?.["value"], depth + 1);
}

/** Whether a part of an answer names a file that is not in it. */
export function isFileElsewhere(part: Part): boolean {
  return FILE_HERE.has(part?.["type"]) && isElsewhere(part["data"]);
}

function isElsewhere(data: unknown): boolean {
  if (data instanceof URL) return data.protocol !== "data:";
  if (typeof data === "string") return !/^data:/i.test(data) && !BASE64.test(data);
  const { type, url, data: inner } = (isPlainObject(data) ? data : {}) as Part;
  return type === "reference" || (type === "url" && !/^data:/i.test(String(url))) ||
    (type === "data" && isElsewhere(inner));
}
