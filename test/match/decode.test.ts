import { expect, test } from "vitest";
import { decodeEscapes, dropQuoting, spacePluses, textOf } from "../../src/match/decode.ts";

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
  ["entities padded with noughts", "r&#0000109; r&#x0000006D;", "rm rm"],
  ["entities that browsers take without a semicolon", "&lt&AMPamp;&nothing", "<&amp;&nothing"],
  ["an entity of a letter in another style", "&rscr;&mopf;", "rm"],
  ["unit escapes of Java", "\\uu0072m", "rm"],
  ["point escapes padded with noughts", "\\u{00000072}\\x{6d}", "rm"],
  ["octal escapes with a nought before them", "\\0162m", "rm"],
  ["percent of a character of four bytes", "%F0%9F%98%80", "😀"],
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
  expect(decodeEscapes<string>("\u2764\ufe0f")).toBe("\u2764\ufe0f");
});

test("textOf() marks what is no UTF-8, when bytes are damaged", () => {
  expect(textOf(Uint8Array.of(97, 255, 98))).toBe("a\ufffdb");
});

test.each([
  ["backslashes before letters", "r\\m -r\\f", "rm -rf"],
  ["backslashes before backslashes", "r\\\\m", "r\\m"],
  ["a backslash before a line's end", "r\\\nm", "rm"],
  ["quotes", "'r'\"m\" $'-rf' $HOME", "rm -rf $HOME"],
])("dropQuoting() reads %s as a shell does, when they stand in a text", (_, text, plain) => {
  expect(dropQuoting<string>(text)).toBe(plain);
});

test("spacePluses() reads a plus as a blank, when a percent escape stands in its token", () => {
  expect(spacePluses<string>("a=1+2 q=rm+-rf%21 c++ 5%+2")).toBe("a=1+2 q=rm -rf%21 c++ 5%+2");
});
