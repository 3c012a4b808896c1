/**
 * A process that keeps a log in a file and is killed: `node crash-host.mjs <folder> <round> <calls>`. It makes calls and
 * prints the callId of the last one that is stored, after each batch; with a number of calls it ends well.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createKernel } from "../../mod.ts";
import { createAuditKey, createAuditLog } from "../../src/audit/mod.ts";

const [folder = "", round = "", calls = "0"] = process.argv.slice(2);
const path = join(folder, "log.jsonl");
const jwk = JSON.parse(readFileSync(join(folder, "key.json"), "utf8")) as Record<
  "privateKey" | "publicKey",
  JsonWebKey
>;
const read = (key: JsonWebKey, usage: KeyUsage): Promise<CryptoKey> =>
  crypto.subtle.importKey("jwk", key, { name: "Ed25519" }, true, [usage]);
const key = await createAuditKey("example.com/audit", {
  privateKey: await read(jwk.privateKey, "sign"),
  publicKey: await read(jwk.publicKey, "verify"),
});

const resume = existsSync(path) ? readFileSync(path, "utf8") : "";
const file = openSync(path, "a");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const log = createAuditLog({
  signers: key,
  batch: { size: 7 },
  resume,
  // In pieces, so that a line is often half there.
  to: async ({ text }) => {
    for (let at = 0; at < text.length; at += 97) {
      writeSync(file, text.slice(at, at + 97));
      await turn();
    }
  },
});
const session = createKernel({ policy: { allowedTools: ["search"], maxToolCalls: 1e6 }, plugins: [log] }).session({
  agentId: `round-${round}`,
});
const most = Number(calls) || Infinity;
for (let call = 1; call <= most; call++) {
  await session.tool({ name: "search", arguments: {}, callId: `${round}-${call}` }, () => call);
  if (call % 10 === 0 && await log.flush() !== undefined) process.stdout.write(`${call}\n`);
}
await log.close();
closeSync(file);
