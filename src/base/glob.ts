/** Whether a text is one that a glob stands for. */
export type GlobTest = (text: string) => boolean;

/**
 * Compiles a glob: `*` stands for any run of characters, line ends included, and everything else for itself.
 *
 * A plain text is compared; the parts between stars are looked for from left to right, each once.
 */
export function compileGlob(glob: string, ignoresCase = false): GlobTest {
  const [first = "", ...rest] = (ignoresCase ? glob.toLowerCase() : glob).split("*");
  const last = rest.pop();
  if (last === undefined) return ignoresCase ? (text) => text.toLowerCase() === first : (text) => text === first;
  const middle = rest.filter((part) => part !== "");
  const matches = (text: string): boolean => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
  return ignoresCase ? (text) => matches(text.toLowerCase()) : matches;
}

/** Compiles a list of globs into one test: plain names are looked up in a set, however many there are. */
export function compileGlobs(globs: readonly string[], ignoresCase = false): GlobTest {
  const plain = new Set(globs.filter((glob) => !glob.includes("*")).map((name) => cased(name, ignoresCase)));
  const tests = globs.filter((glob) => glob.includes("*")).map((glob) => compileGlob(glob, ignoresCase));
  if (tests.length === 0 && !ignoresCase) return (text) => plain.has(text);
  return (text) => plain.has(cased(text, ignoresCase)) || tests.some((test) => test(text));
}

function cased(text: string, ignoresCase: boolean): string {
  return ignoresCase ? text.toLowerCase() : text;
}

/**
 * Whether every text that `inner` stands for is one that `outer` stands for; exact.
 *
 * A star of `inner` may stand for a character that is in neither glob, and only a star of `outer` stands for that; so
 * one such text decides for all.
 */
export function globCovers(outer: string, inner: string, ignoresCase = false): boolean {
  const [wide, narrow] = ignoresCase ? [outer.toLowerCase(), inner.toLowerCase()] : [outer, inner];
  return compileGlob(wide)(narrow.replaceAll("*", strangerTo(wide + narrow)));
}

function strangerTo(text: string): string {
  for (let code = 0xe000;; code++) {
    const char = String.fromCharCode(code);
    if (!text.includes(char)) return char;
  }
}

const MAX_STARS = 4;

/**
 * The globs that together stand for exactly the texts that both of two globs stand for; `undefined` where that would
 * need more than four stars in one of them.
 */
export function globIntersection(one: string, other: string): readonly string[] | undefined {
  const found = new Set<string>();
  let isTooMany = false;
  const seen = new Set<string>();
  // Walks both from the left; a star of one may take what the other says next, star or character.
  const walk = (i: number, j: number, built: string): void => {
    if (isTooMany) return;
    const key = `${i}:${j}:${built}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (built.split("*").length - 1 > MAX_STARS || seen.size > 100_000) {
      isTooMany = true;
      return;
    }
    const [a, b] = [one[i], other[j]];
    if (a === undefined && b === undefined) found.add(built);
    else if (a === "*" && b === "*") {
      const next = built.endsWith("*") ? built : `${built}*`;
      walk(i + 1, j, next);
      walk(i, j + 1, next);
    } else if (a === "*") {
      walk(i + 1, j, built);
      if (b !== undefined) walk(i, j + 1, built + b);
    } else if (b === "*") {
      walk(i, j + 1, built);
      if (a !== undefined) walk(i + 1, j, built + a);
    } else if (a === b) walk(i + 1, j + 1, built + a);
  };
  walk(0, 0, "");
  if (isTooMany) return undefined;
  return widest([...found]);
}

/**
 * The globs of a list that no other one covers, each once, sorted: two lists stand for the same texts exactly where
 * these are equal. For what all of `inner` stands for must, by a star's stranger, stand in one glob of `outer`.
 */
export function widest(globs: readonly string[], ignoresCase = false): readonly string[] {
  const all = [...new Set(globs.map((glob) => cased(glob, ignoresCase).replace(/\*+/g, "*")))];
  return all.filter((glob) => !all.some((other) => other !== glob && globCovers(other, glob))).sort();
}
