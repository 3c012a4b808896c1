/** Patterns: what depends on an engine's Unicode tables, its case mapping and its strings. */
import { definePolicy, sequenceSimilarity, wordSimilarity } from "../../../mod.ts";
import { type Case, checkCode, same, throwsTypeError } from "./kit.ts";

/** Every text is found, whatever its form. */
async function found(pattern: string, texts: readonly unknown[]): Promise<void> {
  for (const payload of texts) {
    same(await checkCode({ blockedPatterns: [pattern] }, { payload }), "blocked_pattern", JSON.stringify(payload));
  }
}

async function notFound(pattern: string, texts: readonly unknown[]): Promise<void> {
  for (const payload of texts) {
    same(await checkCode({ blockedPatterns: [pattern] }, { payload }), "allow", JSON.stringify(payload));
  }
}

const regex = (pattern: string) => ({ blockedPatterns: [{ pattern, type: "regex" }] }) as const;
const glob = (pattern: string) => ({ blockedPatterns: [{ pattern, type: "glob" }] }) as const;

/** The cases, in order. */
export const matchingCases: readonly Case[] = [
  {
    name: "patterns are found in any case, in keys, in depth and across leaves",
    async run(): Promise<void> {
      await found("drop table", ["DROP TABLE users", { "drop table": 1 }, { a: [{ b: "x drop table" }] }, {
        cmd: "drop",
        args: ["table"],
      }]);
      await notFound("drop table", ["a raindrop on the tablet", "drop the table", ""]);
    },
  },
  {
    name: "compatibility forms are folded: full width, mathematical letters, ligatures, circled letters",
    run: () =>
      found("file password", [
        "ＦＩＬＥ　ＰＡＳＳＷＯＲＤ",
        "𝐟𝐢𝐥𝐞 𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝",
        "ﬁle password",
        "ⓕⓘⓛⓔ ⓟⓐⓢⓢⓦⓞⓡⓓ",
        "ｆile 𝔭assword",
      ]),
  },
  {
    name: "ignorable characters are dropped: zero width, soft hyphen, variation selectors, tags, direction marks",
    run: () =>
      found("drop table", [
        "dro\u200bp table",
        "dr\u00adop ta\u2060ble",
        "d\ufe0frop table",
        "dr\u{e0001}op tab\u{e0061}le",
        "dro\u202ep\u202c table",
        "drop\u061c table",
        "\ufeffdrop table",
        "d\u034frop table",
      ]),
  },
  {
    name: "white space of every kind is one blank",
    run: () =>
      found("drop table", [
        "drop \t\n table",
        "drop\u00a0table",
        "drop\u3000table",
        "drop\u2003\u205ftable",
        "drop\u2028table",
        "drop\u0085table",
      ]),
  },
  {
    name: "look-alike letters in a Latin word are found, and other scripts are left alone",
    async run(): Promise<void> {
      await found("drop table", ["dr\u043ep t\u0430ble", "dr\u03bfp table", "\u0501rop table"]);
      await notFound("ban", ["\u0432\u0430\u043d\u043d\u0430", "καλημέρα"]);
    },
  },
  {
    name: "case is folded beyond ASCII: ß and ss, the Kelvin sign, the dotted İ, final sigma",
    async run(): Promise<void> {
      await found("strasse", ["STRASSE", "straße", "STRAẞE"]);
      await found("kill", ["\u212aill", "KİLL", "KILL"]);
      await found("οδος", ["ΟΔΟΣ", "οδοσ"]);
    },
  },
  {
    name: "combining marks that disguise a word are dropped, and composed and decomposed letters are equal",
    async run(): Promise<void> {
      await found("password", ["pa\u0301ssword", "p\u0336a\u0336s\u0336s\u0336w\u0336o\u0336r\u0336d"]);
      await found("café", ["cafe\u0301", "CAFÉ"]);
    },
  },
  {
    name: "surrogate pairs are one character, and lone surrogates break nothing",
    async run(): Promise<void> {
      await found("😀 bomb", ["x 😀 BOMB y"]);
      await found("rm -rf", ["\ud83d rm -rf \ude00"]);
      same([
        await checkCode(regex("^.$"), { x: "😀" }),
        await checkCode(regex("a[😀-😂]b"), { x: "a😁b" }),
        await checkCode(regex("a[😀-😂]b"), { x: "a\ud83db" }),
      ], ["blocked_pattern", "blocked_pattern", "allow"]);
    },
  },
  {
    name: "encoded text is decoded: base64, hex, percent, entities, escapes",
    run: () =>
      found("drop table", [
        "ZHJvcCB0YWJsZSB1c2Vycw==",
        "64726f70207461626c65207573657273",
        "drop%20table",
        "drop&#32;table",
        "drop&#x20;table",
        "drop\\u0020table",
        "drop\\x20table",
      ]),
  },
  {
    name: "base64 of text outside ASCII is decoded as UTF-8",
    run: () => found("größe", ["Z3LDtsOfZSB2b24gYWxsZW0=", "Z3LDtsOfZSB2b24gYWxsZW0"]),
  },
  {
    name: "a regular expression matches classes, bounds, anchors and alternatives, in any case",
    async run(): Promise<void> {
      const table: [string, string, string][] = [
        ["\\brm\\s+-[rf]{2}\\b", "sudo RM  -rf /", "blocked_pattern"],
        ["\\brm\\s+-[rf]{2}\\b", "farm -rfx", "allow"],
        ["^(get|post)$", "POST", "blocked_pattern"],
        ["^(get|post)$", "posts", "allow"],
        ["\\d{3}-\\d{4}", "call 555-1234", "blocked_pattern"],
        ["[^a-z]x", "ax", "allow"],
      ];
      for (const [pattern, text, wanted] of table) {
        same(await checkCode(regex(pattern), { text }), wanted, `${pattern} in ${text}`);
      }
    },
  },
  {
    name: "a glob matches one whole string",
    async run(): Promise<void> {
      const codes = await Promise.all(
        ["/etc/passwd", "/etc/ssl/key", "x /etc/passwd"].map((path) => checkCode(glob("/etc/*"), { path })),
      );
      same([codes[0], codes[2]], ["blocked_pattern", "allow"]);
    },
  },
  {
    name: "a regular expression is linear, whatever the text",
    async run(): Promise<void> {
      const long = "a".repeat(200_000);
      for (const pattern of ["(a+)+b", "(a|a)*b", "(a|aa)+$b", "(.*)*b", "a{1,30}a{1,30}a{1,30}b"]) {
        same(await checkCode(regex(pattern), { long }), "allow", pattern);
      }
      same(await checkCode(regex("(a+)+b"), { text: `${long}b` }), "blocked_pattern");
    },
  },
  {
    name: "a long hostile text is searched in time, in each of its forms",
    async run(): Promise<void> {
      const policy = {
        blockedPatterns: ["drop table", "aaaaaaaaaaaaaaaaaaaab", { pattern: "x*x*x*q7", type: "regex" } as const],
      };
      for (const unit of ["a", "%61", "&#97;", "\\u0061", "YWFh", "а\u0301", "x", "\u200b"]) {
        same(await checkCode(policy, { text: unit.repeat(Math.floor(300_000 / unit.length)) }), "allow", unit);
      }
    },
  },
  {
    name: "unsafe syntax in a pattern is refused",
    run(): void {
      for (const pattern of ["(a)\\1", "(?=a)", "(?<!a)b", "(?<n>a)\\k<n>", "a{1,100000}", "[z-a]", "("]) {
        throwsTypeError(() => definePolicy(regex(pattern)), pattern);
      }
    },
  },
  {
    name: "a RegExp is taken, flags and all, when opted in",
    async run(): Promise<void> {
      const policy = { blockedPatterns: [{ regexp: /(?<=\p{Lu})\d/u }] };
      same([await checkCode(policy, { x: "Ä7" }), await checkCode(policy, { x: "-7" })], ["blocked_pattern", "allow"]);
    },
  },
  {
    name: "similarity is 1 for equal texts and 0 for texts with nothing in common",
    run(): void {
      same([wordSimilarity("a b c", "a b c"), wordSimilarity("a b", "c d")], [1, 0]);
      same([sequenceSimilarity("abc", "abc"), sequenceSimilarity("ab", "cd")], [1, 0]);
      same(sequenceSimilarity("😀a", "😀b"), 0.5, "by code points");
    },
  },
];
