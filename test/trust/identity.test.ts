import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { utf8 } from "../../src/crypto/bytes.ts";
import { createIdentity, type Identity, importIdentity, signAs } from "../../src/trust/identity.ts";
import { verifyIdentity } from "../../src/trust/verify-identity.ts";
import { fromHex, fromText, JWKS, littleEndian, RFC_8032, three } from "./identities.ts";

const [JWK, OTHER] = JWKS as [(typeof JWKS)[number], (typeof JWKS)[number]];
const MESSAGE = utf8("deploy v2");

afterEach(() => vi.restoreAllMocks());

/** Everything that can be got out of an identity without asking for the private key. */
async function shown(identity: Identity): Promise<string> {
  const descriptors = (
    object: object | null,
  ): unknown[] => (object === null
    ? []
    : [Object.getOwnPropertyDescriptors(object), ...descriptors(Object.getPrototypeOf(object) as object | null)]);
  return [
    JSON.stringify(identity),
    JSON.stringify({ nested: [identity] }),
    String(identity),
    JSON.stringify(await identity.exportJwk()),
    inspect(identity, { depth: 9, showHidden: true, getters: true, customInspect: false }),
    inspect(descriptors(identity).slice(0, 2), { depth: 9, showHidden: true }),
    JSON.stringify({ ...identity }),
    JSON.stringify(Object.entries(identity)),
    JSON.stringify(structuredClone({ ...identity })),
  ].join("\n");
}

describe("createIdentity()", () => {
  test("derives both DIDs from a new key, when nothing is said", async () => {
    const [one, two] = await Promise.all([createIdentity(), createIdentity()]);
    expect(one.did).toMatch(/^did:agentmesh:[0-9a-f]{64}$/);
    expect(one.didKey).toMatch(/^did:key:z6Mk/);
    expect(one.did).not.toBe(two.did);
    expect(one.name).toBeUndefined();
    expect("name" in one.toJSON()).toBe(false);
  });

  test("keeps its private key unreadable, when nothing is said", async () => {
    await expect((await createIdentity()).exportJwk({ private: true })).rejects.toThrow("extractable");
  });

  test("exports the private key on demand, when it is extractable", async () => {
    const jwk = await (await createIdentity({ extractable: true })).exportJwk({ private: true });
    expect(fromText(jwk.d)).toHaveLength(32);
  });

  test.each([
    ["name", { name: "a\nb" }],
    ["name", { name: "" }],
    ["name", { name: "x".repeat(257) }],
    ["name", { name: 7 }],
    ["extractable", { extractable: 1 }],
    ["capabilities", { capabilities: ["all"] }],
    ["options", null],
  ])("rejects with the field %s, when the options are %o", async (field, options) => {
    await expect(createIdentity(options as object)).rejects.toThrow(`Cannot build createIdentity(): "${field}"`);
  });
});

describe("importIdentity()", () => {
  test("derives the DID from the key, when the key is that of RFC 8037", async () => {
    const identity = await importIdentity(JWK, { name: "rfc" });
    expect(identity.did).toBe("did:agentmesh:21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9");
    expect(identity.publicKey).toEqual(fromHex((RFC_8032[0] as (typeof RFC_8032)[number])[1]));
    expect(identity.name).toBe("rfc");
  });

  test("reads back what exportJwk() wrote, when it holds the private key", async () => {
    const jwk = await (await importIdentity(JWK, { extractable: true })).exportJwk({ private: true });
    expect(jwk).toEqual({ ...JWK, alg: "EdDSA", kid: (await importIdentity(JWK)).did });
    expect((await importIdentity(jwk)).did).toBe(jwk.kid);
  });

  test("takes the key's own did:key as kid and did, when they are there", async () => {
    const { didKey, did } = await importIdentity(JWK);
    expect((await importIdentity({ ...JWK, kid: didKey, did })).did).toBe(did);
  });

  test.each([
    ["kid", { kid: "did:agentmesh:admin:0123456789abcdef" }],
    ["kid", { kid: `did:agentmesh:${"ab".repeat(32)}` }],
    ["kid", { kid: "" }],
    ["did", { did: "did:agentmesh:admin" }],
    ["kty", { kty: "EC" }],
    ["crv", { crv: "X25519" }],
    ["alg", { alg: "none" }],
    ["alg", { alg: "HS256" }],
    ["use", { use: "enc" }],
    ["key_ops", { key_ops: ["verify"] }],
    ["key_ops", { key_ops: "sign" }],
    ["x", { x: `${JWK.x}=` }],
    ["x", { x: undefined }],
    ["x", { x: Buffer.from(littleEndian(1n)).toString("base64url") }],
    ["d", { d: undefined }],
    ["d", { d: JWK.d.slice(1) }],
    ["d", { d: OTHER.d }],
    ["d", { x: OTHER.x }],
  ])("rejects with the field %s (ID-01), when the key has %o", async (field, change) => {
    await expect(importIdentity({ ...JWK, ...change })).rejects.toThrow(
      new RegExp(`^Cannot build importIdentity\\(\\): "${field}"`),
    );
  });

  test("rejects a pair that does not belong together, when the runtime takes it", async () => {
    const importKey = crypto.subtle.importKey.bind(crypto.subtle);
    vi.spyOn(crypto.subtle, "importKey").mockImplementation(
      ((...args: Parameters<typeof importKey>) =>
        importKey(
          ...(args[0] as string) === "jwk" ? ["jwk", OTHER, ...args.slice(2)] as unknown as typeof args : args,
        )) as typeof importKey,
    );
    await expect(importIdentity(JWK)).rejects.toThrow('"d" must be the private key of "x"');
  });

  test("prints no private key, when the key is malformed", async () => {
    for (const change of [{ d: `${JWK.d}=` }, { x: OTHER.x }, { d: [JWK.d] }, { d: `${JWK.d.slice(0, -1)}\n` }]) {
      const error = await importIdentity({ ...JWK, ...change }).catch((thrown: unknown) => thrown);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(JWK.d.slice(0, 20));
    }
  });

  test("forbids export, when the key says ext: false", async () => {
    await expect(importIdentity({ ...JWK, ext: false }, { extractable: true })).rejects.toThrow('"extractable"');
    await expect(
      (await importIdentity({ ...JWK, ext: false, use: "sig", alg: "Ed25519", key_ops: ["sign"] })).exportJwk({
        private: true,
      }),
    ).rejects.toThrow(TypeError);
  });

  test.each([[null], ["jwk"], [undefined]])("rejects, when the key is %o", async (jwk) => {
    await expect(importIdentity(jwk as never)).rejects.toThrow('"jwk" must be an object');
  });
});

describe("an identity", () => {
  test("shows its private key nowhere, when it is extractable", async () => {
    const identity = await importIdentity(JWK, { extractable: true, name: "rfc" });
    const text = await shown(identity);
    expect(text).toContain(identity.did);
    for (const secret of [JWK.d, Buffer.from(JWK.d, "base64url").toString("hex"), '"d"', "CryptoKey"]) {
      expect(text).not.toContain(secret);
    }
  });

  test("says in JSON what everybody may know, and nothing else", async () => {
    const identity = await importIdentity(JWK, { name: "rfc" });
    const publicKey = { kty: "OKP", crv: "Ed25519", x: JWK.x, alg: "EdDSA", kid: identity.did };
    expect(JSON.parse(JSON.stringify(identity))).toEqual({
      did: identity.did,
      didKey: identity.didKey,
      name: "rfc",
      publicKey,
    });
    expect(await identity.exportJwk()).toEqual(publicKey);
    expect(await identity.exportJwk({ private: "yes" } as never)).toEqual(publicKey);
  });

  test("can't be changed through what it hands out", async () => {
    const [identity] = await three();
    identity.publicKey.fill(0);
    expect(identity.publicKey).toEqual(fromText(JWK.x));
    expect(() => {
      (identity as { did: string }).did = "did:agentmesh:admin";
    }).toThrow(TypeError);
  });
});

describe("identity.sign()", () => {
  test("signs domain, context and message, each behind its length", async () => {
    const [identity] = await three();
    const input = Buffer.concat([
      Buffer.from("00000016", "hex"),
      Buffer.from("sallyport/signature/v1"),
      Buffer.from("00000007", "hex"),
      Buffer.from("message"),
      Buffer.from("00000009", "hex"),
      MESSAGE,
    ]);
    const key = await crypto.subtle.importKey("raw", fromText(JWK.x), "Ed25519", false, ["verify"]);
    expect(await crypto.subtle.verify("Ed25519", key, new Uint8Array(await identity.sign(MESSAGE)), input)).toBe(true);
    expect(await crypto.subtle.verify("Ed25519", key, new Uint8Array(await identity.sign(MESSAGE)), MESSAGE)).toBe(
      false,
    );
  });

  test("signs what it was given, when the caller writes to it afterwards", async () => {
    const [identity] = await three();
    const message = MESSAGE.slice();
    const promise = identity.sign(message);
    message.fill(0);
    expect(await verifyIdentity({ did: identity.didKey, message: MESSAGE, signature: await promise })).toBe(true);
  });

  test.each([":agent-card", ":challenge", ":delegation", "a:b", "", "a b", "a\n", "é", "x".repeat(65), 7])(
    "refuses a context of the library's own, or a malformed one, when it is %o",
    async (context) => {
      const [identity] = await three();
      await expect(identity.sign(MESSAGE, context as string)).rejects.toThrow("the context must be");
    },
  );

  test.each([["text"], [[1, 2]], [undefined]])("refuses a message, when it is %o", async (message) => {
    const [identity] = await three();
    await expect(identity.sign(message as never)).rejects.toThrow("the message must be a Uint8Array");
  });

  test.each([[{}], [null], [undefined], ["did:agentmesh:admin"]])(
    "is for identities of this library alone, when something signs as %o",
    async (fake) => {
      await expect(signAs(fake as never, ":challenge", MESSAGE)).rejects.toThrow(
        "Cannot sign: the identity must be made by createIdentity()",
      );
    },
  );
});
