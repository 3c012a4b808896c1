import { afterEach, describe, expect, test, vi } from "vitest";
import { publicKeyOf, signatureOf, verifyRaw } from "../../src/crypto/ed25519.ts";
import { fromHex, L, littleEndian, malleated, P, RFC_8032 } from "../trust/identities.ts";

type Point = readonly [bigint, bigint];
const mod = (value: bigint): bigint => ((value % P) + P) % P;

function power(base: bigint, exponent: bigint): bigint {
  let out = 1n;
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) out = mod(out * square);
  }
  return out;
}

const D = mod(-121665n * power(121666n, P - 2n));

/** The sum of two points of the curve: RFC 8032 section 5.1.4, in affine form. */
function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const k = mod(D * x1 * x2 * y1 * y2);
  return [mod((x1 * y2 + x2 * y1) * power(1n + k, P - 2n)), mod((y1 * y2 + x1 * x2) * power(1n - k, P - 2n))];
}

/** One x of the points with this y: RFC 8032 section 5.1.3. */
function xOf(y: bigint): bigint | undefined {
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  const candidate = power(square, (P + 3n) / 8n);
  const x = mod(candidate * candidate) === square ? candidate : mod(candidate * power(2n, (P - 1n) / 4n));
  return mod(x * x) === square ? x : undefined;
}

/** All eight points whose order divides 8: the multiples of L·Q, for a Q that has such a component of full order. */
function torsion(): Point[] {
  for (let y = 2n;; y++) {
    const x = xOf(y);
    if (x === undefined) continue;
    let point: Point = [0n, 1n];
    for (let bits = L.toString(2), at = 0; at < bits.length; at++) {
      point = add(point, point);
      if (bits[at] === "1") point = add(point, [x, y]);
    }
    const all = [point];
    while (all.length < 8) all.push(add(all.at(-1) as Point, point));
    if (new Set(all.map(String)).size === 8) return all;
  }
}

const small = torsion();

/** Every encoding of those points, the two forms with y >= p and with the sign of x = 0 included. */
const encodings = small.flatMap(([, y]) =>
  [y, y + P].filter((form) => form < 2n ** 255n).flatMap((form) => [form, form + 2n ** 255n])
);

afterEach(() => vi.restoreAllMocks());

describe("publicKeyOf()", () => {
  test("knows what it refuses, when the eight points of small order are worked out anew", () => {
    expect(small.map(([, y]) => y)).toContain(1n);
    expect(new Set(encodings).size).toBe(14);
  });

  test.each([...new Set(encodings)].map((value) => [Buffer.from(littleEndian(value)).toString("hex")]))(
    "refuses a point of small order (ID-11), when it is written %s",
    (hex) => {
      expect(publicKeyOf(fromHex(hex))).toBeUndefined();
    },
  );

  test.each([["p + 2", P + 2n], ["2^255 - 1", 2n ** 255n - 1n], ["p + 2 with a sign", P + 2n + 2n ** 255n]])(
    "refuses a second encoding of y, when y is %s",
    (_, y) => {
      expect(publicKeyOf(littleEndian(y))).toBeUndefined();
    },
  );

  test.each(RFC_8032.map(([, x]) => [x]))("copies a key of RFC 8032, when it is %s", (x) => {
    const source = fromHex(x);
    const key = publicKeyOf(source);
    source.fill(0);
    expect(key).toEqual(fromHex(x));
  });

  test.each([["short", new Uint8Array(31).fill(3)], ["long", new Uint8Array(33).fill(3)], ["text", "d75a98"], [
    "nothing",
    undefined,
  ]])("refuses a key, when it is %s", (_, value) => {
    expect(publicKeyOf(value)).toBeUndefined();
  });
});

describe("signatureOf()", () => {
  const [, , , hex] = RFC_8032[0] as (typeof RFC_8032)[number];

  test("copies a signature of RFC 8032, when S is below the group order", () => {
    expect(signatureOf(fromHex(hex))).toEqual(fromHex(hex));
  });

  test("refuses a signature, when the group order was added to S (ID-10)", () => {
    expect(signatureOf(malleated(fromHex(hex)))).toBeUndefined();
  });

  test.each([["L - 1", L - 1n, true], ["L", L, false], ["L + 1", L + 1n, false], [
    "2^256 - 1",
    2n ** 256n - 1n,
    false,
  ]])("judges S exactly, when it is %s", (_, s, fine) => {
    expect(signatureOf(Uint8Array.from([...fromHex(hex).slice(0, 32), ...littleEndian(s)])) !== undefined).toBe(fine);
  });

  test("refuses a signature, when R has small order", () => {
    for (const r of encodings) {
      expect(signatureOf(Uint8Array.from([...littleEndian(r), ...new Uint8Array(32)]))).toBeUndefined();
    }
  });

  test.each([0, 63, 65])("refuses a signature (ID-12), when it has %i bytes", (length) => {
    expect(signatureOf(new Uint8Array(length).fill(2))).toBeUndefined();
  });
});

describe("verifyRaw()", () => {
  test.each(RFC_8032)("agrees with RFC 8032, when the private key is %s", async (_, x, message, signature) => {
    expect(await verifyRaw(fromHex(x), fromHex(message), fromHex(signature))).toBe(true);
    expect(await verifyRaw(fromHex(x), fromHex(`${message}00`), fromHex(signature))).toBe(false);
  });

  test("answers false, when the key is no point of the curve", async () => {
    const y = [2n, 3n, 4n, 5n, 6n, 7n].find((candidate) => xOf(candidate) === undefined) as bigint;
    const [, , message, signature] = RFC_8032[1] as (typeof RFC_8032)[number];
    expect(await verifyRaw(littleEndian(y), fromHex(message), fromHex(signature))).toBe(false);
  });

  test("answers false, when the runtime refuses the key", async () => {
    vi.spyOn(crypto.subtle, "importKey").mockRejectedValue(new DOMException("bad", "DataError"));
    const [, x, message, signature] = RFC_8032[1] as (typeof RFC_8032)[number];
    expect(await verifyRaw(fromHex(x), fromHex(message), fromHex(signature))).toBe(false);
  });

  test("rejects, when the runtime has no Ed25519", async () => {
    vi.spyOn(crypto.subtle, "importKey").mockRejectedValue(new DOMException("none", "NotSupportedError"));
    const [, x, message, signature] = RFC_8032[1] as (typeof RFC_8032)[number];
    await expect(verifyRaw(fromHex(x), fromHex(message), fromHex(signature))).rejects.toThrow("none");
  });
});
