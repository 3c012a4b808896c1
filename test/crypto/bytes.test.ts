import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf, frame, fromBase64Url, randomText, sha256, toBase64Url, toHex, utf8 } from "../../src/crypto/bytes.ts";

describe("bytesOf()", () => {
  test("copies, so that a later write changes nothing", () => {
    const source = new Uint8Array([1, 2, 3]);
    const copy = bytesOf(source);
    source[0] = 9;
    expect(copy).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("copies the view and not its buffer, when bytes are a part of one", () => {
    const copy = bytesOf(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)) as Uint8Array;
    expect([...copy]).toEqual([2, 3]);
    expect(copy.buffer.byteLength).toBe(2);
  });

  test.each([
    ["text", "abc"],
    ["an array", [1, 2]],
    ["another view", new Uint16Array(2)],
    ["a buffer", new ArrayBuffer(2)],
    ["null", null],
    ["nothing", undefined],
  ])(
    "answers undefined, when it is %s",
    (_, value) => expect(bytesOf(value)).toBeUndefined(),
  );

  test("answers undefined, when the length is another", () => {
    expect(bytesOf(new Uint8Array(31), 32)).toBeUndefined();
    expect(bytesOf(new Uint8Array(32), 32)).toHaveLength(32);
  });
});

test("toHex() writes what Buffer writes, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => toHex(bytes) === Buffer.from(bytes).toString("hex")));
});

test("toBase64Url() writes what Buffer writes, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => toBase64Url(bytes) === Buffer.from(bytes).toString("base64url")));
});

describe("fromBase64Url()", () => {
  test("reads back what toBase64Url() wrote, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        (bytes) => toHex(fromBase64Url(toBase64Url(bytes), bytes.length) as Uint8Array) === toHex(bytes),
      ),
    );
  });

  test("takes no second text for the same bytes, whatever one letter is changed to", () => {
    const text = toBase64Url(new Uint8Array(32).fill(7));
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n";
    for (let at = 0; at < text.length; at++) {
      for (const letter of letters) {
        const changed = text.slice(0, at) + letter + text.slice(at + 1);
        const read = fromBase64Url(changed, 32);
        expect(read === undefined || toBase64Url(read) === changed, changed).toBe(true);
      }
    }
  });

  test.each([["a number", 12], ["text that is too short", "AAA"], ["padding", "AA=="], ["a line break", "AA\nA"], [
    "letters of base64",
    "+/AA",
  ], ["nothing", undefined]])(
    "answers undefined, when it is %s",
    (_, value) => expect(fromBase64Url(value, 3)).toBeUndefined(),
  );
});

describe("frame()", () => {
  test("writes each part behind its length, when there are two", () => {
    expect(toHex(frame(utf8("ab"), utf8("c")))).toBe("00000002616200000001" + "63");
  });

  test("gives other bytes, when a boundary moves (ID-03)", () => {
    expect(toHex(frame(utf8("a|b"), utf8("c")))).not.toBe(toHex(frame(utf8("a"), utf8("b|c"))));
  });

  test("is injective, whatever the parts", () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 4 });
    fc.assert(fc.property(parts, parts, (left, right) => {
      const same = left.length === right.length &&
        left.every((part, at) => toHex(part) === toHex(right[at] as Uint8Array));
      return (toHex(frame(...left)) === toHex(frame(...right))) === same;
    }));
  });
});

test("sha256() hashes as FIPS 180-4 says, when the text is abc", async () => {
  expect(toHex(await sha256(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("randomText() never repeats itself, when asked a thousand times", () => {
  expect(new Set(Array.from({ length: 1000 }, () => randomText(16))).size).toBe(1000);
  expect(fromBase64Url(randomText(16), 16)).toHaveLength(16);
});
