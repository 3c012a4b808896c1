import { describe, expect, test } from "vitest";
import { createAuditKey, createAuditLog, memorySink, verifyAuditLog } from "sallyport/audit";
import type { AuditChunk, AuditFinding, AuditKey, AuditVerification, VerifyAuditLogOptions } from "sallyport/audit";
import type { Waiting } from "../../src/audit/entry.ts";
import { Sealer } from "../../src/audit/sealer.ts";
import { EMPTY } from "../../src/audit/tree.ts";
import { decision, linesOf, logOf, opened, sinkOf, textOf, theKey } from "./helpers.ts";

const kinds = ({ findings }: AuditVerification): AuditFinding["kind"][] => findings.map(({ kind }) => kind);
const isSeal = (line: string): boolean => line.startsWith('{"before":');

/** A log of some origin, its checkpoints as they came. */
async function told(
  names: readonly string[],
  options: { key?: AuditKey; origin?: string; size?: number } = {},
): Promise<{ text: string; checkpoints: string[]; keys: string[] }> {
  const key = options.key ?? await theKey();
  const checkpoints: string[] = [];
  const { log, memory, write } = await opened({
    signers: key,
    batch: { size: options.size ?? 4 },
    onCheckpoint: (checkpoint) => void checkpoints.push(checkpoint),
    ...(options.origin === undefined ? {} : { origin: options.origin }),
  });
  for (const [at, name] of names.entries()) {
    write(decision(at, { name }));
    if ((at + 2) % (options.size ?? 4) === 0) await log.flush();
  }
  await log.close();
  return { text: memory.text(), checkpoints, keys: [key.vkey] };
}

const NAMES = Array.from({ length: 20 }, (_, at) => `tool-${at}`);

describe("verifyAuditLog() reads", () => {
  test("a text, bytes in any pieces, pieces of text, and a stream", async () => {
    const { text, vkey } = await logOf(50, 9);
    const keys = [vkey];
    const bytes = new TextEncoder().encode(text);
    async function* pieces(length: number): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
    }
    async function* texts(): AsyncGenerator<string> {
      for (const line of text.split(/(?<=,)/)) yield line;
    }
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, 1000));
        controller.enqueue(bytes.slice(1000));
        controller.close();
      },
    });
    const sources = [text, pieces(1), pieces(7), pieces(bytes.length), texts(), stream];
    const all = await Promise.all(sources.map((source) => verifyAuditLog(source, { keys })));
    for (const one of all) expect(one).toEqual(all[0]);
    expect(all[0]).toMatchObject({ ok: true, size: 50, entries: 50 });
  });

  test("a stream that has no iterator of its own, and cancels it when it stops reading", async () => {
    const { text, vkey } = await logOf(20, 9);
    const parts = [text.slice(0, 500), text.slice(500)].map((part) => new TextEncoder().encode(part));
    let at = 0;
    const reader = {
      read: async () => at < parts.length ? { done: false, value: parts[at++] } : { done: true, value: undefined },
      cancel: async () => undefined,
      releaseLock: () => undefined,
    };
    const source = { getReader: () => reader } as unknown as ReadableStream<Uint8Array>;
    expect(await verifyAuditLog(source, { keys: [vkey] })).toMatchObject({ ok: true, size: 20 });
  });

  test("every byte: a byte order mark, a carriage return, an empty line and bytes that are no text are found", async () => {
    const { text, vkey } = await logOf(20, 9);
    const keys = [vkey];
    const lines = linesOf(text);
    const found = await Promise.all([
      verifyAuditLog(`\ufeff${text}`, { keys }),
      verifyAuditLog(
        (async function* () {
          yield Uint8Array.of(0xef, 0xbb, 0xbf, ...new TextEncoder().encode(text));
        })(),
        { keys },
      ),
      verifyAuditLog(text.replace("\n", "\r\n"), { keys }),
      verifyAuditLog(text.replaceAll("\n", "\r\n"), { keys }),
      verifyAuditLog(textOf([...lines.slice(0, 5), "", ...lines.slice(5)]), { keys }),
      verifyAuditLog(
        (async function* () {
          yield new TextEncoder().encode(text.slice(0, 400));
          yield Uint8Array.of(0xff);
          yield new TextEncoder().encode(text.slice(400));
        })(),
        { keys },
      ),
      verifyAuditLog(text.slice(0, -1), { keys }),
      verifyAuditLog(`${text}\n`, { keys }),
    ]);
    for (const one of found) expect(one.ok).toBe(false);
    expect(kinds(found[4] as AuditVerification)).toEqual(["inserted"]);
    expect(kinds(found[5] as AuditVerification)).toEqual(["changed"]);
    expect(kinds(found[6] as AuditVerification)).toEqual(["torn"]);
  });

  test("lines without end and without limit in memory that has one", async () => {
    const { text, vkey } = await logOf(20, 9);
    async function* endless(): AsyncGenerator<string> {
      yield text;
      for (let at = 0; at < 200; at++) yield "x".repeat(1 << 17);
      yield "\n";
      for (let at = 0; at < 50; at++) yield '{"seq":1}\n'.repeat(1000);
    }
    const found = await verifyAuditLog(endless(), { keys: [vkey] });
    expect(found).toMatchObject({ ok: false, size: 20, entries: 20, unsealed: 50_001 });
    expect(new Set(kinds(found))).toEqual(new Set(["unreadable", "unsealed"]));
  });
});

describe("verifyAuditLog() finds", () => {
  test("an edit that comes with its own tree: the checkpoint is forged without the key", async () => {
    const { text, keys } = await told(NAMES);
    const { text: other } = await told(NAMES.with(5, "rm"), { key: await createAuditKey("example.com/audit") });
    const whole = await verifyAuditLog(other, { keys });
    expect(kinds(whole)).toContain("forged");
    expect(whole.signed).toBe(false);
    // One batch of another's: its checkpoint is refused, and the next one disproves its entries.
    const [mine, theirs] = [linesOf(text), linesOf(other)];
    const seals = mine.flatMap((line, at) => isSeal(line) ? [at] : []);
    const [from, to] = [(seals[0] as number) + 1, (seals[1] as number) + 1];
    const mixed = await verifyAuditLog(textOf([...mine.slice(0, from), ...theirs.slice(from, to), ...mine.slice(to)]), {
      keys,
    });
    expect(mixed.findings.map(({ kind, seq, to }) => [kind, seq, to])).toEqual([["forged", 4, 7], ["changed", 4, 7]]);
  });

  test("an edit that comes with its own tree, without a key: the next checkpoint disproves it", async () => {
    const { text } = await told(NAMES);
    const { text: other } = await told(NAMES.with(5, "rm"));
    const [mine, theirs] = [linesOf(text), linesOf(other)];
    const seals = mine.flatMap((line, at) => isSeal(line) ? [at] : []);
    const [from, to] = [(seals[0] as number) + 1, (seals[1] as number) + 1];
    const mixed = await verifyAuditLog(textOf([...mine.slice(0, from), ...theirs.slice(from, to), ...mine.slice(to)]));
    expect(mixed.ok).toBe(false);
    expect(kinds(mixed)).toEqual(["rebuilt"]);
  });

  test("a checkpoint that is gone, and proves its entries by the next one", async () => {
    const { text, keys } = await told(NAMES);
    const lines = linesOf(text);
    const at = lines.findIndex(isSeal);
    const found = await verifyAuditLog(textOf(lines.toSpliced(at, 1)), { keys });
    expect(found.findings).toEqual([
      { kind: "missing", message: "A checkpoint is gone", seq: 0, to: 3, line: expect.any(Number) },
    ]);
    expect([found.entries, found.missing]).toEqual([22, 0]);
  });

  test("a batch that is gone, by its entries", async () => {
    const { text, keys } = await told(NAMES);
    const lines = linesOf(text);
    const [first, second] = lines.flatMap((line, at) => isSeal(line) ? [at] : []) as [number, number];
    const found = await verifyAuditLog(textOf([...lines.slice(0, first + 1), ...lines.slice(second + 1)]), { keys });
    expect(found.findings.map(({ kind, seq, to }) => [kind, seq, to])).toEqual([["missing", 4, 7]]);
    expect([found.entries, found.missing]).toEqual([18, 4]);
  });

  test("a batch that stands there twice", async () => {
    const { text, keys } = await told(NAMES);
    const lines = linesOf(text);
    const [first, second] = lines.flatMap((line, at) => isSeal(line) ? [at] : []) as [number, number];
    const batch = lines.slice(first + 1, second + 1);
    const found = await verifyAuditLog(textOf([...lines.slice(0, second + 1), ...batch, ...lines.slice(second + 1)]), {
      keys,
    });
    expect(kinds(found)).toEqual(["inserted"]);
  });

  test("another log's file, when its origin is asked for, and only then", async () => {
    const { text, keys } = await told(NAMES, { origin: "example.com/other" });
    expect((await verifyAuditLog(text, { keys })).ok).toBe(true);
    expect(kinds(await verifyAuditLog(text, { keys, origin: "example.com/log" }))).toContain("forked");
    expect((await verifyAuditLog(text, { keys, origin: "example.com/other" })).ok).toBe(true);
  });

  test("an end that was cut off: by the log's own end, or by a checkpoint that was kept", async () => {
    const { text, checkpoints, keys } = await told(NAMES);
    const lines = linesOf(text);
    const cut = textOf(lines.slice(0, lines.findIndex(isSeal) + 1));
    expect(kinds(await verifyAuditLog(cut, { keys }))).toEqual(["not_closed"]);
    // What a log that still runs cannot show by itself.
    expect((await verifyAuditLog(cut, { keys, open: true })).ok).toBe(true);
    const found = await verifyAuditLog(cut, { keys, open: true, checkpoints: checkpoints.slice(-1) });
    expect(found.findings.map(({ kind, seq, to }) => [kind, seq, to])).toEqual([["truncated", 4, 21]]);
    expect((await verifyAuditLog(cut, { keys, open: true, checkpoints: checkpoints.slice(0, 1) })).ok).toBe(true);
    // Nothing at all is a log that was cut off, too.
    expect(kinds(await verifyAuditLog("", { keys, open: true, checkpoints }))).toContain("truncated");
    expect((await verifyAuditLog("")).ok).toBe(false);
  });

  test("another history of the same key, by a checkpoint that was kept, wherever its batches end", async () => {
    const [one, two] = [await told(NAMES), await told(NAMES.with(7, "rm"), { size: 7 })];
    const { keys } = one;
    expect((await verifyAuditLog(two.text, { keys })).ok).toBe(true);
    const found = await verifyAuditLog(two.text, { keys, checkpoints: one.checkpoints });
    expect(new Set(kinds(found))).toEqual(new Set(["forked"]));
    // The first checkpoints are of what both have in common.
    expect(found.findings[0]?.seq).toBe(12);
    // Without a key nobody knows who signed.
    expect(kinds(await verifyAuditLog(two.text, { checkpoints: one.checkpoints }))).toContain("rebuilt");
    const same = await told(NAMES, { size: 7 });
    expect((await verifyAuditLog(same.text, { keys, checkpoints: one.checkpoints.slice(0, -1) })).ok).toBe(true);
  });

  test("two histories in one file", async () => {
    const [one, two] = [await told(NAMES), await told(NAMES.with(12, "rm"))];
    const [mine, theirs] = [linesOf(one.text), linesOf(two.text)];
    const seals = mine.flatMap((line, at) => isSeal(line) ? [at] : []);
    const at = (seals[3] as number) + 1;
    const found = await verifyAuditLog(textOf([...mine.slice(0, at), ...theirs.slice(at)]), { keys: one.keys });
    expect(found.findings[0]).toMatchObject({ kind: "forked" });
    const after = await verifyAuditLog(textOf([...mine, ...theirs.slice(at)]), { keys: one.keys });
    expect(kinds(after)).toContain("forked");
  });

  test("a kept checkpoint that is not signed, or of another log", async () => {
    const { text, keys } = await told(NAMES);
    const forged = await told(NAMES, { key: await createAuditKey("example.com/audit") });
    expect(kinds(await verifyAuditLog(text, { keys, checkpoints: forged.checkpoints.slice(0, 1) }))).toEqual([
      "forged",
    ]);
    const other = await told(NAMES, { origin: "example.com/other" });
    expect(kinds(await verifyAuditLog(text, { keys, checkpoints: other.checkpoints.slice(0, 1) }))).toEqual(["forked"]);
  });

  test("a log that goes on after its own end, although it is signed", async () => {
    const key = await theKey();
    const sealer = new Sealer("example.com/log", [key], "all", undefined, { tree: EMPTY, checkpoint: undefined });
    const at = (seq: number, event: "closed" | "opened"): Waiting => ({
      seq,
      timestamp: 1,
      body: { kind: "log", event },
      content: undefined,
      evidence: undefined,
    });
    const [one, two] = [await sealer.seal([at(0, "closed")]), await sealer.seal([at(1, "closed")])];
    const keys = [key.vkey];
    expect((await verifyAuditLog(one.header + one.lines, { keys })).ok).toBe(true);
    const found = await verifyAuditLog(one.header + one.lines + two.lines, { keys });
    expect(found.findings.map(({ kind, seq }) => [kind, seq])).toEqual([["forked", 1]]);
    // An end in the middle of a batch is none.
    const inside = await new Sealer("example.com/log", [key], "all", undefined, { tree: EMPTY, checkpoint: undefined })
      .seal([at(0, "closed"), at(1, "opened")]);
    expect(await verifyAuditLog(inside.header + inside.lines, { keys })).toMatchObject({ ok: false, closed: false });
  });

  test("what comes after the log's own end", async () => {
    const { text, keys } = await told(NAMES);
    const found = await verifyAuditLog(`${text}${JSON.stringify({ seq: 22, kind: "decision" })}\n`, { keys });
    expect(found.findings.map(({ kind, seq }) => [kind, seq])).toEqual([["unsealed", 22]]);
    expect(found.unsealed).toBe(1);
  });

  test("a header or a checkpoint that says the same in another way", async () => {
    const { text, keys } = await told(NAMES);
    const lines = linesOf(text);
    const at = lines.findIndex(isSeal);
    const ways: ((line: string) => string)[] = [
      (line) => `${line} `,
      (line) => line.replace('":', '": '),
      (line) => line.replace("\\u000a", "\\n"),
      (line) => line.replace("example", "ex\\u0061mple"),
      (line) => line.replace(/}$/, ',"x":1}'),
      (line) => line.replace(/}$/, ',"from":0}'),
      (line) => line.replace('"from":0', '"from":0.0'),
      (line) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line) as object).reverse())),
    ];
    for (const way of ways) {
      for (const place of [0, at]) {
        const line = lines[place] as string;
        if (way(line) === line) continue;
        const found = await verifyAuditLog(textOf(lines.with(place, way(line))), { keys });
        expect(found.ok, way(line)).toBe(false);
        expect(found.findings.some((finding) => finding.line === place + 1), way(line)).toBe(true);
      }
    }
  });

  test("a copy of an entry in its own batch: it is inserted, and nothing else is wrong", async () => {
    const { text, keys } = await told(NAMES, { size: 11 });
    const lines = linesOf(text);
    for (const to of [2, 5, 9]) {
      const found = await verifyAuditLog(textOf(lines.toSpliced(to, 0, lines[7] as string)), { keys });
      expect(kinds(found).filter((kind) => kind === "inserted")).toHaveLength(1);
      expect([found.entries, found.missing]).toEqual([22, 0]);
    }
    // Behind the first one it is the second one that is too much.
    const found = await verifyAuditLog(textOf(lines.toSpliced(9, 0, lines[7] as string)), { keys });
    expect(found.findings.map(({ kind, line }) => [kind, line])).toEqual([["inserted", 10]]);
  });

  test("an erased entry as missing, with all others proven", async () => {
    const { text, keys } = await told(NAMES);
    const found = await verifyAuditLog(textOf(linesOf(text).filter((line) => !line.includes('"tool-9"'))), { keys });
    expect(found.findings.map(({ kind, seq, to }) => [kind, seq, to])).toEqual([["missing", 10, 10]]);
    expect([found.entries, found.missing, found.size]).toEqual([21, 1, 22]);
  });
});

describe("verifyAuditLog() of parts", () => {
  async function rotated(): Promise<{ parts: string[]; keys: string[] }> {
    const key = await theKey();
    const parts: string[] = ["", "", ""];
    const to = (part: number) => ({ text }: AuditChunk): void => void (parts[part] += text);
    const log = createAuditLog({ signers: key, to: to(0), batch: { size: 4 }, origin: "example.com/log" });
    const sink = sinkOf(log);
    for (let part = 0; part < 3; part++) {
      if (part > 0) await log.rotate(to(part));
      for (let at = 0; at < 6; at++) sink.write(decision(part * 6 + at));
    }
    await log.close();
    return { parts, keys: [key.vkey] };
  }

  test("proves the files of a rotated log, together and each by itself", async () => {
    const { parts, keys } = await rotated();
    expect(await verifyAuditLog(parts.join(""), { keys })).toMatchObject({ ok: true, size: 22, entries: 22 });
    for (const part of parts) expect((await verifyAuditLog(part, { keys, part: true })).findings).toEqual([]);
    expect(kinds(await verifyAuditLog(parts[2] as string, { keys }))).toEqual(["missing"]);
  });

  test("names a file that is gone, stands in another place, or twice", async () => {
    const { parts: [one = "", two = "", three = ""], keys } = await rotated();
    const gone = await verifyAuditLog(one + three, { keys });
    expect(gone.findings.map(({ kind, seq, to }) => [kind, seq, to])).toEqual([["missing", 7, 13]]);
    for (const text of [one + three + two, one + two + two + three, two + one + three]) {
      expect((await verifyAuditLog(text, { keys })).ok).toBe(false);
    }
  });

  test("finds a header that was put in, taken out or changed", async () => {
    const { parts: [one = "", two = "", three = ""], keys } = await rotated();
    const [header = "", ...rest] = linesOf(two);
    const without = await verifyAuditLog(one + textOf(rest) + three, { keys });
    expect(without.findings.map(({ kind, seq }) => [kind, seq])).toEqual([["missing", 7]]);
    expect(kinds(await verifyAuditLog(`${one}${header}\n${two}${three}`, { keys }))).toEqual(["inserted"]);
    expect(kinds(await verifyAuditLog(`${one}${header}\n`, { keys, part: true }))).toEqual(["inserted"]);
    const changed = await verifyAuditLog(one + two.replace('"sallyport":1', '"sallyport":2') + three, { keys });
    expect(kinds(changed)[0]).toBe("forged");
    const later = linesOf(three);
    expect((await verifyAuditLog(one + two + textOf([...later.slice(0, 3), header, ...later.slice(3)]), { keys })).ok)
      .toBe(false);
  });
});

describe("verifyAuditLog() says", () => {
  test("no finding where a clock goes back, but how often it did", async () => {
    const { log, memory, key, write } = await opened({ clock: () => 10 });
    for (const timestamp of [10, 5, 7, 6]) write({ ...decision(0), timestamp });
    await log.close();
    expect(await verifyAuditLog(memory.text(), { keys: [key.vkey] })).toMatchObject({ ok: true, clockSteps: 2 });
  });

  test("no more findings than are wanted, and how many there are", async () => {
    const { text, keys } = await told(NAMES);
    const broken = text.replaceAll('"effect":"allow"', '"effect":"deny"');
    const found = await verifyAuditLog(broken, { keys, maxFindings: 3 });
    expect([found.findings.length, found.findingCount, found.ok]).toEqual([3, 20, false]);
    expect(await verifyAuditLog(broken, { keys, maxFindings: 0 })).toMatchObject({ ok: false, findings: [] });
  });

  test("how far it is", async () => {
    const { text, keys } = await told(NAMES);
    const progress: number[] = [];
    await verifyAuditLog(text, { keys, onProgress: (lines) => void progress.push(lines) });
    expect(progress).toEqual([linesOf(text).length]);
  });

  test("that a log without signers is consistent with itself, and not that it is signed", async () => {
    const memory = memorySink();
    const log = createAuditLog({ to: memory });
    log.note("hello");
    await log.close();
    expect(await verifyAuditLog(memory.text())).toMatchObject({ ok: true, signed: false, entries: 3 });
    expect(kinds(await verifyAuditLog(memory.text(), { keys: [(await theKey()).vkey] }))).toContain("forged");
  });

  test("the same of a log that two keys sign, with either", async () => {
    const [old, fresh] = [await theKey(), await createAuditKey("example.com/audit-2")];
    const { log, memory, write } = await opened({ signers: [old, fresh] });
    write(decision(1));
    await log.close();
    for (const keys of [[old.vkey], [fresh.vkey], [old.vkey, fresh.vkey]]) {
      expect(await verifyAuditLog(memory.text(), { keys })).toMatchObject({ ok: true, signed: true });
    }
  });
});

describe("verifyAuditLog() refuses", () => {
  test.each<[string, VerifyAuditLogOptions, RegExp]>([
    ["keys that are no list", { keys: "key" as unknown as string[] }, /"keys" must be an array/],
    ["a key that is none", { keys: ["key"] }, /"keys\[0\]" must be an Ed25519 verifier key/],
    ["checkpoints that are none", { checkpoints: ["no"] }, /"checkpoints\[0\]" must be a checkpoint/],
    ["checkpoints that are no list", { checkpoints: "no" as unknown as string[] }, /"checkpoints" must be an array/],
    ["a number of findings that is none", { maxFindings: -1 }, /"maxFindings" must be a whole number/],
    ["an origin that is no text", { origin: 1 as unknown as string }, /"origin" must be a string/],
    ["an answer that is none", { open: "yes" as unknown as boolean }, /"open" must be true or false/],
    ["progress that nobody hears", { onProgress: 1 as unknown as () => void }, /"onProgress" must be a function/],
    ["an unknown option", { key: "x" } as VerifyAuditLogOptions, /"key" must be one of the known options/],
  ])("%s", async (_, options, message) => {
    await expect(verifyAuditLog("", options)).rejects.toThrow(message);
  });

  test.each([undefined, null, 5, {}])("%s as a log", async (log) => {
    await expect(verifyAuditLog(log as unknown as string)).rejects.toThrow(/"log" must be a text or a stream/);
  });
});
