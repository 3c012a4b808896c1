import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CAPPED, compileMatcher, NO_MATCH } from "../../src/match/matcher.ts";
import type { BlockedPattern } from "../../src/policy/policy.ts";
import { randomBase64 } from "./random.ts";

interface Attack {
  id: string;
  kind: string;
  description: string;
  expected: string;
  input: string;
  setup: { policy: { blockedPatterns?: BlockedPattern[] } };
}
interface Call {
  policy: { blockedPatterns?: BlockedPattern[] };
  call: { arguments: unknown };
  matchedPatterns: string[];
}
function vectors<T>(name: string): T[] {
  return (JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8")) as { cases: T[] })
    .cases;
}
const regex = (pattern: string): BlockedPattern => ({ pattern, type: "regex" });
const glob = (pattern: string): BlockedPattern => ({ pattern, type: "glob" });
const find = (patterns: readonly BlockedPattern[], payload: unknown): number =>
  compileMatcher(patterns, "test()").search(payload);

// What is not plain data is refused before it is searched, and these have nothing that can be reached.
const UNREACHABLE = new Set(["PE-37", "PE-46", "PE-49", "PE-52"]);
const attacks = vectors<Attack>("attacks").filter((c) =>
  c.kind === "tool" && c.setup.policy.blockedPatterns !== undefined && !UNREACHABLE.has(c.id)
);

test.each(attacks)(
  "search() answers $expected in few steps, when the payload is $id: $description",
  ({ setup, input, expected }) => {
    // eslint-disable-next-line no-eval -- the vectors are expressions, and some need this realm's classes.
    const { args } = (0, eval)(input) as { args: unknown };
    const matcher = compileMatcher(setup.policy.blockedPatterns!, "test()");
    const found = matcher.search(args);
    expect(matcher.steps).toBeLessThan(2_000_000);
    expect(found === NO_MATCH).toBe(expected === "allow");
  },
);

test("search() finds what the Python toolkit finds, when its recorded calls are judged", () => {
  const calls = vectors<Call>("policy-decisions");
  const differing = calls.filter(({ policy: { blockedPatterns = [] }, call, matchedPatterns }) => {
    const wanted = blockedPatterns.findIndex((p) =>
      matchedPatterns.includes(typeof p === "string" ? p : (p as { pattern: string }).pattern)
    );
    return find(blockedPatterns, call.arguments) !== wanted;
  });
  expect(calls.length).toBeGreaterThan(400);
  expect(differing).toEqual([]);
});

describe("search()", () => {
  test.each<readonly [string, readonly BlockedPattern[], unknown, number]>([
    ["a substring in another case", ["Drop Table"], "please DROP TABLE x", 0],
    ["the first listed of two", ["zzz", "b", "a"], "a b", 1],
    ["a key", ["secret"], { my_secret: 1 }, 0],
    ["values joined", ["rm -rf"], { cmd: "rm", args: ["-rf"] }, 0],
    ["values joined, no space in the pattern", ["rm -rf"], { a: "rm -", b: "rf /" }, NO_MATCH],
    ["values joined over an empty one", ["rm -rf"], ["rm", "", "-rf"], 0],
    ["values joined over blanks", ["rm -rf"], ["rm ", " -rf"], 0],
    ["values joined over a blank before a key", ["rm -rf"], { cmd: "rm ", flags: "-rf" }, 0],
    ["the first listed of two that are the same", ["b", "rm -rf", "RM  -RF"], "rm -rf", 1],
    ["values joined by a regex", [regex("drop\\s+(table|database)")], ["drop", "database"], 0],
    ["a key and a value joined", ["rm -rf"], { rm: "-rf" }, NO_MATCH],
    ["encoded values joined", ["rm -rf"], { cmd: "r%6d", args: ["-rf"] }, 0],
    ["folded values joined", ["rm -rf"], { cmd: "ｒｍ", args: [" -rf"] }, 0],
    ["a start in a later value", [regex("^admin")], ["the", "admin panel"], 0],
    ["a start over values", [regex("^the admin")], ["the", "admin"], NO_MATCH],
    ["a start not at a start", [regex("^admin")], "the admin", NO_MATCH],
    ["an end in an earlier value", [regex("panel$")], ["the panel", "x"], 0],
    ["an end not at an end", [regex("panel$")], "panels", NO_MATCH],
    ["an end and a start", [regex("^$")], "", 0],
    ["an end and a start without any string", [regex("^$")], { a: true }, 0 - 1],
    ["a boundary before a start", [regex("\\b^a")], "a", 0],
    ["an end before a boundary", [regex("a$\\b")], "a", 0],
    ["a word at a value's end", [regex("\\bssn\\b")], ["ssn", "none"], 0],
    ["a word inside a word", [regex("\\bssn\\b")], "assn ssns", NO_MATCH],
    ["no boundary", [regex("a\\Bb")], "ab", 0],
    ["a glob of one whole string", [glob("*.exe")], { path: "c:\\a.EXE" }, 0],
    ["a glob that does not reach the end", [glob("*.exe")], "a.exe.txt", NO_MATCH],
    ["a glob with stars at both ends", [glob("*secret_key*")], "my SECRET_KEY is", 0],
    ["a glob over joined values", [glob("*rm -rf*")], ["rm", "-rf"], NO_MATCH],
    ["a glob with a question mark for a pair", [glob("a?b")], "a😀b", 0],
    ["a glob with a class", [glob("file[!0-9].txt")], "fileX.txt", 0],
    ["a glob with a class that is not met", [glob("file[!0-9].txt")], "file5.txt", NO_MATCH],
    ["a glob with a bracket in a class", [glob("a[]]b")], "a]b", 0],
    ["a glob of a star", [glob("*")], { a: "x" }, 0],
    ["a regex that matches everything", [regex("a*")], "b", 0],
    ["a dot for a pair", [regex("^a.b$")], "a😀b", 0],
    ["a class with pairs", [regex("[\u{1F600}-\u{1F64F}]!")], "a😀!", 0],
    ["a class with pairs of several leads", [regex("^[\u{103F0}-\u{10810}]$")], "\u{10400}", 0],
    ["a class of nothing", [regex("[^\\s\\S]"), "b"], "ab", 1],
    ["a whole number", ["1234567890"], { pin: 1234567890 }, 0],
    ["a small number", ["^0$", regex("^0$")], [0], 1],
    ["a number below nought", [regex("-5")], [-5], 0],
    ["a large integer", ["9007199254740993"], [9007199254740993n], 0],
    ["a boolean", ["true"], [true], NO_MATCH],
    ["a literal of blanks", ["   "], "a b", NO_MATCH],
    ["a literal of blanks in blanks", ["   "], "a    b", 0],
    ["a pattern with blanks of its own", ["drop  table"], "drop table", 0],
    ["a pattern in a disguise", ["ｄｒｏｐ table"], "drop table", 0],
    ["a pattern with a mark", ["passé"], "PASSE\u0301", 0],
    ["a pattern without a mark", ["passe"], "passé", NO_MATCH],
    ["a mark in the text", ["password"], "pa\u0301ssword", 0],
    ["a phrase in Chinese", ["密码"], { a: "我的密码是" }, 0],
    ["a phrase in Chinese in base64", ["密码"], "5a+G56CB", 0],
    ["nested encodings", ["rm -rf"], btoa("rm%20-rf /"), 0],
    ["a Map", ["rm -rf"], new Map([["cmd", "rm -rf"]]), 0],
    ["an instance deep in plain data", ["boom"], { a: [new Error("boom")] }, 0],
    ["a payload of another realm", ["rm -rf"], runInNewContext("({cmd: 'rm -rf'})"), 0],
    ["nothing", ["a"], undefined, NO_MATCH],
    ["no pattern", [], "a", NO_MATCH],
    ["a RegExp as given", [{ regexp: /(.)\1/ }], "abba", 0],
    ["a RegExp in its own case", [{ regexp: /ABC/ }], "abc", NO_MATCH],
    ["a RegExp over joined values", [{ regexp: /rm\s+-rf/ }], ["rm", "-rf"], 0],
    ["a RegExp in a folded text", [{ regexp: /rm -rf/ }], "ｒｍ -rf", 0],
    ["a RegExp and too long a text", [{ regexp: /x/ }], "a".repeat(4097), CAPPED],
    ["a RegExp and a text as long as may be", [{ regexp: /x/ }], "a".repeat(4096), NO_MATCH],
    ["a RegExp and too long a joined text", [{ regexp: /x/ }], ["a".repeat(4096), "a".repeat(4096)], NO_MATCH],
    ["a RegExp after a match", ["a", { regexp: /a/ }], "a", 0],
    ["too deep", ["a"], JSON.parse(`${"[".repeat(70)}1${"]".repeat(70)}`), CAPPED],
    ["too many values", ["a"], new Array(100_001).fill(0), CAPPED],
    ["too much text", ["a"], "x".repeat((1 << 24) + 1), CAPPED],
    ["too long a key", ["a"], { ["x".repeat((1 << 24) + 1)]: 1 }, CAPPED],
    ["too much when folded", ["a"], ["\ufdfa".repeat(50_000), "b"], CAPPED],
    ["too much when folded after a match", ["a"], ["a", "\ufdfa".repeat(50_000)], 0],
  ])("finds %s or not, when it is searched", (_, patterns, payload, found) => {
    expect(find(patterns, payload)).toBe(found);
  });

  test("judges a string alike, when a RegExp with state is tried again", () => {
    for (const regexp of [/secret/g, /secret/y]) {
      const matcher = compileMatcher([{ regexp }], "test()");
      expect([matcher.search("my secret"), matcher.search("my secret"), regexp.lastIndex]).toEqual([0, 0, 0]);
    }
  });

  test("is capped, when a getter throws", () => {
    expect(find(["a"], {
      get x(): string {
        throw new Error("a");
      },
    })).toBe(CAPPED);
  });

  test("is capped inside and right outside, when a getter searches with the same matcher", () => {
    const matcher = compileMatcher(["secret"], "test()");
    const inner: number[] = [];
    const payload = {
      a: "x",
      get b(): string {
        inner.push(matcher.search("secret"));
        return "y";
      },
      c: "a secret",
    };
    // A payload may be read again, and each time the getter searches.
    expect([matcher.search(payload), ...new Set(inner)]).toEqual([0, CAPPED]);
    expect(matcher.search("x")).toBe(NO_MATCH);
  });

  test("reads a cycle once, when a payload has one", () => {
    const cycle: { self?: unknown; text: string; twin?: unknown } = { text: "a" };
    cycle.self = cycle;
    cycle.twin = [cycle, cycle];
    expect([find(["secret"], cycle), find(["a"], cycle)]).toEqual([NO_MATCH, 0]);
  });

  test("never calls a method of the payload, when it has toJSON and toString", () => {
    const trap = (): never => {
      throw new Error("called");
    };
    expect(find(["secret"], { a: "x", toJSON: trap, toString: trap, valueOf: trap })).toBe(NO_MATCH);
  });

  test("remembers no key that matched, when another pattern was found before it", () => {
    const matcher = compileMatcher(["first", "second"], "test()");
    expect([matcher.search({ a: "first", second: 1 }), matcher.search({ second: 1 })]).toEqual([0, 1]);
  });

  test("still knows every key, when more of them came than it remembers", () => {
    const matcher = compileMatcher(["k600"], "test()");
    const many = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`k${i}`, ""]));
    expect([matcher.search(many), matcher.search({ k601: "" }), matcher.search({ k600: "" })]).toEqual([
      0,
      NO_MATCH,
      0,
    ]);
  });
});

// Small alphabets, so that patterns and texts meet.
const atom = fc.constantFrom(
  "a",
  "b",
  "c",
  " ",
  "-",
  ".",
  "\\d",
  "\\w",
  "\\s",
  "[ab]",
  "[^a]",
  "[b-c1]",
  "\\W",
  "\\x61",
  "1",
);
const node = fc.letrec<{ node: string; term: string }>((tie) => ({
  term: fc.oneof(
    { depthSize: "small" },
    atom,
    fc.constantFrom("^", "$", "\\b", "\\B"),
    tie("node").map((n) => `(${n})`),
    tie("node").map((n) => `(?:${n})`),
    fc.tuple(
      fc.oneof(atom, tie("node").map((n) => `(${n})`)),
      fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0,2}?"),
    ).map(([a, q]) => a + q),
  ),
  node: fc.oneof(
    { depthSize: "small" },
    fc.array(tie("term"), { minLength: 1, maxLength: 4 }).map((t) => t.join("")),
    fc.tuple(tie("term"), tie("node")).map(([a, b]) => `${a}|${b}`),
  ),
})).node;
// Eight characters together may be base64 of text: `aA1aaA1a` is, with white space in it. A dot keeps them apart.
const text = fc.array(
  fc.string({ unit: fc.constantFrom("a", "b", "c", "A", " ", "-", "1", "\n", "_"), maxLength: 7 }),
  { maxLength: 2 },
).map((parts) => parts.join("."));

/**
 * Whether the text itself matches: what folding adds is taken away by asking the ranges, or the text as one folded
 * already.
 */
function agrees(source: string, input: string): boolean {
  const found = compileMatcher([regex(source)], "test()").search(input) === 0;
  const native = new RegExp(source, "i").test(input);
  const folded = new RegExp(source, "i").test(input.replace(/\s+/g, " "));
  return found ===
    (native || folded ||
      (/\s/.test(input) && !/[$^]/.test(source) && new RegExp(source, "i").test(input.replace(/\s+/g, " ").trim())));
}

test("search() agrees with ECMAScript, when a regex and a text are random", () => {
  fc.assert(fc.property(node, text, agrees), { numRuns: 2000 });
});

test("search() answers as each pattern does alone, when many are searched together", () => {
  fc.assert(
    fc.property(
      fc.array(node, { minLength: 1, maxLength: 6 }),
      fc.array(text, { maxLength: 4 }),
      (sources, payload) => {
        const patterns = sources.map(regex);
        const alone = patterns.findIndex((p) => find([p], payload) === 0);
        return find(patterns, payload) === alone;
      },
    ),
    { numRuns: 500 },
  );
});

const disguise = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.toUpperCase(),
  encodeURIComponent,
  b64,
  (text) => b64(`please ${text} now`),
  (text) => b64(b64(text)),
  (text) => Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  (text) => Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join(" "),
  (text) => Array.from(text, (c) => `&#${c.codePointAt(0)};`).join(""),
  (text) => Array.from(text, (c) => `\\${c}`).join(""),
  (text) => Array.from(text, (c) => `${c}\u200b`).join(""),
);
const phrase = fc.constantFrom("rm -rf", "password", "密码是", "Straße", "foo", "x", "/");
const disguised = fc.array(fc.tuple(phrase, disguise, disguise, fc.constantFrom("", " ", "\n", "/")), { maxLength: 4 })
  .map((parts) => parts.map(([text, first, second, after]) => second(first(text)) + after).join(""));
const listed = fc.constantFrom<BlockedPattern>(
  "rm -rf",
  "password",
  "密码是",
  "strasse",
  "Straße",
  "foo",
  "ｆｏｏ",
  "ssw",
  regex("rm\\s+-rf"),
  regex("\\bpass\\w+"),
  regex("\\u5bc6."),
  regex("[^a-z ]{3}"),
  glob("*foo"),
  { regexp: /foo|密码/ },
);

test("search() answers as each pattern does alone, when texts are disguised in more than one way", () => {
  fc.assert(
    fc.property(fc.uniqueArray(listed, { minLength: 2, maxLength: 6 }), fc.array(disguised, { maxLength: 3 }), (
      patterns,
      payload,
    ) => find(patterns, payload) === patterns.findIndex((p) => find([p], payload) === 0)),
    { numRuns: 600 },
  );
});

test("search() answers the same again, when the automaton has learned from other texts", () => {
  fc.assert(
    fc.property(
      fc.array(node, { minLength: 1, maxLength: 3 }),
      fc.array(text, { minLength: 2, maxLength: 12 }),
      (sources, texts) => {
        const matcher = compileMatcher(sources.map(regex), "test()");
        const fresh = texts.map((t) => find(sources.map(regex), t));
        return [1, 2].every(() => texts.every((t, i) => matcher.search(t) === fresh[i]));
      },
    ),
    { numRuns: 300 },
  );
});

describe("cover()", () => {
  const cover = (patterns: readonly BlockedPattern[], input: string): readonly (readonly [number, number])[] =>
    compileMatcher(patterns, "test()").cover(input);

  test.each<readonly [string, readonly BlockedPattern[], string, readonly (readonly [number, number])[]]>([
    ["no match", ["x"], "abc", []],
    ["two matches", ["ab"], "xABxab", [[1, 3], [4, 6]]],
    ["matches that overlap", ["abc", "cde"], "abcde", [[0, 5]]],
    ["matches that touch", ["ab"], "abab", [[0, 2], [2, 4]]],
    ["a word", [regex("\\bssn\\b")], "my ssn is", [[3, 6]]],
    ["a word at the end", [regex("\\bssn\\b")], "my ssn", [[3, 6]]],
    ["a match in a longer one", [regex("a.*d"), "b"], "xabcdx", [[1, 5]]],
    ["an end", [regex("b$")], "abb", [[2, 3]]],
    ["a glob", [glob("a*")], "abc", [[0, 3]]],
    ["a glob with stars at both ends", [glob("*b*")], "abc", [[0, 3]]],
    ["a glob with no star", [glob("abc")], "abc", [[0, 3]]],
    ["a glob of a star", [glob("*")], "abc", [[0, 3]]],
    ["nothing in nothing", [glob("*")], "", []],
    ["empty matches", [regex("x*")], "abc", []],
    ["a RegExp", ["b", { regexp: /bc|e/ }], "abcde", [[1, 3], [4, 5]]],
    ["a RegExp's empty matches", [{ regexp: /x*/ }], "ab", []],
  ])("covers %s, when the text as it stands has it", (_, patterns, input, ranges) => {
    expect(cover(patterns, input)).toEqual(ranges);
  });

  test("covers all of a text, when it is too long for a RegExp", () => {
    expect(cover([{ regexp: /x/ }], "a".repeat(5000))).toEqual([[0, 5000]]);
  });

  // Masks take what a match was made of: all of it, and as little more as can be.
  const key = regex("sk-[a-z0-9]{8,}");
  const word = regex("\\bkey-\\w+");
  test.each<readonly [string, BlockedPattern, string, string]>([
    ["a percent escape", "rm -rf", "do rm%20-rf now", "do # now"],
    ["more than one blank", "rm -rf", "do rm  -rf now", "do # now"],
    ["an invisible character", "secret", "a sec\u200bret and more", "a # and more"],
    ["an invisible character at its end", "secret", "a secret\u200b and more", "a #\u200b and more"],
    ["a lone surrogate", "secret", "a sec\ud800ret b", "a # b"],
    ["full-width letters", "secret", "a ｓｅｃｒｅｔ b", "a # b"],
    ["letters in mathematical bold", "secret", "a \u{1d42c}\u{1d41e}\u{1d41c}ret b", "a # b"],
    ["a ligature", "office", "my o\ufb03ce.", "my #."],
    ["a part of a ligature", "off", "my o\ufb03ce.", "my #ce."],
    ["a sharp s", "strasse", "die Straße hier", "die # hier"],
    ["a dotted capital I", "file", "a F\u0130LE b", "a # b"],
    ["a final sigma", "οδοσ", "ΟΔΟΣ και", "# και"],
    ["a mark of its own", "password", "a pa\u0301ssword b", "a # b"],
    ["a mark that composes", "passé", "a passe\u0301 b", "a # b"],
    ["a look-alike", "secret", "a s\u0435cret b", "a # b"],
    ["a look-alike beside others of its word", "copy", "X \u0441opying", "X #ing"],
    ["entities", "secret", "a s&#101;cr&#x65;t; b", "a #; b"],
    ["entities that nest", "secret", "a s&amp;#101;cret b", "a # b"],
    ["unit escapes", "secret", "a \\u0073\\u0065cret b", "a # b"],
    ["escapes next to it", "secret", "%41%42secret%43", "%41%42#%43"],
    ["percent escapes alone", "secret", "%20%73%65%63%72%65%74%20", "%20#%20"],
    ["backslashes", "rm -rf", "do r\\m -r\\f now", "do # now"],
    ["base64", "rm -rf", `x: ${btoa("please rm -rf / now")}.`, "x: #."],
    ["base64 in base64", "rm -rf", `x: ${btoa(btoa("please rm -rf / now"))}.`, "x: #."],
    ["base64 in lines", "rm -rf", "x: cGxlYXNlIHJt\n  IC1yZiAvIG5v\n  dw==.", "x: #."],
    ["base64 of which a part stands beside it", "rm -rf /tmp", "x: rm cm0gLXJmIC90bXAvYSA= b", "x: rm # b"],
    ["hexadecimal with blanks", "rm -rf", "x: 72 6d 20 2d 72 66.", "x: #."],
    ["tag characters", "rm", "a\u{e0072}\u{e006d}b", "a#b"],
    ["text turned round", "secret", "a \u202eterces\u202c b", "a #\u202c b"],
    ["nothing, and then with an invisible character", key, "k sk-abcdefgh\u200bijkl, x", "k #, x"],
    ["nothing, and then with percent escapes", key, "k sk-abcdefgh%69%6akl x", "k # x"],
    ["nothing, and then with entities", key, "k sk-abcdefgh&#105;jkl; x", "k #; x"],
    ["nothing, and then with nested escapes", key, "k sk-abcdefgh%2569jkl x", "k # x"],
    ["nothing, and then in full-width letters", key, "k sk-abcdefghｉｊｋｌ x", "k # x"],
    ["nothing, and then with a look-alike", key, "k sk-abcdefgh\u0456jkl x", "k # x"],
    ["nothing, and then with an escape", key, "k sk-abcdefgh\\u0069jkl x", "k # x"],
    ["nothing, and then in letters in circles", key, "k sk-abcdefghⓘⓙ x", "k # x"],
    ["an escape first, and then as it stands", key, "k %73k-abcdefghijkl x", "k # x"],
    ["a boundary after an escape", word, "%20key-abc%2Ddef", "%20#%2Ddef"],
    ["a blank of another kind", "rm -rf", "do rm\u00a0\u3000-rf now", "do # now"],
    ["base64 of text that chance does not write", "密码是什", `x: ${b64("这个密码是什么")}.`, "x: #."],
    ["a RegExp's match", { regexp: /secret/ }, "a s&#101;cret b", "a # b"],
  ])("covers what a match was made of, when it is disguised by %s", (_, pattern, input, masked) => {
    let out = "";
    let last = 0;
    for (const [from, to] of cover([pattern], input)) {
      out += `${input.slice(last, from)}#`;
      last = to;
    }
    expect(out + input.slice(last)).toBe(masked);
  });

  test("leaves what only chance wrote in a picture, when a secret stands beside it", () => {
    const picture = randomBase64(65_536, 7);
    const input = `${picture} foo`;
    expect(/foo/i.test(picture)).toBe(true);
    expect(cover(["foo"], input)).toEqual([[65_537, 65_540]]);
  });

  const bare = node.filter((source) => !/[$^]|\\b/i.test(source));
  // Two blanks together are one when they are folded.
  const short = fc.string({ unit: fc.constantFrom("a", "b", "c", " ", "1"), maxLength: 7 }).filter((s) =>
    !s.includes("  ")
  );
  test("covers each character that a match covers and no other, when a regex and a text are random", () => {
    fc.assert(
      fc.property(bare, short, (source, input) => {
        const whole = new RegExp(`^(?:${source})$`, "i");
        const wanted = Array.from(input, () => false);
        for (let from = 0; from < input.length; from++) {
          for (let to = from + 1; to <= input.length; to++) {
            if (whole.test(input.slice(from, to))) wanted.fill(true, from, to);
          }
        }
        const got = Array.from(input, () => false);
        let last = 0;
        for (const [from, to] of cover([regex(source)], input)) {
          if (from < last || to <= from) return false;
          got.fill(true, from, to);
          last = to;
        }
        return got.join() === wanted.join();
      }),
      { numRuns: 1500 },
    );
  });
});

function b64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Letters a and b without a period: xorshift (Marsaglia 2003). */
function noise(length: number): string {
  let state = 2463534242;
  return Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return "ab"[state & 1];
  }).join("");
}

describe("search(), in texts that no automaton can remember,", () => {
  const hard = regex("a[ab]{16}c");

  test("finds what comes after, when it has given up remembering", () => {
    const text = noise(40_000);
    const matcher = compileMatcher([hard, "needle", regex("needles$")], "test()");
    expect(matcher.search([text, `x${text}`])).toBe(NO_MATCH);
    expect(matcher.search([text, "a needle"])).toBe(1);
    expect(matcher.search(`${text}needle`)).toBe(1);
    expect(matcher.search(`${text}a${"b".repeat(16)}c needle`)).toBe(0);
    expect(matcher.search({ needl: text, a: text, b: "needles" })).toBe(1);
  });

  test("keeps what the values make together, when keys make it forget", () => {
    const matcher = compileMatcher([hard, "drop all table"], "test()");
    const text = noise(30_000);
    const payload = { a: "drop", [text.slice(0, 12_000)]: "all", [text.slice(12_000, 24_000)]: "table" };
    expect(matcher.search(payload)).toBe(1);
    expect(matcher.search({ ...payload, a: "dro" })).toBe(NO_MATCH);
  });

  test("sees what is folded, when a string was not read for signs to its end", () => {
    expect(compileMatcher([hard, "rm -rf"], "test()").search(`${noise(40_000)} r\u200bm%20-rf`)).toBe(1);
  });
});

describe("steps", () => {
  const literals = Array.from({ length: 5000 }, (_, i) => `${(i * 7919) % 100_003} blocked`);
  test.each<readonly [string, readonly BlockedPattern[], (n: number) => string]>([
    ["(a+)+$", [regex("(a+)+$")], (n) => `${"a".repeat(n)}b`],
    ["(a|aa)+$", [regex("(a|aa)+$")], (n) => `${"a".repeat(n)}b`],
    ["(.*)*x", [regex("(.*)*x")], (n) => "ab".repeat(n / 2)],
    ["a{0,1000}b", [regex("a{0,1000}b")], (n) => "a".repeat(n)],
    ["\\s+$", [regex("\\s+$")], (n) => `${" ".repeat(n)}x`],
    ["a.{12}b on random text", [regex("a.{12}b$")], (n) => noise(n)],
    ["[ab]*a[ab]{40}c", [regex("[ab]*a[ab]{40}c")], (n) => noise(n)],
    ["many stars", [glob("*a*a*a*a*a*b")], (n) => "a".repeat(n)],
    ["a word, in hexadecimal with blanks", ["password"], (n) => "72 6d 20 2d ".repeat(n / 12)],
    ["a word, in hexadecimal with prefixes", ["password"], (n) => "0x72 0x6d ".repeat(n / 10)],
    ["a word, in base64 in lines", ["password"], (n) => "cGxlYXNlIHJt\n".repeat(n / 13)],
    ["a word, in backslashes", ["password"], (n) => "\\".repeat(n)],
    ["a word, in entities that never end", ["password"], (n) => "&#0&#x0".repeat(n / 7)],
    ["a word, in look-alikes", ["password"], (n) => "p\u0430".repeat(n / 2)],
    ["two letters, in a picture", ["ax"], (n) => randomBase64(n, 1)],
    ["5000 literals", literals, (n) => "1 2 3 blocke ".repeat(n / 13)],
  ])("grow as the text does, when the pattern is %s", (_, patterns, input) => {
    const cost = (n: number): number => {
      const matcher = compileMatcher(patterns, "test()");
      matcher.search(input(1024));
      const before = matcher.steps;
      matcher.search(input(n));
      return matcher.steps - before;
    };
    const [one, two, four] = [cost(16_384), cost(32_768), cost(65_536)];
    expect(two / one).toBeLessThan(2.2);
    expect(four / two).toBeLessThan(2.2);
    expect(one).toBeGreaterThanOrEqual(16_000);
  });

  test("grow as the text does, when ranges are asked for", () => {
    const cost = (n: number): number => {
      const matcher = compileMatcher([regex("(a|aa)+b|a+c")], "test()");
      matcher.cover("a".repeat(n));
      return matcher.steps;
    };
    expect(cost(32_768) / cost(16_384)).toBeLessThan(2.2);
  });

  test("end the search, when a pattern and a text cost more than a search may", () => {
    const matcher = compileMatcher([regex("(a[ab]{900}){1,4}x")], "test()");
    expect(matcher.search(noise(400_000))).toBe(CAPPED);
    // A cap of 2^25, and the text in each of its forms.
    expect(matcher.steps).toBeLessThan(2 ** 25 * 1.1);
  });
});

describe("compileMatcher()", () => {
  test.each<readonly [string, unknown, string]>([
    ["is no list", "rm", '"blockedPatterns" must be an array of patterns, and is "rm"'],
    ["has a number", ["a", 42], '"blockedPatterns[1]" must be a string, { pattern, type } or { regexp }, and is 42'],
    [
      "has a back-reference",
      [regex("(.+)\\1")],
      '"blockedPatterns[0]" must be a regex of the linear subset (at position 4: a pattern without back-references was wanted), and is "(.+)\\\\1"',
    ],
    ["has a hole", [, "a"], '"blockedPatterns[0]" must be a string, { pattern, type } or { regexp }, and is undefined'],
  ])("throws a TypeError that says what and where, when the list %s", (_, patterns, message) => {
    const build = (): unknown => compileMatcher(patterns as BlockedPattern[], "blockPatterns()");
    expect(build).toThrow(new TypeError(`Cannot build blockPatterns(): ${message}`));
  });

  test("keeps its patterns, when the list is changed later", () => {
    const pattern = { pattern: "secret", type: "substring" as "substring" | "glob" };
    const patterns: BlockedPattern[] = [pattern];
    const matcher = compileMatcher(patterns, "test()");
    pattern.pattern = "x";
    patterns.pop();
    expect(matcher.search("secret")).toBe(0);
  });

  test("throws, when all patterns together need too many states", () => {
    const patterns = Array.from(
      { length: 120 },
      (_, i) => regex(`${i}x{1000}a{1000}b{1000}c{1000}d{1000}e{1000}f{1000}g{1000}h{990}`),
    );
    expect(() => compileMatcher(patterns, "test()")).toThrow(/more than 1000000 states/);
  });
});

test("search() finds a key, when an earlier search of the same key cost more than it may", () => {
  const many = Array.from(
    { length: 30 },
    (_, i) => ({ pattern: `[a-h]{0,9}${"abcdefgh"[i % 8]}[a-h${i % 10}]{${200 + i}}z`, type: "regex" as const }),
  );
  const matcher = compileMatcher([...many, "forbidden"], "test()");
  let state = 12345;
  let text = "";
  for (let i = 0; i < 20_000; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    text += "abcdefgh"[state >>> 29];
  }
  expect(matcher.search({ q: text, forbidden: 1 })).toBe(CAPPED);
  expect(matcher.search({ forbidden: 1 })).toBe(30);
});
