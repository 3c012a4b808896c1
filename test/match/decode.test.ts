import { expect, test } from "vitest";
import { decodeBlobs, decodeEscapes, textOf } from "../../src/match/decode.ts";

test.each([
  ["percent", "rm%20%2Drf", "rm -rf"],
  ["percent next to a broken one", "rm%20-rf %zz 5%", "rm -rf %zz 5%"],
  ["percent of bytes that are no text", "rm%20-rf %ff", "rm -rf \ufffd"],
  ["percent of UTF-8", "caf%C3%A9", "café"],
  ["percent u", "r%u006d", "rm"],
  ["entities", "&lt;script&GT; r&#109; r&#x6D; &#109", "<script> rm rm m"],
  ["entities that are none", "&nothing; & &#9999999;", "&nothing; & &#9999999;"],
  ["unit escapes", "\\u0072\\u006d", "rm"],
  ["point escapes", "\\u{72}m \\u{110000}", "rm \\u{110000}"],
  ["long escapes", "\\U00000072m", "rm"],
  ["byte escapes", "\\x72\\x6D", "rm"],
  ["octal escapes", "\\162m\\0", "rm\0"],
  ["letters of control characters", "rm\\t-rf\\n", "rm\t-rf\n"],
  ["a shell's escapes", "r\\m -\\rf", "rm -\rf"],
  ["a continued line", "r\\\nm", "rm"],
  [
    "tag characters",
    `x${Array.from("rm -rf", (c) => String.fromCodePoint(0xe0000 + c.charCodeAt(0))).join("")}`,
    "xrm -rf",
  ],
  [
    "variation selectors",
    `x${Array.from("rm -rf", (c) => String.fromCodePoint(0xe0100 + c.charCodeAt(0) - 16)).join("")}`,
    "xrm -rf",
  ],
  ["a right-to-left override", "\u202efr- mr\u202c.", "rm -rf\u202c."],
])("decodeEscapes() decodes %s, when they are written out", (_, text, plain) => {
  expect(decodeEscapes(text)).toBe(plain);
});

test("decodeEscapes() keeps one variation selector, when it follows a heart", () => {
  expect(decodeEscapes("\u2764\ufe0f")).toBe("\u2764\ufe0f");
});

const secret = "please rm -rf / now";

test.each([
  ["base64", btoa(secret), secret],
  ["base64 without padding", btoa(secret).replaceAll("=", ""), secret],
  ["base64url", btoa("subjects?>> ~~~").replaceAll("+", "-").replaceAll("/", "_"), "subjects?>> ~~~"],
  ["hexadecimal", "726d202d7266202f", "rm -rf /"],
  ["hexadecimal in capitals", "0x726D202D7266202F", "0xrm -rf /"],
])("decodeBlobs() decodes %s, when it holds text", (_, text, plain) => {
  expect(decodeBlobs(text, false).replace(/=+$/, "")).toBe(plain);
});

test.each([
  ["after one character of the alphabet", `x${btoa(secret)}`],
  ["after two", `xy${btoa(secret)}`],
  ["after three", `a/b${btoa(secret)}`],
  ["over two lines", `${btoa(secret).slice(0, 12)}\r\n${btoa(secret).slice(12)}`],
  ["as UTF-16", btoa(Array.from(secret, (c) => `${c}\0`).join(""))],
  ["in bytes that are no text", btoa(`\xff\xfe\x01${secret}\xff\x80`)],
  ["in hexadecimal after an odd digit", `f${"706c6561736520726d202d7266202f206e6f77"}`],
])("decodeBlobs() finds the text, when it stands %s", (_, text) => {
  expect(decodeBlobs(text, false).replaceAll("\0", "")).toContain("rm -rf /");
});

test.each([
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
  "internationalization",
  "deadbeefdeadbeef",
  "/usr/local/lib/node_modules",
])("decodeBlobs() keeps %j, when it is no encoded text", (text) => {
  expect(decodeBlobs(text, false)).toBe(text);
});

test("decodeBlobs() decodes text outside ASCII, when asked for wide runs", () => {
  const blob = btoa(String.fromCharCode(...new TextEncoder().encode("密码是什么")));
  expect(decodeBlobs(blob, true)).toContain("密码是什么");
  expect(decodeBlobs("abcdefgh", true)).not.toBe("");
});

test("decodeBlobs() decodes a run, when only the lines together show it", () => {
  expect(decodeBlobs("9999cm0g\nLXJm9999", false)).toContain("rm -rf");
});

test("textOf() marks what is no UTF-8, when bytes are damaged", () => {
  expect(textOf(Uint8Array.of(97, 255, 98))).toBe("a\ufffdb");
});
