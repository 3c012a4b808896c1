import { describe, expect, test } from "vitest";
import { ANY, bothCases, complement, DIGIT, slice, SPACE, union, WORD } from "../../src/match/charset.ts";

function has(set: readonly number[], code: number): boolean {
  for (let i = 0; i < set.length; i += 2) if (code >= set[i]! && code <= set[i + 1]!) return true;
  return false;
}

describe("charset", () => {
  test("union() joins ranges that touch or overlap, when they are out of order", () => {
    expect(union([10, 12, 1, 3, 4, 5, 11, 20])).toEqual([1, 5, 10, 20]);
  });

  test("complement() returns everything else, when a set touches both ends", () => {
    expect(complement([0, 4, 10, 0x10ffff])).toEqual([5, 9]);
    expect(complement(ANY)).toEqual([]);
  });

  test("slice() returns the part between two codes, when ranges cross them", () => {
    expect(slice([0, 10, 20, 30], 5, 25)).toEqual([5, 10, 20, 25]);
  });

  test.each([["DIGIT", DIGIT, /\d/], ["WORD", WORD, /\w/], ["SPACE", SPACE, /\s/]] as const)(
    "%s holds what ECMAScript's escape matches, when every unit is tried",
    (_, set, native) => {
      for (let c = 0; c < 0x10000; c++) {
        if (has(set, c) !== native.test(String.fromCharCode(c))) {
          expect.fail(`U+${c.toString(16)}`);
        }
      }
    },
  );

  test("bothCases() adds the other case, when a letter has one", () => {
    expect(bothCases([97, 97])).toEqual([65, 65, 97, 97]);
    expect(has(bothCases([0xe9, 0xe9]), 0xc9)).toBe(true);
    expect(has(bothCases([0x10428, 0x10428]), 0x10400)).toBe(true);
  });

  test("bothCases() leaves ASCII alone, when a letter outside it has its other case there", () => {
    expect(bothCases([0x212a, 0x212a])).toEqual([0x212a, 0x212a]);
  });

  test("bothCases() adds the cases of ASCII, when a range is as long as a script's block", () => {
    const set = bothCases([0x61, 0xffff]);
    expect(has(set, 65)).toBe(true);
    expect(has(bothCases([0x20, 0x5a]), 0x7a)).toBe(true);
    expect(has(bothCases([0, 0x5a, 0x100, 0xffff]), 0x7a)).toBe(true);
    expect(has(bothCases([0, 0x1fff]), 0x7a)).toBe(true);
  });
});
