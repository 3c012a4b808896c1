import { expect, test } from "vitest";
import { redactPatterns } from "../../src/guards/redact-patterns.ts";
import { GROUPS, MAY_BE_GROUPS, NO_GROUPS } from "../../src/match/group-signs.ts";
import { groupsIn } from "../../src/match/groups.ts";
import { compileMatcher, NO_MATCH } from "../../src/match/matcher.ts";

const hexOf = (text: string): string => Array.from(text, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const inGroups = (text: string, length: number, between: string): string =>
  text.replace(new RegExp(`.{${length}}(?!$)`, "g"), `$&${between}`);

const SEPARATORS = [" ", "  ", "\t", ", ", ",", ":", ".", "-", " - ", "_", "\n", "\r\n", " | ", ";", '", "', " . ,;: "];
const matcher = compileMatcher(["password", "rm -rf"], "test()");
const unfiltered = compileMatcher(["password", "rm -rf", { regexp: /(?!)/ }], "test()");
const many = compileMatcher(["password", "rm -rf", "e e", "a t", "t o"], "test()");

test.each(Array.from({ length: 10 }, (_, i) => i + 1))(
  "search() finds a phrase, when its encoding stands in groups of %i",
  (length) => {
    for (const text of ["password", "PassWord", "the password is abc", "please rm -rf / now", "rm -rf"]) {
      for (const between of SEPARATORS) {
        for (const encoded of [btoa(text), btoa(text).replace(/=+$/, ""), hexOf(text), hexOf(text).toUpperCase()]) {
          if (encoded.length <= length) continue;
          const groups = inGroups(encoded, length, between);
          for (const one of [matcher, unfiltered, many]) {
            expect([groups, one.search(groups)]).not.toEqual([groups, NO_MATCH]);
            expect([groups, one.search({ a: ["x", groups, "y"] }, true)]).not.toEqual([groups, NO_MATCH]);
            expect([groups, one.search({ [groups]: 1 }, true)]).not.toEqual([groups, NO_MATCH]);
            const among = `Please decode ${groups} and run it.`;
            expect([among, one.search(among, true)]).not.toEqual([among, NO_MATCH]);
          }
        }
      }
    }
  },
);

test.each<readonly [string, string]>([
  ["groups of base64 of any length", "cGF zc3 d,v-c mQ"],
  ["groups of base64 after other groups", "Q1 Zz x9 cGF zc3 d v cmQ"],
  ["groups of base64 in braces", "[c][G][F][z][c][3][d][v][c][m][Q]"],
  ["groups of base64 of base64", inGroups(btoa(btoa("password")), 3, " ")],
  ["groups of base64 of hexadecimal", inGroups(btoa(hexOf("password")), 3, " ")],
  ["groups of base64 of a percent escape", inGroups(btoa("%70assword"), 3, " ")],
  ["base64 of groups of base64", btoa(inGroups(btoa("password"), 3, " "))],
  ["groups of base64 of UTF-16", inGroups(btoa("p\0a\0s\0s\0w\0o\0r\0d\0"), 5, " ")],
  ["groups of base64 that JSON wrote", inGroups(btoa("password"), 3, "\\t")],
  ["groups of base64 with percent escapes between them", inGroups(btoa("password"), 3, "%20")],
  ["groups of base64 with what is not in ASCII between them", inGroups(btoa("password"), 3, " · ")],
  ["groups of base64 of a long text", inGroups(btoa("It is long enough, says the password."), 5, ":")],
  [
    "groups of base64 late in a long text",
    `${"the report is ready and ".repeat(300)}${inGroups(btoa("password"), 2, " ")}`,
  ],
  ["groups of hexadecimal digits", "7 0 6 1 7 3 7 3 7 7 6 f 7 2 6 4"],
  ["groups of hexadecimal with dots and dashes", "706.173-737.76f-726-4"],
])("search() finds a phrase, when there are %s", (_, text) => {
  for (const one of [matcher, unfiltered, many]) {
    expect(one.search(text)).toBe(0);
    expect(one.search({ a: [text] }, true)).toBe(0);
  }
});

test("search() finds a phrase in groups over the seam between two blocks that are read at once", () => {
  for (let length = 4075; length < 4100; length++) {
    expect(
      matcher.search(`${"x ".repeat(length / 2)}${length % 2 ? " " : ""}${inGroups(btoa("password"), 2, " ")}`, true),
    ).toBe(0);
  }
});

test.each<readonly [string, string]>([
  ["short words", "It is to be or not to be, as I am in it; so do we go on at an ox."],
  ["titles and names", "The United States and New York met Mr. A. B. Smith, Ms. Li Wu and Dr. No at BBC HQ in LA."],
  ["spelled letters", "A B C D E F G H I J K L M N O P, a b c d e f g h i j k l m n o p, 1 2 3 4 5 6 7 8 9 0"],
  ["constants in code", "const MAX_SIZE = 1 << 8; const MIN_HEX = 0x1f; let aB = cD(eF, gH); X.Y.Z(a1, b2, C3);"],
  ["UUIDs", "6ba7b810-9dad-11d1-80b4-00c04fd430c8, 123e4567-e89b-12d3-a456-426614174000"],
  ["short hashes", "9f86d08 1884c7d 659a2fe aa0c55a d015a3b f4f1b2b 0b822cd 15d6c15 b0f00a0"],
  ["telephone numbers", "+49 30 1234567, (555) 123-4567, 020 7946 0958, 06.12.34.56.78"],
  ["dates and versions", "2026-11-29 11:43:04, v1.2.3-rc.4, 20.20.2, 6.1.0-0.deb11"],
  ["a hexdump", "00000000: 8950 4e47 0d0a 1a0a 0000 000d 4948 4452  .PNG........IHDR"],
  ["addresses of network cards", "00:1A:2B:3C:4D:5E 72-6d-30-2d-4f-5a"],
  ["a chess game", "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7 6. Re1 b5 7. Bb3 d6 8. c3 O-O"],
  ["chords", "Am F C G | Dm7 G7 Cmaj7 | E7 Am D7 G | F#m B7 E"],
  ["chemistry", "H2 O2 N2 CO2 NaCl KCl H2SO4 Ca(OH)2 C6H12O6 Fe2O3"],
  ["product codes", "AB-12, C3-D4, X9Y8, Q7, ZX81, R2D2, C3PO, BB8, K9, MI6, F16, A380"],
])("search() finds nothing, when there are %s", (_, text) => {
  const short = ["ssn", "cop", "sin", "pin", "key", "rm -rf", "password", "bed"];
  for (const patterns of [short, [...short, "e e"], short.slice(5)]) {
    if (patterns.includes("e e") && /e e/.test(text.toLowerCase())) continue;
    const one = compileMatcher(patterns, "test()");
    expect(one.search(text)).toBe(NO_MATCH);
    expect(one.search({ a: [text.repeat(20)] }, true)).toBe(NO_MATCH);
  }
});

test.each<readonly [string, string, string]>([
  ["base64", `It is ${inGroups(btoa("password"), 3, " ")} and no more`, "It is # and no more"],
  ["base64 with padding apart", "It is cGFz, c3dv, cmQ = and no more", "It is # and no more"],
  ["base64 in longer groups", `It is ${inGroups(btoa("my password, sir"), 4, ", ")}.`, "It is bXkg, #, IHNp, cg==."],
  ["hexadecimal", `It is ${inGroups(hexOf("password"), 3, " ")}.`, "It is #."],
])("redactPatterns() masks a match to its end, when it is written in groups of %s", (_, payload, masked) => {
  const guard = redactPatterns(["password"], "#");
  const request = { stage: "output" as const, name: "a", payload, callId: "1", metadata: {} };
  expect(guard(request, undefined as never, { dry: true, take: () => undefined })).toMatchObject({ payload: masked });
});

test("groupsIn() reads every character a few times, when groups are many, long or hardly any", () => {
  const size = 1 << 17;
  for (
    const text of [
      inGroups(btoa("the words of a text ".repeat(size / 20)), 3, " "),
      inGroups(hexOf("the words of a text ".repeat(size / 20)), 3, " "),
      "aB ".repeat(size),
      "2a ".repeat(size),
      `c${" ".repeat(size)}G${" ".repeat(size)}F${" ".repeat(size)}z`,
      "cGF-".repeat(size),
    ]
  ) {
    expect(groupsIn(text, false).every(({ from, to }) => from < to)).toBe(true);
  }
});

test("groupsIn() reads no groups with more than 64 characters between them", () => {
  expect(groupsIn(inGroups(btoa("password"), 3, " ".repeat(64)), false)).toHaveLength(1);
  expect(groupsIn(inGroups(btoa("password"), 3, " ".repeat(65)), false)).toEqual([]);
});

test("groupsIn() leaves out short texts, when they are many and must be certain", () => {
  const many = Array.from({ length: 20 }, (_, i) => `(c m 0 g L X J m) % ${i}`).join(" ");
  expect(groupsIn(many, false).length).toBeGreaterThan(10);
  expect(groupsIn(many, true)).toEqual([]);
  expect(groupsIn("(c m 0 g L X J m)", true)).toHaveLength(1);
});

test("GROUPS keeps a state over what separates, and never sets a bit of another place", () => {
  for (const separator of " .,:;-_|()\n\t") {
    const step = GROUPS[separator.charCodeAt(0)]!;
    const state = (1 << 14) | NO_GROUPS;
    expect(((state << step) & step) | NO_GROUPS).toBe(state);
  }
  let state = NO_GROUPS;
  for (const c of "the quick brown fox jumps over it") {
    const step = GROUPS[c.charCodeAt(0)]!;
    state = ((state << step) & step) | NO_GROUPS;
    expect(state & MAY_BE_GROUPS).toBe(0);
  }
});
