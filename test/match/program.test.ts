import { expect, test } from "vitest";
import { checkSize, compileProgram, MAX_PATTERN, type Source } from "../../src/match/program.ts";
import { literal, type Node, parseRegex, PatternError } from "../../src/match/syntax.ts";

const source = (node: Node, index = 0): Source => ({ node, index, whole: false, glob: false });
const phrase = (text: string, index: number): Source => source({ kind: "seq", items: literal(text) }, index);

test("compileProgram() shares the beginnings of literals, when they are the same in either case", () => {
  const one = compileProgram([phrase("drop table", 0)]).ops.length;
  const two = compileProgram([phrase("drop table", 0), phrase("DROP TABLES", 1)]).ops.length;
  expect(two).toBe(one + 2);
});

test("compileProgram() needs as many states as checkSize() counted, when repeats are bounded", () => {
  for (const pattern of ["a{5}b", "(ab|c){3,7}x", "a{0,9}b+c*", "(a?){4}\\bz", "[^a]{3}"]) {
    const node = parseRegex(pattern);
    const states = compileProgram([source(node)]).ops.length;
    expect(() => checkSize(node)).not.toThrow();
    expect(states).toBeLessThan(80);
  }
});

test.each([
  ["a{1000}".repeat(9), true],
  ["a{1000}".repeat(11), false],
  ["(a{100}){100}", true],
  ["(a{100}){101}", false],
  ["(a{100}){90}", true],
  ["(a{1000}|b){0,9}", true],
  ["(a{1000}|b){0,10}", false],
  ["(a{1000}){10,}", false],
])("checkSize() throws or not, when the pattern is %s", (pattern, fits) => {
  const check = (): void => checkSize(parseRegex(pattern));
  if (fits) expect(check).not.toThrow();
  else expect(check).toThrow(new PatternError(0, `a pattern that needs at most ${MAX_PATTERN} states`));
});
