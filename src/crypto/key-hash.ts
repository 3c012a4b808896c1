import { toHex } from "./bytes.ts";

/** Its constants and the values it begins with: FIPS 180-4, 4.2.2 and 5.3.3. */
// deno-fmt-ignore -- eight a line, as the standard prints them
const K: Uint32Array = Uint32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);
// deno-fmt-ignore -- as above
const H: Uint32Array = Uint32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);

/**
 * SHA-256 of 32 bytes, in hexadecimal digits, at once.
 *
 * WebCrypto answers later, and who an agent is must be known when a session opens, a limit is taken from or an agent is
 * killed. Only for public keys: a public value of one block, whose hash is a name. Everything that is signed or secret
 * goes through WebCrypto.
 */
export function hashOfKey(publicKey: Uint8Array): string {
  const words = new Int32Array(64);
  const view = new DataView(publicKey.buffer, publicKey.byteOffset, 32);
  for (let at = 0; at < 8; at++) words[at] = view.getInt32(4 * at);
  // The padding of a message of 256 bits.
  words[8] = 0x80000000 | 0;
  words[15] = 256;
  const word = (at: number): number => words[at] as number;
  const turned = (value: number, by: number): number => (value >>> by) | (value << (32 - by));
  for (let at = 16; at < 64; at++) {
    const first = word(at - 15), last = word(at - 2);
    words[at] = word(at - 16) + (turned(first, 7) ^ turned(first, 18) ^ (first >>> 3)) + word(at - 7) +
      (turned(last, 17) ^ turned(last, 19) ^ (last >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = H as unknown as [number, number, number, number, number, number, number, number];
  for (let at = 0; at < 64; at++) {
    const choice = (e & f) ^ (~e & g);
    const up = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + (K[at] as number) + word(at)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const down = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + up) | 0, c, b, a, (up + down) | 0];
  }
  const sum = new DataView(new ArrayBuffer(32));
  [a, b, c, d, e, f, g, h].forEach((value, at) => sum.setInt32(4 * at, (value + (H[at] as number)) | 0));
  return toHex(new Uint8Array(sum.buffer));
}
