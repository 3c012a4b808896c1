import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalAgentKey, didKeyOf, didOf, isSameAgent, oneDid, parseDid, readDid } from "../../src/crypto/did.ts";
import { hashOfKey } from "../../src/crypto/key-hash.ts";
import { fromHex, littleEndian, RFC_8032 } from "../trust/identities.ts";

const KEY = fromHex((RFC_8032[0] as (typeof RFC_8032)[number])[1]);
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Base58btc by the textbook, digit by digit: another way than the one under test. */
function base58(bytes: Uint8Array): string {
  const digits: number[] = [];
  for (const byte of bytes) {
    let carry = byte;
    for (let at = 0; at < digits.length; at++) {
      carry += (digits[at] as number) << 8;
      digits[at] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
  }
  return digits.reverse().map((digit) => BASE58[digit]).join("");
}

test("didKeyOf() agrees with the did:key specification, when it is its first example", () => {
  const key = fromHex("2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6");
  expect(didKeyOf(key)).toBe("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK");
});

test("didOf() is the SHA-256 of the key, when the key is that of RFC 8032", async () => {
  expect(await didOf(KEY)).toBe("did:agentmesh:21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9");
});

describe("parseDid()", () => {
  test("reads a did:agentmesh, when it holds a fingerprint", async () => {
    const did = await didOf(KEY);
    expect(parseDid(did)).toEqual({ method: "agentmesh", did, fingerprint: did.slice(14) });
  });

  test("reads back what didKeyOf() wrote, whatever the key", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      // The top bytes are kept below p, and away from the points of small order.
      const safe = Uint8Array.from([...key.slice(0, 30), 77, 77]);
      const parsed = parseDid(didKeyOf(safe));
      expect(parsed).toEqual({
        method: "key",
        did: `did:key:z${base58(Uint8Array.from([0xed, 1, ...safe]))}`,
        publicKey: safe,
      });
    }));
  });

  const good = didKeyOf(KEY);
  const mesh = `did:agentmesh:${"ab".repeat(32)}`;
  test.each([
    ["a line break behind it (ID-22)", `${mesh}\n`],
    ["a line break within it (ID-22)", "did:agentmesh:a\n[INFO] allowed"],
    ["a space before it", ` ${mesh}`],
    ["a chosen name", "did:agentmesh:deployer"],
    ["a chosen name and a short hash", "did:agentmesh:admin:0123456789abcdef"],
    ["upper-case digits", mesh.toUpperCase().replace("DID:AGENTMESH", "did:agentmesh")],
    ["one digit too few", mesh.slice(0, -1)],
    ["one digit too many", `${mesh}a`],
    ["a fragment", `${good}#${good.slice(8)}`],
    ["a path", `${good}/key`],
    ["a query", `${mesh}?version=1`],
    ["another method", `did:web:${"ab".repeat(32)}`],
    ["a did:key with a line break", `${good}\n`],
    ["a did:key with a letter that base58 lacks", good.replace(/.$/, "0")],
    ["a did:key that is too short", good.slice(0, -1)],
    ["a did:key beyond 34 bytes", `did:key:z6Mk${"z".repeat(44)}`],
    ["a did:key of another curve", `did:key:z${base58(Uint8Array.from([0xec, 1, ...KEY]))}`],
    ["a did:key of small order", `did:key:z${base58(Uint8Array.from([0xed, 1, ...littleEndian(1n)]))}`],
    ["nothing", ""],
    ["no text", undefined],
    ["an object that prints as one", { toString: () => mesh }],
  ])("refuses a DID, when it has or is %s", (_, did) => {
    expect(() => parseDid(did as string)).toThrow(TypeError);
    expect(readDid(did)).toBeUndefined();
  });
});

describe("oneDid()", () => {
  test("gives a key one name, when it comes as did:key or as did:agentmesh", async () => {
    const did = await didOf(KEY);
    expect(oneDid(didKeyOf(KEY))).toBe(did);
    expect(oneDid(did)).toBe(did);
    expect(oneDid("did:agentmesh:deployer")).toBeUndefined();
  });
});

describe("canonicalAgentKey()", () => {
  const key = didKeyOf(KEY);

  test("gives a key one name, whichever of its names it is called by", async () => {
    const did = await didOf(KEY);
    const percent = did.replace("21", "%32%31");
    for (const name of [did, key, did.toUpperCase().replace("DID:AGENTMESH", "did:agentmesh"), percent]) {
      expect(canonicalAgentKey(name)).toBe(did);
      expect(isSameAgent(name, key)).toBe(true);
    }
    // The ends of both, which are their agentIds.
    for (const agentId of [key.slice(8), did.slice(14), did.slice(14).toUpperCase()]) {
      expect(canonicalAgentKey(agentId)).toBe(did);
      for (const written of [`${agentId}\n`, `\t${agentId}`, `${agentId}#key-1`]) {
        expect(canonicalAgentKey(written)).toBe(did);
      }
    }
  });

  test.each<[string, (name: string) => string]>([
    ["a key's URL", (name) => `${name}#${name.slice(8)}`],
    ["a URL with a query", (name) => `${name}?versionId=1#key-1`],
    ["a URL with a path", (name) => `${name}/inbox`],
    ["a URL with a parameter", (name) => `${name};service=agent`],
    ["a line of a file", (name) => `${name}\r\n`],
    ["the first line of a file", (name) => `\ufeff${name}`],
    ["a cell of a table", (name) => `\t ${name}\u00a0`],
    ["a text that was broken in two", (name) => `${name.slice(0, 30)}\u00ad\n\u200b${name.slice(30)}`],
    ["a scheme and a method in upper case", (name) => name.replace(/^[^:]+:[^:]+/, (start) => start.toUpperCase())],
    ["full-width letters", (name) => name.replace("did:", "ｄｉｄ：")],
  ])("gives a key its one name, when it is written as %s", async (_, written) => {
    const did = await didOf(KEY);
    for (const name of [did, key]) {
      expect(canonicalAgentKey(written(name))).toBe(did);
      expect(isSameAgent(written(name), name)).toBe(true);
    }
    // So is a name that names no key.
    if (!_.includes("broken")) {
      expect(canonicalAgentKey(written("did:agentmesh:Deployer-of-the-north"))).toBe(
        "did:agentmesh:Deployer-of-the-north",
      );
    }
  });

  test("agrees with WebCrypto and is stable, whatever the key", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (bytes) => {
      const safe = Uint8Array.from([...bytes.slice(0, 30), 77, 77]);
      const name = canonicalAgentKey(didKeyOf(safe));
      expect(name).toBe(await didOf(safe));
      expect(canonicalAgentKey(name)).toBe(name);
    }));
  });

  test("agrees with WebCrypto, when the key lies in the midst of a larger buffer", async () => {
    const large = Uint8Array.from([9, 9, 9, ...KEY, 9]);
    expect(hashOfKey(large.subarray(3, 35))).toBe((await didOf(KEY)).slice(14));
  });

  test.each([
    ["an agentId", "deployer"],
    ["a chosen DID", "did:agentmesh:deployer"],
    ["another method", "did:web:example.com"],
    ["a chosen DID in upper case", "did:agentmesh:Deployer"],
    ["everybody", "*"],
    ["a note of somebody's", " user 1#2 "],
    ["an agentId that begins like a DID", "Did-1"],
    ["a DID of no method", "did:"],
    ["nothing", ""],
    ["a did:key of another curve", "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"],
    ["an agentId that only begins like a key's", "z6Mkay"],
    ["an agentId as long as a fingerprint", "g".repeat(64)],
    ["an agentId of more hexadecimal digits than a fingerprint has", "A".repeat(65)],
  ])("leaves a name as it is, when it is %s", (_, name) => {
    expect(canonicalAgentKey(name)).toBe(name);
  });

  test("does not take one agent for another, when only the ends are the same", async () => {
    const did = await didOf(KEY);
    expect(isSameAgent(did, did.replace("did:agentmesh", "did:web:evil.example"))).toBe(false);
    expect(isSameAgent("did:web:a", "did:web:b")).toBe(false);
    expect(isSameAgent("did:web:example.com%3A80", "did:web:example.com%3a80")).toBe(true);
  });
});
