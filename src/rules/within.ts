import { FALSE, some, TRUE, type Truth, UNKNOWN } from "./truth.ts";

/** How a path begins: what it is relative to. A drive keeps its letter. */
type Root = "absolute" | "home" | "relative" | `drive ${string}`;

interface Path {
  readonly root: Root;
  readonly parts: readonly string[];
}

// deno-lint-ignore no-control-regex -- that is what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const SHORT_NAME = /^[^.]{1,6}~\d{1,6}(?:\.[^.]{0,3})?$/;

/** Says what is wrong with a folder, or nothing. */
export function withinMistake(folder: string): string | undefined {
  const path = readPath(folder);
  return path === undefined || path.parts[0] === ".."
    ? "a folder: absolute, beginning with ~/, on a drive, or relative to the one that the tool works in"
    : undefined;
}

/**
 * Compiles folders into the test of a path: whether, by its text alone, it is one of them or in one of them.
 *
 * Dots and doubled slashes are resolved; links are not seen. What two programs could read differently is unknown, and
 * so is a path of a kind that none of the folders has.
 */
export function compileWithin(folders: readonly string[]): (text: string) => Truth {
  const all = folders.map((folder) => readPath(folder) as Path);
  return (text) => {
    const path = readPath(text);
    if (path === undefined) return UNKNOWN;
    const ofItsKind = all.filter(({ root }) => isSameKind(root, path.root));
    return ofItsKind.length === 0 ? UNKNOWN : some(ofItsKind, (folder) => isWithin(path, folder));
  };
}

function isSameKind(one: Root, other: Root): boolean {
  return one === other || (one.startsWith("drive") && other.startsWith("drive"));
}

function isWithin(path: Path, folder: Path): Truth {
  if (path.root !== folder.root || path.parts.length < folder.parts.length) return FALSE;
  const isDrive = folder.root.startsWith("drive");
  let answer: Truth = TRUE;
  for (const [at, wanted] of folder.parts.entries()) {
    const part = path.parts[at] as string;
    if (part === wanted) continue;
    if (folded(part) !== folded(wanted)) return FALSE;
    // Whether it is the folder tells the file system.
    if (!isDrive || part.toLowerCase() !== wanted.toLowerCase()) answer = UNKNOWN;
  }
  return answer;
}

function folded(part: string): string {
  return part.normalize("NFKC").toLowerCase().toUpperCase().normalize("NFKC");
}

/** Reads a path; `undefined` where it could mean more than one. */
function readPath(text: string): Path | undefined {
  if (text === "" || CONTROL.test(text) || /%[\da-f]{2}/i.test(text) || text.startsWith("$")) return undefined;
  const drive = /^([A-Za-z]):/.exec(text);
  if (drive !== null) return readDrive((drive[1] as string).toUpperCase(), text.slice(2));
  if (text.includes("\\") || text.startsWith("//")) return undefined;
  if (text.startsWith("/")) return resolved("absolute", text.slice(1).split("/"));
  if (text === "~" || text.startsWith("~/")) return resolved("home", text.slice(2).split("/"));
  const parts = text.split("/");
  return text.startsWith("~") || parts[0]?.includes(":") === true ? undefined : resolved("relative", parts);
}

function readDrive(letter: string, rest: string): Path | undefined {
  // Without a slash it is relative to wherever that drive stands.
  if (!/^[\\/]/.test(rest)) return undefined;
  const parts = rest.slice(1).split(/[\\/]/);
  const isOdd = parts.some((part) => part.includes(":") || (part !== "." && part !== ".." && /[. ]$/.test(part)));
  return isOdd ? undefined : resolved(`drive ${letter}`, parts);
}

function resolved(root: Root, parts: readonly string[]): Path | undefined {
  const out: string[] = [];
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (SHORT_NAME.test(part)) return undefined;
    if (part !== "..") out.push(part);
    else if (out.length > 0 && out.at(-1) !== "..") out.pop();
    else if (root === "relative") out.push("..");
    // What is above the home is not told by the text; above a root is the root.
    else if (root === "home") return undefined;
  }
  return { root, parts: out };
}
