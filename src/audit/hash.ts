import { sha256, utf8 } from "../crypto/bytes.ts";
import { decodeInto, toBase64 } from "./base64.ts";
import { type HashNow, hashNow } from "./platform.ts";

/**
 * A SHA-256 hash in base64, the form that it has in a log. A text costs a third of what an array of bytes does: 0.4 µs a
 * leaf instead of 1 µs.
 */
export type Hash = string;

/** How long a hash is, in bytes. */
const LENGTH = 32;
/** 44 letters, of which the last one before the padding leaves no bit open. */
const HASH = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Hashes leaves and nodes as RFC 6962 section 2.1 says, many at a time: where hashing is asynchronous, each one waits. */
export interface Hasher {
  /** Hashes texts without a prefix. */
  plain(texts: readonly string[]): Hash[] | Promise<Hash[]>;
  /** Hashes lines as leaves: behind a byte 0. */
  leaves(lines: readonly string[]): Hash[] | Promise<Hash[]>;
  /** Hashes the first and second, the third and fourth, and so on, as nodes: behind a byte 1. */
  nodes(children: readonly Hash[]): Hash[] | Promise<Hash[]>;
}

/** The fastest hasher that the runtime has. */
export function createHasher(): Hasher {
  const now = hashNow();
  return now === undefined ? waiting : immediate(now);
}

function immediate(hash: HashNow): Hasher {
  const node = emptyNode();
  return {
    plain: (texts) => texts.map((text) => hash(text)),
    leaves: (lines) => lines.map((line) => hash(`\0${line}`)),
    nodes: (children) => {
      const out: Hash[] = [];
      for (let at = 0; at < children.length; at += 2) {
        out.push(hash(fillNode(node, children[at] as Hash, children[at + 1] as Hash)));
      }
      return out;
    },
  };
}

/** WebCrypto's. */
export const waiting: Hasher = {
  plain: (texts) => Promise.all(texts.map(digest)),
  leaves: (lines) => Promise.all(lines.map((line) => digest(`\0${line}`))),
  nodes: (children) => {
    const out: Promise<Hash>[] = [];
    for (let at = 0; at < children.length; at += 2) {
      const node = fillNode(emptyNode(), children[at] as Hash, children[at + 1] as Hash);
      out.push(sha256(node).then(toBase64));
    }
    return Promise.all(out);
  },
};

async function digest(text: string): Promise<Hash> {
  return toBase64(await sha256(utf8(text)));
}

function emptyNode(): Uint8Array<ArrayBuffer> {
  const node = new Uint8Array(1 + 2 * LENGTH);
  node[0] = 1;
  return node;
}

function fillNode(node: Uint8Array<ArrayBuffer>, left: Hash, right: Hash): Uint8Array<ArrayBuffer> {
  decodeInto(node, 1, left);
  decodeInto(node, 1 + LENGTH, right);
  return node;
}

/** Whether a value is a hash, in the one form that it has. */
export function isHash(value: unknown): value is Hash {
  return typeof value === "string" && HASH.test(value);
}

/** Whether a value is a list of hashes. */
export function areHashes(value: unknown): value is Hash[] {
  return Array.isArray(value) && value.every(isHash);
}

/** Whether two lists hold the same hashes in the same order. */
export function areSameHashes(one: readonly Hash[], other: readonly Hash[]): boolean {
  return one.length === other.length && one.every((hash, at) => hash === other[at]);
}
