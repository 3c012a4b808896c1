import { expect, test } from "vitest";
import { formsOf } from "../../src/match/forms.ts";
import { SIGNS } from "../../src/match/signs.ts";

const decodedOf = (text: string): string | undefined => formsOf(text, SIGNS, false, false)?.decoded.trim();

test("formsOf() has no other form, when the text shows none", () => {
  expect(formsOf<string>("Plain text", SIGNS, false, false)).toEqual({
    all: [],
    folded: "Plain text",
    decoded: "Plain text",
  });
});

test.each([
  ["percent, twice", "rm%2520-rf"],
  ["percent in base64", btoa("rm%20-rf now")],
  ["base64 in percent", encodeURIComponent(btoa("rm -rf now"))],
  ["base64 in base64", btoa(btoa("rm -rf now"))],
  ["hexadecimal in entities", "&#55;26d202d72662020"],
])("formsOf() decodes %s, when one encoding hides another", (_, text) => {
  expect(decodedOf(text)).toMatch(/^rm -rf/);
});

test("formsOf() goes no deeper than three levels, when encodings are nested", () => {
  expect(decodedOf("rm%25252520-rf")).toBe("rm%20-rf");
});

test("formsOf() keeps the letters' own marks and drops the others, when a text has both", () => {
  expect(formsOf<string>("pa\u0301ssé", SIGNS, false, false)).toMatchObject({ folded: "pássé", decoded: "passé" });
});

test("formsOf() reads a plus as a blank, when a text is percent-encoded", () => {
  expect(formsOf<string>("a=rm+-rf%21", SIGNS, false, false)?.all).toContain("a=rm -rf!");
});

test("formsOf() reads a control character as nothing and as a blank, when it separates words", () => {
  expect(formsOf<string>("rm\0-rf", SIGNS, false, false)?.all).toEqual(["rm-rf", "rm -rf"]);
});

test("formsOf() answers nothing, when a form would grow too long", () => {
  expect(formsOf<string>("\ufdfa".repeat(50_000), SIGNS, false, false)).toBeUndefined();
  expect(formsOf<string>("&#64;".repeat(3000) + "&#xfdfa;".repeat(30_000), SIGNS, false, false)).toBeUndefined();
});
