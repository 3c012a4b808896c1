import { describe, expect, test } from "vitest";
import { compileMatcher } from "../../src/match/matcher.ts";
import { randomBase64, randomHex, randomWords } from "./random.ts";

const LENGTH = 1 << 18;

describe("search() finds no word that chance wrote", () => {
  test.each<readonly [string, (seed: number) => string, number]>([
    ["in base64", (seed) => randomBase64(LENGTH, seed), 26],
    ["in hexadecimal", (seed) => randomHex(LENGTH, seed), 6],
    ["in base64 in lines", (seed) => randomBase64(LENGTH, seed).replace(/.{76}/g, "$&\r\n"), 26],
    ["in base64 in lines that JSON wrote", (seed) => randomBase64(LENGTH, seed).replace(/.{76}/g, "$&\\n"), 26],
    ["in a data URL", (seed) => `data:image/png;base64,${randomBase64(LENGTH, seed)}`, 26],
    ["in a data URL that is percent-encoded", (seed) => encodeURIComponent(randomBase64(LENGTH, seed)), 26],
  ])("when 256 Ki characters of a picture are written %s", (_, picture, letters) => {
    for (const seed of [1, 2]) {
      const words = [3, 4, 6].flatMap((length) => randomWords(10, length, seed * 100 + length, letters));
      const matcher = compileMatcher(words, "test()");
      expect(words[matcher.search({ data: picture(seed) }, true)]).toBeUndefined();
    }
  });
});

describe("search() finds a word that somebody wrote, when", () => {
  const picture = randomBase64(4096, 5);
  const prose = "The quarterly report was sent to the finance department; it answered that nothing is missing. ";
  test.each<readonly [string, string, unknown]>([
    ["three letters stand beside a picture", "foo", `${picture} foo`],
    ["three letters stand before a picture", "foo", `foo,${picture}`],
    ["three letters stand in another value", "foo", { picture, text: "foo" }],
    ["three letters stand in a key", "foo", { picture, foo: 1 }],
    ["three letters begin before a picture", "x,i", `x,i${picture}`],
    ["three letters stand in base64 of a text", "foo", btoa(`${prose}foo ${prose}`.repeat(8))],
    [
      "three letters stand in base64 of a text in lines",
      "foo",
      btoa(`${prose.repeat(8)}foo`).replace(/.{76}/g, "$&\n"),
    ],
    ["three letters stand in a long word", "foo", `${"loremipsum".repeat(60)}foo${"dolorsitamet".repeat(60)}`],
    ["three letters stand in a long path", "foo", `${"/usr/local/lib".repeat(60)}/foo${"/share/doc".repeat(60)}`],
    ["a long word stands in a picture", "passwords", `${picture}passwords${picture}`],
    [
      "a long word stands in the bytes of a picture",
      "passwords",
      btoa(`${atob(picture)}the passwords: 1 2 3 4${atob(picture)}`),
    ],
    ["a regex that pictures match is meant to", "", picture],
  ])("%s", (_, word, payload) => {
    const pattern = word === "" ? { pattern: "[a-z0-9+/]{100,}", type: "regex" as const } : word;
    expect(compileMatcher([pattern, "zzzzzzzz"], "test()").search(payload)).toBe(0);
    expect(compileMatcher(["zzzzzzzz", "qqq", pattern], "test()").search(payload)).toBe(2);
  });
});
