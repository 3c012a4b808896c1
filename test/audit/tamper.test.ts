import { beforeAll, describe, expect, test } from "vitest";
import { verifyAuditLog } from "sallyport/audit";
import type { AuditVerification } from "sallyport/audit";
import { linesOf, logOf, textOf } from "./helpers.ts";

// Every line of a log of 1 000 entries, the header and the checkpoints among them, is edited, removed, doubled by
// another one and exchanged with another one. Each is found, and its place is named.

const ENTRIES = 1_000;
const BATCH = 250;

let lines: string[];
let keys: string[];
let seqs: (number | undefined)[];

beforeAll(async () => {
  const log = await logOf(ENTRIES, BATCH);
  lines = linesOf(log.text);
  keys = [log.vkey];
  seqs = lines.map((line) => {
    const { seq } = JSON.parse(line) as { seq?: number };
    return seq;
  });
});

/** Numbers that look random and are the same in every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const verify = (changed: readonly string[]): Promise<AuditVerification> => verifyAuditLog(textOf(changed), { keys });

/** Whether some finding names the entry that stood in a line, or the line. */
function names({ findings }: AuditVerification, at: number): boolean {
  const seq = seqs[at];
  return findings.some((finding) =>
    finding.line === at + 1 ||
    (seq !== undefined && finding.seq !== undefined && finding.seq <= seq && seq <= (finding.to ?? finding.seq))
  );
}

test("the log as it was written has nothing to find", async () => {
  const { ok, size, entries, closed, signed, findings } = await verify(lines);
  expect({ ok, size, entries, closed, signed, findings }).toEqual({
    ok: true,
    size: ENTRIES,
    entries: ENTRIES,
    closed: true,
    signed: true,
    findings: [],
  });
});

describe.each([0, 1, 2, 3])("in quarter %i of the log", (quarter) => {
  const positions = (): number[] => Array.from(lines.keys()).filter((at) => at % 4 === quarter);

  test("every edit is found and named", async () => {
    for (const at of positions()) {
      const random = randomOf(at);
      const line = lines[at] as string;
      const place = random(line.length);
      const letter = String.fromCharCode(32 + ((line.charCodeAt(place) - 32 + 1 + random(94)) % 95));
      const edited = line.slice(0, place) + letter + line.slice(place + 1);
      const found = await verify(lines.with(at, edited));
      const note = `line ${at + 1}: ${edited.slice(Math.max(0, place - 20), place + 20)}`;
      expect(found.ok, note).toBe(false);
      expect(names(found, at), note).toBe(true);
      const seq = seqs[at];
      if (seq !== undefined) {
        expect(found.findings.map((one) => [one.kind, one.seq]).slice(0, 1), note).toEqual([["changed", seq]]);
        expect([found.entries, found.missing], note).toEqual([
          // The log does not end with its own end, if that is what was edited.
          ENTRIES - 1,
          0,
        ]);
      }
    }
  });

  test("every removal is found and named", async () => {
    for (const at of positions()) {
      const found = await verify(lines.toSpliced(at, 1));
      expect(found.ok, `line ${at + 1}`).toBe(false);
      const seq = seqs[at];
      if (seq === undefined) {
        // What is gone has no line; a checkpoint is known by the entries that it sealed.
        expect(found.findings[0]?.kind, `line ${at + 1}`).toMatch(/^(?:missing|unsealed)$/);
        continue;
      }
      expect(found.findings[0], `line ${at + 1}`).toMatchObject({ kind: "missing", seq, to: seq });
      expect([found.entries, found.missing]).toEqual([ENTRIES - 1, 1]);
    }
  });

  test("every insertion is found and named", async () => {
    for (const at of positions()) {
      const random = randomOf(at);
      const forged = `{"effect":"allow","kind":"decision","seq":${random(ENTRIES)},"x":${random(1e9)}}`;
      const line = random(2) === 0 ? (lines[random(lines.length)] as string) : forged;
      const found = await verify(lines.toSpliced(at, 0, line));
      expect(found.ok, `before line ${at + 1}: ${line.slice(0, 40)}`).toBe(false);
      expect(
        // A copy beside its original is one of two that nobody can tell apart.
        found.findings.some((finding) => finding.line !== undefined && Math.abs(finding.line - at - 1) <= 1) ||
          names(found, at),
        `before line ${at + 1}: ${line.slice(0, 40)}; ${JSON.stringify(found.findings)}`,
      ).toBe(true);
    }
  });

  test("every exchange of two lines is found and named", async () => {
    for (const at of positions()) {
      const other = (at + 1 + randomOf(at)(lines.length - 1)) % lines.length;
      const [one, two] = [lines[at] as string, lines[other] as string];
      const found = await verify(lines.with(at, two).with(other, one));
      const note = `lines ${at + 1} and ${other + 1}: ${JSON.stringify(found.findings)}`;
      expect(found.ok, note).toBe(false);
      expect(names(found, at) || names(found, other), note).toBe(true);
    }
  });
});

test("neighbours that changed places are named as moved", async () => {
  const found = await verify(lines.with(4, lines[5] as string).with(5, lines[4] as string));
  expect(found.findings.map(({ kind, seq }) => [kind, seq])).toEqual([["moved", expect.any(Number)]]);
  expect([found.entries, found.missing]).toEqual([ENTRIES, 0]);
});

test("the position of every cut is named: the log does not end with its end", async () => {
  for (let kept = 0; kept < lines.length; kept += 37) {
    const found = await verify(lines.slice(0, kept));
    expect(found.ok).toBe(false);
    expect(found.findings.map(({ kind }) => kind)).toContain("not_closed");
  }
});
