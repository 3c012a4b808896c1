import { describe, expect, test } from "vitest";
import { createKernel, type PolicyViolationError } from "sallyport";
import { createAuditLog, memorySink, verifyAuditLog } from "sallyport/audit";
import type { AuditVerification } from "sallyport/audit";
import { vectors } from "../vectors.ts";
import { decision, linesOf, logOf, opened, textOf, theKey } from "./helpers.ts";

interface Attack {
  readonly id: string;
  readonly category: string;
  readonly description: string;
  readonly expected: "allow" | "deny" | "error";
}

const cases = vectors<{ cases: Attack[] }>("attacks.json").cases.filter(({ category }) => category === "audit");

/** What each case says is done, and what verifying shows of it. */
const done: Readonly<Record<string, () => Promise<"allow" | "deny" | "error">>> = {
  // A newline in a name: the call is denied, and leaves one line.
  "AU-01": async () => {
    const { log, memory, key } = await opened();
    const session = createKernel({ policy: { allowedTools: ["search"] }, plugins: [log] }).session({ agentId: "a" });
    const error = await session.tool({ name: 'search\n{"decision":"allow"}', arguments: {} }, () => 1).catch(
      (one: PolicyViolationError) => one,
    );
    expect(error).toMatchObject({ code: "invalid_tool_name" });
    await log.close();
    expect(linesOf(memory.text())).toHaveLength(6);
    expect((await verifyAuditLog(memory.text(), { keys: [key.vkey] })).ok).toBe(true);
    const [, , entry] = memory.entries();
    return entry?.kind === "decision" && entry.effect === "deny" ? "deny" : "allow";
  },
  "AU-04": async () => {
    const { text, vkey } = await logOf(12, 6);
    const found = await verifyAuditLog(textOf(linesOf(text).filter((line) => !line.includes('"seq":5,'))), {
      keys: [vkey],
    });
    expect(found.findings).toMatchObject([{ kind: "missing", seq: 5, to: 5 }]);
    return verdict(found);
  },
  "AU-07": async () => {
    const { text, vkey } = await logOf(12, 6);
    const lines = linesOf(text);
    const [four, five] = [4, 5].map((seq) => lines.findIndex((line) => line.includes(`"seq":${seq},`))) as [
      number,
      number,
    ];
    const swapped = lines.with(four, lines[five] as string).with(five, lines[four] as string);
    const found = await verifyAuditLog(textOf(swapped), { keys: [vkey] });
    expect(found.findings).toMatchObject([{ kind: "moved" }]);
    return verdict(found);
  },
  // Two logs of the same name and size, both signed: what was shown to one is kept, and the other is compared with it.
  "AU-10": async () => {
    const heads: string[] = [];
    const texts: string[] = [];
    for (const name of ["search", "shell"]) {
      const memory = memorySink();
      const log = createAuditLog({ signers: await theKey(), to: memory, origin: "example.com/log", clock: () => 1 });
      log.note(name);
      heads.push(await log.close() as string);
      texts.push(memory.text());
    }
    const keys = [(await theKey()).vkey];
    expect((await verifyAuditLog(texts[0] as string, { keys, checkpoints: [heads[0] as string] })).ok).toBe(true);
    const found = await verifyAuditLog(texts[0] as string, { keys, checkpoints: [heads[1] as string] });
    expect(found.findings).toMatchObject([{ kind: "forked", seq: 3 }]);
    return verdict(found);
  },
  "AU-13": async () => {
    const { log, memory, key, write } = await opened();
    write(decision(1, { effect: "deny", code: "rule_denied" }));
    await log.close();
    for (const entry of memory.entries()) Object.assign(entry, { effect: "allow" });
    expect(memory.entries()[1]).toMatchObject({ effect: "deny" });
    return verdict(await verifyAuditLog(memory.text(), { keys: [key.vkey] }));
  },
  "AU-16": async () => {
    const { log, memory, key, write } = await opened({ clock: () => 20 });
    for (const timestamp of [10, 5]) write({ ...decision(1), timestamp });
    await log.close();
    const found = await verifyAuditLog(memory.text(), { keys: [key.vkey] });
    expect(found.clockSteps).toBe(1);
    return verdict(found);
  },
};

function verdict({ ok }: AuditVerification): "allow" | "error" {
  return ok ? "allow" : "error";
}

describe("attacks on the audit trail", () => {
  test("are all there", () => {
    expect(cases.map(({ id }) => id).filter((id) => done[id] === undefined)).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(6);
  });

  test.each(cases.map((one) => [one.id, one.description, one] as const))("%s: %s", async (id, _, { expected }) => {
    expect(await done[id]?.()).toBe(expected);
  });
});
