import { type Identity, importIdentity } from "../../src/trust/identity.ts";

/** Reads hexadecimal digits. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** Reads base64url. */
export function fromText(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, "base64url"));
}

/** RFC 8032 section 7.1, tests 1 to 3: private key, public key, message, signature. */
export const RFC_8032: readonly (readonly [d: string, x: string, message: string, signature: string])[] = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
];

/** The RFC's key pairs as JSON Web Keys; the first is also that of RFC 8037, appendix A. */
export const JWKS: readonly { kty: string; crv: string; x: string; d: string }[] = RFC_8032.map(([d, x]) => ({
  kty: "OKP",
  crv: "Ed25519",
  x: Buffer.from(x, "hex").toString("base64url"),
  d: Buffer.from(d, "hex").toString("base64url"),
}));

/** Three identities that are the same in every run. */
export async function three(): Promise<readonly [Identity, Identity, Identity]> {
  return await Promise.all(JWKS.map((jwk) => importIdentity(jwk))) as unknown as [Identity, Identity, Identity];
}

/** The group order of RFC 8032 section 5.1, and the prime of its field. */
export const L: bigint = 2n ** 252n + 27742317777372353535851937790883648493n;
export const P: bigint = 2n ** 255n - 19n;

/** Writes a number in 32 bytes, the lowest first. */
export function littleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  return fromHex(value.toString(16).padStart(64, "0")).reverse();
}

/**
 * Adds the group order to a signature's S: the same equation holds, so a careless verifier takes it for another
 * signature.
 */
export function malleated(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const s = BigInt(`0x${Buffer.from(signature.slice(32).reverse()).toString("hex")}`);
  return Uint8Array.from([...signature.slice(0, 32), ...littleEndian(s + L)]);
}
