import { expect, test } from "vitest";
import {
  decodeBase64,
  decodeHex,
  decodeSegments,
  decodeShifted,
  decodeSpacedHex,
  decodeWrapped,
} from "../../src/match/blobs.ts";

function decoded(text: string, wide: boolean): string {
  return decodeBase64(decodeWrapped(decodeHex(text), wide), wide);
}

const secret = "please rm -rf / now";

test.each([
  ["base64", btoa(secret), secret],
  ["base64 without padding", btoa(secret).replaceAll("=", ""), secret],
  ["base64url", btoa("subjects?>> ~~~").replaceAll("+", "-").replaceAll("/", "_"), "subjects?>> ~~~"],
  ["hexadecimal", "726d202d7266202f", "rm -rf /"],
  ["hexadecimal in capitals", "0x726D202D7266202F", "0xrm -rf /"],
])("decoded() decodes %s, when it holds text", (_, text, plain) => {
  expect(decoded(text, false).replace(/=+$/, "")).toBe(plain);
});

test.each([
  ["after one character of the alphabet", `x${btoa(secret)}`],
  ["after two", `xy${btoa(secret)}`],
  ["after three", `a/b${btoa(secret)}`],
  ["over two lines", `${btoa(secret).slice(0, 12)}\r\n${btoa(secret).slice(12)}`],
  ["as UTF-16", btoa(Array.from(secret, (c) => `${c}\0`).join(""))],
  ["in bytes that are no text", btoa(`\xff\xfe\x01${secret}\xff\x80`)],
  ["in hexadecimal after an odd digit", `f${"706c6561736520726d202d7266202f206e6f77"}`],
])("decoded() finds the text, when it stands %s", (_, text) => {
  expect(decoded(text, false).replaceAll("\0", "")).toContain("rm -rf /");
});

test.each([
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
  "internationalization",
  "deadbeefdeadbeef",
  "/usr/local/lib/node_modules",
])("decoded() keeps %j, when it is no encoded text", (text) => {
  expect(decoded(text, false)).toBe(text);
});

test("decoded() decodes text outside ASCII, when asked for wide runs", () => {
  const blob = btoa(String.fromCharCode(...new TextEncoder().encode("密码是什么")));
  expect(decoded(blob, true)).toContain("密码是什么");
  expect(decoded("abcdefgh", true)).not.toBe("");
});

test.each<readonly [string, string, string]>([
  ["blanks", "72 6d 20 2d 72 66", "rm -rf"],
  ["colons, among other words", "key 72:6d:20:2d:72:66.", "key rm -rf."],
  ["prefixes", "0x72 0x6d 0x20 0x2d 0x72 0x66", "rm -rf"],
  ["prefixes of byte escapes", "\\x72 \\x6d \\x20 \\x2d \\x72 \\x66", "rm -rf"],
  ["line ends between groups", "726d\r\n202d\r\n7266", "rm -rf"],
  ["nothing", "726d202d7266", "726d202d7266"],
  ["more than separators", "72 - 6d - 20 - 2d", "72 - 6d - 20 - 2d"],
  ["blanks, though not in pairs", "72 6 d 20 2d7", "72 6 d 20 2d7"],
])("decodeSpacedHex() reads hexadecimal, when between the bytes there are %s", (_, text, plain) => {
  expect(decodeSpacedHex<string>(text)).toBe(plain);
});

test.each<readonly [string, string, string]>([
  ["lines", "cGxlYXNl\nIHJtIC1y\nZg==", "please rm -rf=="],
  ["lines of a quoted block", "> cGxlYXNl\n> IHJtIC1y\n> Zg==", "> please rm -rf=="],
  ["groups with blanks", "cGxlYXNl IHJtIC1y Zi8v", "please rm -rf//"],
  ["words beside it", "then cGxlYXNlIHJt please", "then cGxlYXNlIHJt please"],
])("decodeWrapped() joins base64, when it stands in %s", (_, text, plain) => {
  expect(decodeWrapped<string>(text, false)).toBe(plain);
});

test("decodeSegments() reads a part of a path, when slashes stand around it", () => {
  const path = `/x${"/abc".repeat(20)}/c2VjcmV0${"/abc".repeat(20)}`;
  expect(decodeBase64(path, false)).not.toContain("secret");
  expect(decodeSegments(path, false)).toBe(path.replace("c2VjcmV0", "secret"));
});

test("decodeShifted() reads other alignments, when the run is text as it stands too", () => {
  const run = `Y${btoa("SHUTOVSPINNUTS")}`;
  expect(decodeBase64<string>(run, false)).not.toContain("SHUTOVSPINNUTS");
  expect(decodeShifted<string>(run, false)).toContain("SHUTOVSPINNUTS");
  expect(decodeShifted<string>(btoa("\xff\xfeSHUTOVSPINNUTS"), false)).toBe(btoa("\xff\xfeSHUTOVSPINNUTS"));
});

const NOISE = "\xff\xfe\x80\xff".repeat(12);
test.each([
  ["in the middle of a long run", `${NOISE}password${NOISE}`, false],
  ["in the middle of a long run, in a long piece", `${NOISE}the-password-is-1${NOISE}`, true],
  ["at the end of a long run", `${NOISE}password`, false],
  ["at the end of a long run, in a longer piece", `${NOISE}my password`, true],
  ["at the beginning of a long run", `password:a ${NOISE}`, true],
  ["in the middle of a short run", `\xff\xfe\x80password\xff\xfe`, true],
])("decodeBase64() and decodeHex() take a piece of text for chance or not, when it stands %s", (_, bytes, isRead) => {
  expect(decodeBase64<string>(btoa(bytes), false).includes("password")).toBe(isRead);
  const hex = Array.from(bytes, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  expect(decodeHex<string>(hex).includes("password")).toBe(isRead);
});
