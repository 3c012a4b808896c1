import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileGlob, compileGlobs, globCovers, globIntersection } from "../../src/base/glob.ts";

const glob = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 6 });
const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 7 });
/** The plain meaning of a glob. */
const plain = (pattern: string) => new RegExp(`^${pattern.replaceAll("*", "[^]*")}$`);

describe("globs", () => {
  test("stand for what their plain meaning says, line ends included", () => {
    fc.assert(fc.property(glob, text, (one, other) => compileGlob(one)(other) === plain(one).test(other)), {
      numRuns: 5000,
    });
    expect(compileGlob("a*z")("a\n\u2028z")).toBe(true);
    expect(compileGlob("*")("")).toBe(true);
    expect(compileGlob("a.c")("abc")).toBe(false);
  });

  test("ignore case only where asked to", () => {
    expect([compileGlob("GitHub_*")("github_x"), compileGlob("GitHub_*", true)("gITHUB_X")]).toEqual([false, true]);
    expect(compileGlobs(["read", "send_*"], true)("READ")).toBe(true);
    expect(["read", "send_mail", "Send_mail"].map(compileGlobs(["read", "send_*"]))).toEqual([true, true, false]);
  });

  test("cover another exactly where they stand for all of its texts", () => {
    fc.assert(
      fc.property(glob, glob, fc.array(text, { minLength: 1, maxLength: 8 }), (outer, inner, fills) => {
        const covers = globCovers(outer, inner);
        const examples = [...fills, "", "c"].map((fill) => inner.replaceAll("*", fill));
        return !covers || examples.every(compileGlob(outer));
      }),
      { numRuns: 5000 },
    );
    // What is not covered has a text that shows it: the one with a character that stands in neither.
    fc.assert(
      fc.property(
        glob,
        glob,
        (outer, inner) => globCovers(outer, inner) || !plain(outer).test(inner.replaceAll("*", "z")),
      ),
      { numRuns: 5000 },
    );
    expect([globCovers("a*", "ab*"), globCovers("ab*", "a*"), globCovers("*a*", "a")]).toEqual([true, false, true]);
  });

  test("intersect to the globs that stand for what both stand for", () => {
    fc.assert(
      fc.property(glob, glob, text, (one, other, sample) => {
        const both = globIntersection(one, other);
        return both === undefined ||
          both.some((each) => compileGlob(each)(sample)) === (compileGlob(one)(sample) && compileGlob(other)(sample));
      }),
      { numRuns: 20_000 },
    );
    expect(globIntersection("mcp_*", "*_read")?.toSorted()).toEqual(["mcp_*_read", "mcp_read"]);
    expect(globIntersection("a*", "b*")).toEqual([]);
    expect(globIntersection("a", "*")).toEqual(["a"]);
  });
});
