import { bare } from "../base/own.ts";
import type { CryptoKeyLike } from "../base/platform.ts";
import { randomText, utf8 } from "../crypto/bytes.ts";
import { toBase64 } from "./base64.ts";
import type { Waiting } from "./entry.ts";
import type { Hasher } from "./hash.ts";
import { jsonData } from "./text.ts";
import type { AuditTarget } from "./types.ts";

/** What is kept of payloads: their text never stands in the log, nor a plain digest, which a guess would confirm. */
export interface Evidence {
  /** Where the contents go, if they are kept. */
  readonly to: AuditTarget | undefined;
  /** Gives the entries of a batch what stands for their payloads. */
  of(batch: readonly Waiting[], hasher: Hasher): Promise<{ readonly entries: Waiting[]; readonly contents: string }>;
}

/** How many random bytes stand before a content. */
const SALT_LENGTH = 16;

/** An HMAC-SHA-256 of each payload under the user's key: whoever has the key and a payload can say that it was this one. */
export function hmacEvidence(key: CryptoKeyLike): Evidence {
  return {
    to: undefined,
    async of(batch) {
      const entries = await Promise.all(batch.map(async (entry) => {
        if (entry.content === undefined) return entry;
        const mac = await crypto.subtle.sign(bare({ name: "HMAC" }), key, utf8(entry.content));
        return { ...entry, evidence: `hmac-sha256:${toBase64(new Uint8Array(mac))}` };
      }));
      return { entries, contents: "" };
    },
  };
}

/** A digest of salt and content, which both go to another target: with the line there all that tells the content is gone. */
export function saltedEvidence(to: AuditTarget): Evidence {
  return {
    to,
    async of(batch, hasher) {
      const salts = batch.map(({ content }) => content === undefined ? "" : randomText(SALT_LENGTH));
      const hashes = await hasher.plain(batch.map(({ content }, at) => `${salts[at] as string}\n${content ?? ""}`));
      let contents = "";
      const entries = batch.map((entry, at) => {
        if (entry.content === undefined) return entry;
        const evidence = `salted-sha256:${hashes[at] as string}`;
        const line = { content: entry.content, digest: evidence, salt: salts[at] as string, seq: entry.seq };
        contents += `${jsonData(line, Infinity)}\n`;
        return { ...entry, evidence };
      });
      return { entries, contents };
    },
  };
}
