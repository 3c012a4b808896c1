import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuditLog, proveInclusion, verifyAuditLog, verifyInclusion } from "sallyport/audit";
import { decision, sinkOf, theKey } from "./helpers.ts";

let folder: string;
let server: Server;
let url: string;
const received: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-audit-files-"));
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => void (body += part));
    request.on("end", () => {
      received.push(body);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Node's own stream: it takes bytes before they are in the file, and closes when they are. */
const toFile = (path: string): WritableStream<Uint8Array> =>
  Writable.toWeb(createWriteStream(path, { flags: "a" })) as WritableStream<Uint8Array>;

test("a log is written to a file, gone on with, and verified and proven from the file as a stream", async () => {
  const key = await theKey();
  const path = join(folder, "log.jsonl");
  const first = createAuditLog({
    signers: key,
    to: ({ text }) => appendFile(path, text, { flush: true }),
    batch: { size: 100 },
  });
  const sink = sinkOf(first);
  for (let at = 0; at < 1000; at++) sink.write(decision(at));
  await first.flush();
  // The process is gone: nobody closes the log.
  const second = createAuditLog({ signers: key, to: toFile(path), resume: readFileSync(path, "utf8") });
  for (let at = 0; at < 10; at++) sinkOf(second).write(decision(at));
  await second.close();

  const read = () => Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
  expect(await verifyAuditLog(read(), { keys: [key.vkey] })).toMatchObject({ ok: true, size: 1013, entries: 1013 });
  expect(await verifyAuditLog(createReadStream(path), { keys: [key.vkey] })).toMatchObject({ ok: true });
  const { entry, proof } = await proveInclusion(read(), 777);
  expect(await verifyInclusion(entry, proof, { keys: [key.vkey] })).toMatchObject({ ok: true, seq: 777 });
});

test("a log is sent to a server, a batch at a time", async () => {
  const key = await theKey();
  received.length = 0;
  const log = createAuditLog({
    signers: key,
    batch: { size: 10 },
    to: async ({ text }) => {
      const { ok } = await fetch(url, { method: "POST", body: text });
      if (!ok) throw new Error("Not stored");
    },
  });
  const sink = sinkOf(log);
  for (let at = 0; at < 28; at++) sink.write(decision(at));
  await log.close();
  expect(received.length).toBeGreaterThan(1);
  expect(await verifyAuditLog(received.join(""), { keys: [key.vkey] })).toMatchObject({ ok: true, entries: 30 });
});
