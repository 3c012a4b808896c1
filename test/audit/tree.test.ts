import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHasher, type Hash, type Hasher, waiting } from "../../src/audit/hash.ts";
import { append, EMPTY, type Frontier, isIncluded, pathTo, rootOf, stackLength } from "../../src/audit/tree.ts";
import { fromBase64, toBase64 } from "../../src/audit/base64.ts";
import { sha256, toHex as hexOf } from "../../src/crypto/bytes.ts";

// The tree of RFC 6962's reference implementation, with its leaves, roots and audit paths.
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const PATHS: readonly (readonly [index: number, size: number, path: readonly string[]])[] = [
  [0, 1, []],
  [0, 8, [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
  ]],
  [5, 8, [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  ]],
  [2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [1, 5, [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
  ]],
];

type Raw = Uint8Array<ArrayBuffer>;

const rawOf = (hex: string): Raw =>
  Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
const bytesOf = (hash: Hash): Raw => fromBase64(hash) as Raw;
const toHex = (hash: Hash): string => hexOf(bytesOf(hash));
const fromHex = (hex: string): Hash => toBase64(rawOf(hex));
/** A hash with one bit of its first byte flipped. */
const flip = (hash: Hash): Hash => toBase64(bytesOf(hash).map((byte, at) => at === 0 ? byte ^ 8 : byte));

/** The leaves of bytes, hashed by WebCrypto. */
const leavesOf = (hexes: readonly string[]): Promise<Hash[]> =>
  Promise.all(hexes.map(async (hex) => toBase64(await sha256(Uint8Array.of(0, ...rawOf(hex))))));

/** The tree as RFC 6962 section 2.1 defines it, by recursion. */
async function definedRoot(leaves: readonly Hash[]): Promise<Hash> {
  if (leaves.length === 0) return toBase64(await sha256(new Uint8Array()));
  if (leaves.length === 1) return leaves[0] as Hash;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  const [left, right] = [await definedRoot(leaves.slice(0, half)), await definedRoot(leaves.slice(half))];
  return toBase64(await sha256(Uint8Array.of(1, ...bytesOf(left), ...bytesOf(right))));
}

const hashers: readonly (readonly [string, Hasher])[] = [["WebCrypto", waiting], ["the runtime", createHasher()]];

describe.each(hashers)("a tree hashed by %s", (_, hasher) => {
  test("has the published roots, however its leaves are added", async () => {
    const leaves = await leavesOf(LEAVES);
    expect(toHex(await rootOf(EMPTY, hasher))).toBe(EMPTY_ROOT);
    for (let size = 1; size <= leaves.length; size++) {
      for (let first = 0; first <= size; first++) {
        const part = await append(EMPTY, leaves.slice(0, first), hasher);
        const tree = await append(part, leaves.slice(first, size), hasher);
        expect(toHex(await rootOf(tree, hasher)), `${first} of ${size}`).toBe(ROOTS[size - 1]);
        expect([tree.size, tree.stack.length]).toEqual([size, stackLength(size)]);
      }
    }
  });

  test("hashes leaves and nodes as published", async () => {
    const [leaf] = await hasher.leaves(["L123456"]);
    expect(toHex(leaf as Hash)).toBe("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
    expect(toHex((await hasher.leaves([""]))[0] as Hash)).toBe(ROOTS[0]);
  });

  test.each(PATHS)(
    "proves leaf %i of %i by the published path, and nothing else by it",
    async (index, size, wanted) => {
      const leaves = await leavesOf(LEAVES.slice(0, size));
      const path = await pathTo(EMPTY, leaves, index, hasher);
      expect(path.map(toHex)).toEqual(wanted);
      const root = fromHex(ROOTS[size - 1] as string);
      const leaf = leaves[index] as Hash;
      const holds = (at: number, of: number, by: readonly Hash[], one = leaf, top = root): Promise<boolean> =>
        isIncluded(one, at, of, by, top, hasher);
      expect(await holds(index, size, path)).toBe(true);
      const flipped = path.map((hash, at) => at === 0 ? flip(hash) : hash);
      const wrong: readonly Promise<boolean>[] = [
        holds(index - 1, size, path),
        holds(index + 1, size, path),
        holds(index ^ 2, size, path),
        holds(index, size * 2, path),
        holds(index, Math.floor(size / 2), path),
        holds(index, size, [...path, root]),
        holds(index, size, [root, ...path]),
        holds(index, size, path, flip(root)),
        holds(index, size, path, leaf, fromHex(EMPTY_ROOT)),
        ...(path.length === 0 ? [] : [holds(index, size, path.slice(0, -1)), holds(index, size, flipped)]),
      ];
      expect(await Promise.all(wrong)).toEqual(wrong.map(() => false));
    },
  );
});

test("isIncluded() takes no path that is longer than the tree is high, whatever root it leads to", async () => {
  const [leaf = "", other = ""] = await waiting.leaves(["a", "b"]);
  const [root = ""] = await waiting.nodes([other, leaf]);
  expect(await isIncluded(leaf, 1, 2, [other], root, waiting)).toBe(true);
  expect(await isIncluded(leaf, 0, 1, [other], root, waiting)).toBe(false);
});

test("append(), rootOf() and pathTo() do what the definition says, for any size and any batches", async () => {
  const hasher = createHasher();
  const all = await hasher.leaves(Array.from({ length: 200 }, (_, at) => `entry ${at}`));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      async (batches, pick) => {
        let tree: Frontier = EMPTY;
        let before: Frontier = EMPTY;
        for (const count of batches) {
          before = tree;
          tree = await append(tree, all.slice(tree.size, tree.size + count), hasher);
        }
        const leaves = all.slice(0, tree.size);
        const root = await definedRoot(leaves);
        expect(toHex(await rootOf(tree, hasher))).toBe(toHex(root));
        const index = pick % (tree.size - before.size);
        const path = await pathTo(before, leaves.slice(before.size), index, hasher);
        const seq = before.size + index;
        expect(await isIncluded(leaves[seq] as Hash, seq, tree.size, path, root, hasher)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});
