import { describe, expect, test } from "vitest";
import { proveInclusion, verifyInclusion } from "sallyport/audit";
import { proofText, readProof } from "../../src/audit/prove.ts";
import { checkpointText } from "../../src/audit/checkpoint.ts";
import { waiting } from "../../src/audit/hash.ts";
import { signNote } from "../../src/audit/note.ts";
import { append, EMPTY, pathTo, rootOf } from "../../src/audit/tree.ts";
import { linesOf, logOf, textOf, theKey } from "./helpers.ts";

// The example of the specification, whose signatures it leaves out.
const HASHES = [
  "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
  "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
  "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=",
  "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=",
  "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=",
];
const CHECKPOINT =
  "example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n\u2014 example.com/fancylog hI2DJw==\n";
const EXTRA = "extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ\n";
const EXAMPLE = `c2sp.org/tlog-proof@v1\n${EXTRA}index 73894\n${HASHES.join("\n")}\n\n${CHECKPOINT}`;

describe("a tlog-proof", () => {
  test("is read as the specification shows it, and written the same but for what is extra", () => {
    const proof = readProof(EXAMPLE) as NonNullable<ReturnType<typeof readProof>>;
    expect([proof.index, proof.path, proof.checkpoint]).toEqual([73894, HASHES, CHECKPOINT]);
    expect(proofText(proof)).toBe(EXAMPLE.replace(EXTRA, ""));
  });

  test.each([
    ["another first line", EXAMPLE.replace("@v1", "@v2")],
    ["no index", EXAMPLE.replace("index 73894\n", "")],
    ["an index that is no number", EXAMPLE.replace("73894", "notanumber")],
    ["an index below zero", EXAMPLE.replace("73894", "-5")],
    ["an index with a zero before", EXAMPLE.replace("73894", "073894")],
    ["a hash that is no base64", EXAMPLE.replace(HASHES[0] as string, "!!notbase64!!")],
    ["a hash of another length", EXAMPLE.replace(HASHES[0] as string, "A".repeat(88))],
    ["more hashes than a tree has levels", EXAMPLE.replace("\n\n", `\n${HASHES.join("\n")}`.repeat(13) + "\n\n")],
    ["no checkpoint", EXAMPLE.slice(0, EXAMPLE.indexOf("\n\n"))],
  ])("is refused with %s", (_, text) => {
    expect(readProof(text)).toBeUndefined();
  });

  test("of anybody's tree is verified: what is proven is bytes, not our entries", async () => {
    const key = await theKey();
    const leaves = ["any", "tree", "of", "lines"];
    const hashes = await waiting.leaves(leaves);
    const tree = await append(EMPTY, hashes, waiting);
    const checkpoint = await signNote(checkpointText("example.com/theirs", 4, await rootOf(tree, waiting)), [key]);
    const proof = proofText({ index: 2, path: await pathTo(EMPTY, hashes, 2, waiting), checkpoint });
    expect(await verifyInclusion("of", proof, { keys: [key.vkey] })).toEqual({
      ok: true,
      seq: 2,
      size: 4,
      origin: "example.com/theirs",
    });
  });
});

describe("proveInclusion()", () => {
  test("proves every entry of a log, whatever batch it is in", async () => {
    const { text, vkey, origin } = await logOf(60, 7);
    for (let seq = 0; seq < 60; seq++) {
      const { entry, proof } = await proveInclusion(text, seq);
      expect((JSON.parse(entry) as { seq: number }).seq).toBe(seq);
      expect(await verifyInclusion(entry, proof, { keys: [vkey], origin })).toMatchObject({ ok: true, seq, origin });
    }
  });

  test("proves an entry although all others of the log are gone", async () => {
    const { text, vkey } = await logOf(60, 7);
    const kept = linesOf(text).filter((line) => !line.includes('"seq":') || line.includes('"seq":31,'));
    const { entry, proof } = await proveInclusion(textOf(kept), 31);
    expect(await verifyInclusion(entry, proof, { keys: [vkey] })).toMatchObject({ ok: true, seq: 31 });
  });

  test("passes over a line that only says that it is the entry", async () => {
    const { text, vkey } = await logOf(20, 7);
    const lines = linesOf(text);
    const { entry, proof } = await proveInclusion(
      textOf([...lines.slice(0, 3), '{"seq":5,"x":1}', ...lines.slice(3)]),
      5,
    );
    expect(await verifyInclusion(entry, proof, { keys: [vkey] })).toMatchObject({ ok: true, seq: 5 });
  });

  test("rejects, when the entry is not there, was changed, or has no checkpoint", async () => {
    const { text } = await logOf(20, 7);
    await expect(proveInclusion(text, 20)).rejects.toThrow(RangeError);
    await expect(proveInclusion(text.replace('"callId":"#5"', '"callId":"#6"'), 5)).rejects.toThrow(RangeError);
    const unsealed = textOf(linesOf(text).slice(0, -1));
    await expect(proveInclusion(unsealed, 19)).rejects.toThrow(RangeError);
  });

  test.each([-1, 1.5, NaN, "1"])("refuses %s as a place", async (seq) => {
    await expect(proveInclusion("", seq as number)).rejects.toThrow(/"seq" must be a whole number/);
  });
});

describe("verifyInclusion()", () => {
  test("says why not: another entry, place, key or log", async () => {
    const { text, vkey } = await logOf(20, 7);
    const { entry, proof } = await proveInclusion(text, 5);
    const keys = [vkey];
    const answers = await Promise.all([
      verifyInclusion(entry.replace("allow", "deny"), proof, { keys }),
      verifyInclusion(entry, proof.replace("index 5", "index 4"), { keys }),
      verifyInclusion(entry, proof, { keys: [] }),
      verifyInclusion(entry, proof, { keys, origin: "example.com/another" }),
      verifyInclusion(entry, proof.replace(/\n7\n/, "\n8\n"), { keys }),
      verifyInclusion(entry, "", { keys }),
      verifyInclusion(`${entry}\n`, proof, { keys }),
      verifyInclusion(entry, proof.slice(0, proof.indexOf("\n\n") + 2), { keys }),
    ]);
    expect(answers.map(({ ok, reason }) => [ok, reason])).toEqual([
      [false, "The entry is not at that place in the log"],
      [false, "The entry is not at that place in the log"],
      [false, "The checkpoint is not signed by a known key"],
      [false, "The checkpoint is of another log"],
      [false, "The checkpoint is not signed by a known key"],
      [false, "The proof is no tlog-proof"],
      [false, "The entry is not one line"],
      [false, "The proof's checkpoint is none"],
    ]);
  });

  test("throws for keys that are none", async () => {
    await expect(verifyInclusion("", "", { keys: ["nothing"] })).rejects.toThrow(/"keys\[0\]"/);
    await expect(verifyInclusion("", "", {} as { keys: string[] })).rejects.toThrow(/"keys"/);
  });
});
