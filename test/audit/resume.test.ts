import { describe, expect, test } from "vitest";
import { createAuditKey, createAuditLog, verifyAuditLog } from "sallyport/audit";
import type { AuditChunk, AuditLogOptions } from "sallyport/audit";
import { decision, linesOf, opened, sinkOf, theKey } from "./helpers.ts";

/** A file: what was there, and what is written behind it. */
function fileOf(text: string): { text: () => string; to: (chunk: AuditChunk) => void } {
  let all = text;
  return { text: () => all, to: (chunk) => void (all += chunk.text) };
}

/** A log that was not closed: three batches, 3, 4 and 4 entries. */
async function running(): Promise<string> {
  const { log, memory, write } = await opened({ batch: { size: 4 } });
  for (let at = 1; at <= 10; at++) {
    write(decision(at));
    if (at % 4 === 2) await log.flush();
  }
  return memory.text();
}

async function resumed(text: string, options: AuditLogOptions = {}): Promise<{ whole: string; keys: string[] }> {
  const key = await theKey();
  const file = fileOf(text);
  const log = createAuditLog({ signers: key, to: file.to, clock: () => 5_000, resume: text, ...options });
  const sink = sinkOf(log);
  sink.write(decision(101));
  sink.write(decision(102));
  await log.close();
  return { whole: file.text(), keys: [key.vkey] };
}

describe("a log that is resumed", () => {
  test("goes on from its last checkpoint, in the same tree and under the same name", async () => {
    const text = await running();
    const { whole, keys } = await resumed(text);
    const found = await verifyAuditLog(whole, { keys, origin: "example.com/log" });
    expect(found).toMatchObject({ ok: true, size: 15, entries: 15, closed: true, unsealed: 0 });
  });

  test("after a crash at any byte loses what had no checkpoint, and verifying says so", async () => {
    const text = await running();
    for (let at = 0; at < text.length; at += at < 90 ? 1 : 41) {
      const rest = text.slice(0, at);
      const end = rest.endsWith("\n") || rest === "";
      const header = rest.includes("\n");
      if (at > 0 && !header) {
        // Not even the first line: nothing tells the log's name.
        expect(() => createAuditLog({ resume: rest }), `byte ${at}`).toThrow(TypeError);
        continue;
      }
      const { whole, keys } = await resumed(rest, at === 0 ? { origin: "example.com/log" } : {});
      const found = await verifyAuditLog(whole, { keys, origin: "example.com/log" });
      const kinds = new Set(found.findings.map(({ kind }) => kind));
      const sealed = linesOf(rest).filter((line) => line.startsWith('{"before":')).length;
      const note = `byte ${at}: ${JSON.stringify(found.findings)}`;
      expect(found, note).toMatchObject({ closed: true, missing: 0 });
      expect(found.size, note).toBe(found.entries);
      for (const kind of kinds) expect(["torn", "unsealed"], note).toContain(kind);
      if (sealed < 3) expect(found.entries, note).toBe([0, 3, 7][sealed] as number + 4);
      // A cut between two batches leaves nothing to find.
      const isClean = at === 0 || (end && rest.split("\n").at(-2)?.startsWith('{"before":') === true);
      const isBare = end && linesOf(rest).length === 1;
      if (!isClean && !isBare && !isWholeSeal(rest)) expect(kinds.size, note).toBeGreaterThan(0);
    }
  }, 60_000);

  test("says how many lines had no checkpoint, and never takes them in", async () => {
    const text = await running();
    const forged = `${text}${JSON.stringify({ seq: 11, kind: "decision", effect: "allow" })}\n{"seq":12`;
    const { whole, keys } = await resumed(forged);
    const entries = linesOf(whole).filter((line) => line.includes('"resumed"')).map((line) =>
      JSON.parse(line) as object
    );
    expect(entries).toMatchObject([{ kind: "log", event: "resumed", count: 1, seq: 11 }]);
    const found = await verifyAuditLog(whole, { keys });
    expect(found.findings.map(({ kind, seq }) => [kind, seq])).toEqual([["torn", undefined], ["unsealed", 11]]);
    expect(found).toMatchObject({ entries: 15, unsealed: 2 });
  });

  test("can be resumed again and again, and rotated", async () => {
    let text = await running();
    const key = await theKey();
    for (let round = 0; round < 3; round++) {
      const file = fileOf(text);
      const log = createAuditLog({ signers: key, to: file.to, resume: text });
      sinkOf(log).write(decision(round));
      await log.flush();
      text = `${file.text()}{"torn`;
    }
    const { whole, keys } = await resumed(text);
    const found = await verifyAuditLog(whole, { keys });
    expect(new Set(found.findings.map(({ kind }) => kind))).toEqual(new Set(["torn"]));
    expect(found).toMatchObject({ entries: 21, size: 21, missing: 0 });
  });

  test("goes on from the end of its text alone", async () => {
    const text = await running();
    const lines = linesOf(text);
    const file = fileOf(text);
    const log = createAuditLog({ signers: await theKey(), to: file.to, resume: `${lines.at(-1)}\n` });
    log.note("hello");
    await log.close();
    expect(await verifyAuditLog(file.text(), { keys: [(await theKey()).vkey] })).toMatchObject({
      ok: true,
      entries: 14,
    });
  });

  test("is not one that was closed, or another's", async () => {
    const { log, memory } = await opened();
    await log.close();
    expect(() => createAuditLog({ resume: memory.text() })).toThrow(/was closed/);
    const text = await running();
    expect(() => createAuditLog({ resume: text, origin: "example.com/another" })).toThrow(/"origin" must be that of/);
    expect(() => createAuditLog({ resume: 5 as unknown as string })).toThrow(/"resume" must be the text/);
  });

  test("takes nothing in, where the last checkpoint is not signed by who signs now", async () => {
    const text = await running();
    const log = createAuditLog({ signers: await createAuditKey("example.com/audit"), resume: text });
    const sink = sinkOf(log);
    sink.write(decision(1));
    expect(await log.flush()).toBeUndefined();
    expect(() => sink.write(decision(2))).toThrow("could not be written");
  });

  test("signs with a new key beside the old one", async () => {
    const [old, fresh] = [await theKey(), await createAuditKey("example.com/audit-2")];
    const { whole } = await resumed(await running(), { signers: [old, fresh] });
    expect(await verifyAuditLog(whole, { keys: [old.vkey] })).toMatchObject({ ok: true });
  });
});

/** Whether a text ends in a checkpoint that lacks nothing but its line end. */
function isWholeSeal(text: string): boolean {
  const last = text.split("\n").at(-1) as string;
  return last.startsWith('{"before":') && last.endsWith("]}") && last.includes('"stack":');
}
