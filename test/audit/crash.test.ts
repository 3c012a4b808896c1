import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuditKey, verifyAuditLog } from "sallyport/audit";
import { entriesOf } from "./helpers.ts";

let folder: string;
let program: string;
let vkey: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-audit-"));
  program = join(folder, "host.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("crash-host.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "node",
    outfile: program,
    logLevel: "silent",
  });
  const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]) as CryptoKeyPair;
  vkey = (await createAuditKey("example.com/audit", pair)).vkey;
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.exportKey("jwk", pair.privateKey),
    crypto.subtle.exportKey("jwk", pair.publicKey),
  ]);
  writeFileSync(join(folder, "key.json"), JSON.stringify({ privateKey, publicKey }));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (round: number, calls = 0): ChildProcess =>
  spawn(process.execPath, ["--unhandled-rejections=strict", program, folder, String(round), String(calls)], {
    stdio: ["ignore", "pipe", "inherit"],
  });

/** Runs a process until it has told so often that it stored something, and kills it; answers what it told last. */
async function killed(round: number, times: number): Promise<number> {
  const child = start(round);
  let stored = 0;
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    stored = Number(line);
    if (--times === 0) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return stored;
}

test("a process that is killed loses at most what was not stored, verifying says so, and the log goes on", async () => {
  const stored: number[] = [];
  for (let round = 0; round < 4; round++) stored.push(await killed(round, 1 + round * 3));
  const last = start(4, 20);
  const [code] = await once(last, "exit") as [number];
  expect(code).toBe(0);

  const text = readFileSync(join(folder, "log.jsonl"), "utf8");
  const found = await verifyAuditLog(text, { keys: [vkey] });
  expect(found).toMatchObject({ closed: true, signed: true, missing: 0 });
  expect(found.entries).toBe(found.size);
  // What is wrong is that something was cut off, and nothing else.
  for (const { kind } of found.findings) expect(["torn", "unsealed"]).toContain(kind);
  const entries = entriesOf(text.split("\n").filter((line) => line.endsWith("}")).join("\n") + "\n");
  const ids = new Set(entries.flatMap((entry) => entry.kind === "outcome" ? [entry.callId] : []));
  [...stored, 20].forEach((count, round) => {
    for (let call = 1; call <= count; call++) {
      expect(ids, `call ${call} of round ${round}`).toContain(`${round}-${call}`);
    }
  });
  expect(entries.filter((entry) => entry.kind === "log" && entry.event === "resumed").length).toBeGreaterThanOrEqual(4);
});
