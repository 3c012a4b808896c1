import { describe, expect, test } from "vitest";
import { createKernel, deny, type PolicyViolationError } from "sallyport";
import { createAuditKey, createAuditLog, memorySink, verifyAuditLog } from "sallyport/audit";
import type { AuditChunk, AuditKey, AuditLogOptions, AuditTo } from "sallyport/audit";
import { decision, entriesOf, opened, sinkOf, theKey } from "./helpers.ts";

const POLICY = { allowedTools: ["search"], maxToolCalls: 1e6 };

/** A target whose writes a test answers. */
function held(): { to: AuditTo; chunks: AuditChunk[]; answers: (() => void)[]; refuse: ((error: Error) => void)[] } {
  const chunks: AuditChunk[] = [];
  const answers: (() => void)[] = [];
  const refuse: ((error: Error) => void)[] = [];
  const to = (chunk: AuditChunk): Promise<void> => {
    chunks.push(chunk);
    return new Promise((resolve, reject) => {
      answers.push(resolve);
      refuse.push(reject);
    });
  };
  return { to, chunks, answers, refuse };
}

/** Lets timers of 0 ms and what follows from them run. */
async function turn(times = 5): Promise<void> {
  for (let at = 0; at < times; at++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A target that fails as long as it is told to. */
function failing(): { to: AuditTo; state: { fails: boolean }; text: () => string } {
  const state = { fails: true };
  let text = "";
  return {
    state,
    text: () => text,
    to: (chunk) => {
      if (state.fails) throw new Error("No space left");
      text += chunk.text;
    },
  };
}

describe("createAuditLog() of a kernel", () => {
  test("has every decision and outcome, approval, signal and end in one trail", async () => {
    const { log, memory, key } = await opened();
    const kernel = createKernel({
      policy: { ...POLICY, allowedTools: ["search", "pay"], requireHumanApproval: ["pay"] },
      plugins: [log],
      approve: () => true,
    });
    const session = kernel.session({ agentId: "helper" });
    await session.tool({ name: "search", arguments: {} }, () => 1);
    await session.tool({ name: "pay", arguments: {} }, () => 1);
    await expect(session.tool({ name: "shell", arguments: {} }, () => 1)).rejects.toThrow();
    kernel.suspend("helper");
    kernel.resume("helper");
    const child = session.child({ sessionId: "child" });
    await child.close();
    log.note("identity.created", { did: "did:agentmesh:x" });
    await log.close();
    const entries = memory.entries();
    expect(entries.map((entry) => [entry.kind, "event" in entry ? entry.event : undefined])).toEqual([
      ["log", "opened"],
      ["session", "opened"],
      ["decision", undefined],
      ["outcome", undefined],
      ["approval", "requested"],
      ["approval", "resolved"],
      ["decision", undefined],
      ["outcome", undefined],
      ["decision", undefined],
      ["signal", undefined],
      ["signal", undefined],
      ["session", "opened"],
      // The gate at the end of a session.
      ["decision", undefined],
      ["session", "closed"],
      ["note", undefined],
      ["log", "closed"],
    ]);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at));
    const [approved] = entries.filter((entry) => entry.kind === "approval");
    expect(entries.filter((entry) => entry.kind === "decision" && entry.name === "pay")).toMatchObject([
      { effect: "allow", approval: approved?.id },
    ]);
    expect(entries.filter((entry) => entry.kind === "decision" && entry.effect === "deny")).toMatchObject([
      { isOurs: true, reason: expect.stringContaining("not allowed") },
    ]);
    expect(entries.filter((entry) => entry.kind === "session").at(-1)).toMatchObject({ sessionId: "child" });
    expect(entries.filter((entry) => entry.kind === "session")[1]).toMatchObject({
      parentId: session.context.sessionId,
    });
    expect(entries.find(({ kind }) => kind === "note")).toMatchObject({
      type: "identity.created",
      data: { did: "did:agentmesh:x" },
    });
    expect(await verifyAuditLog(memory.text(), { keys: [key.vkey] })).toMatchObject({ ok: true, closed: true });
  });

  test("is one unbroken tree for fifty sessions side by side, of two kernels", async () => {
    const { log, memory, key } = await opened({ batch: { size: 64 } });
    const kernels = [
      createKernel({ policy: POLICY, plugins: [log] }),
      createKernel({ policy: POLICY, plugins: [log] }),
    ];
    await Promise.all(Array.from({ length: 50 }, async (_, at) => {
      const session = (kernels[at % 2] as (typeof kernels)[0]).session({ agentId: `agent-${at}` });
      for (let call = 0; call < 20; call++) {
        await session.tool({ name: "search", arguments: { call } }, async () => {
          if ((at + call) % 5 === 0) await turn(1);
          return call;
        });
      }
    }));
    await log.close();
    const entries = memory.entries();
    expect(entries).toHaveLength(2 + 50 + 50 * 20 * 2);
    expect(await verifyAuditLog(memory.text(), { keys: [key.vkey] })).toMatchObject({ ok: true, entries: 2052 });
    for (let at = 0; at < 50; at++) {
      const own = entries.filter((entry) => "agentKey" in entry && entry.agentKey === `agent-${at}`);
      expect(own.map(({ kind }) => kind)).toEqual(
        ["session", ...Array.from({ length: 40 }, (_, of) => of % 2 ? "outcome" : "decision")],
      );
    }
    expect(log.stats).toEqual({ submitted: 2052, delivered: 2052, failed: 0, dropped: 0 });
  });

  test("hands out copies: what is changed in them changes nothing", async () => {
    const { log, memory, write, key } = await opened();
    write(decision(1));
    await log.close();
    for (const entry of memory.entries()) Object.assign(entry, { effect: "deny", seq: 7 });
    expect((await verifyAuditLog(memory.text(), { keys: [key.vkey] })).ok).toBe(true);
    expect(Object.isFrozen(log)).toBe(true);
    expect(Object.isFrozen(log.stats)).toBe(true);
  });

  test("keeps evidence of what was judged and of what came, where that is wanted", async () => {
    const contents: string[] = [];
    const { log, memory } = await opened({ contents: { to: { write: (text) => void contents.push(text) } } });
    const session = createKernel({ policy: POLICY, plugins: [log] }).session({ agentId: "helper" });
    await session.tool({ name: "search", arguments: { q: "tea" } }, () => "found");
    await log.close();
    const [decided, ended] = memory.entries().filter(({ kind }) => kind === "decision" || kind === "outcome");
    expect(decided).toMatchObject({ input: expect.stringMatching(/^salted-sha256:/) });
    expect(ended).toMatchObject({ output: expect.stringMatching(/^salted-sha256:/) });
    const kept = contents.join("").trim().split("\n").map((line) => (JSON.parse(line) as { content: string }).content);
    expect(kept).toEqual(['{"q":"tea"}', '"found"']);
    expect(memory.text()).not.toContain("tea");
  });

  test("stores what waits when the kernel closes, and goes on for others", async () => {
    const { log, memory } = await opened();
    const kernel = createKernel({ policy: POLICY, plugins: [log] });
    await kernel.session({ agentId: "helper" }).tool({ name: "search", arguments: {} }, () => 1);
    await kernel.close();
    expect(memory.entries().length).toBeGreaterThanOrEqual(3);
    log.note("still.there");
    await log.close();
    expect(memory.entries().at(-1)).toMatchObject({ kind: "log", event: "closed" });
  });
});

describe("a batch", () => {
  test("is sealed when it is full, and not within the call that fills it", async () => {
    const chunks: AuditChunk[] = [];
    const { log, write } = await opened({ to: (chunk) => void chunks.push(chunk), batch: { size: 3, ms: 60_000 } });
    write(decision(1));
    write(decision(2));
    expect(chunks).toEqual([]);
    while (chunks.length === 0) await turn();
    expect(chunks.map(({ entries, from }) => [entries, from])).toEqual([[3, 0]]);
    expect(chunks[0]?.text.endsWith("\n")).toBe(true);
    await log.close();
  });

  test("is sealed some time after its first entry", async () => {
    const chunks: AuditChunk[] = [];
    const { log, write } = await opened({ to: (chunk) => void chunks.push(chunk), batch: { ms: 0 } });
    write(decision(1));
    while (chunks.length === 0) await turn();
    expect(chunks).toHaveLength(1);
    await log.close();
  });

  test("waits until the one before is stored: one write at a time", async () => {
    const { to, chunks, answers } = held();
    const { log, write } = await opened({ to, batch: { size: 2 } });
    for (let at = 1; at <= 9; at++) write(decision(at));
    const flushed = log.flush();
    for (let at = 0; at < 5; at++) {
      while (chunks.length === at) await turn();
      await turn();
      expect(chunks).toHaveLength(at + 1);
      answers[at]?.();
    }
    expect(await flushed).toBe(chunks.at(-1)?.checkpoint);
    expect(chunks.map(({ from }) => from)).toEqual([0, 2, 4, 6, 8]);
    const closed = log.close();
    while (chunks.length === 5) await turn();
    answers[5]?.();
    await closed;
  });

  test("is told to onCheckpoint once it is stored, and an error there changes nothing", async () => {
    const seen: string[] = [];
    const { log, write } = await opened({
      onCheckpoint: (checkpoint) => {
        seen.push(checkpoint);
        throw new Error("No");
      },
    });
    write(decision(1));
    const checkpoint = await log.flush();
    expect(seen).toEqual([checkpoint]);
    await log.close();
    const later = await opened({ onCheckpoint: (async () => await Promise.reject(new Error("No"))) as () => void });
    later.write(decision(1));
    expect(await later.log.close()).toBeDefined();
  });
});

describe("targets", () => {
  test("are objects, functions and streams of bytes, which are closed", async () => {
    const bytes: Uint8Array[] = [];
    let isClosed = false;
    const stream = new WritableStream<Uint8Array>({
      write: async (part) => void bytes.push(part),
      close: () => void (isClosed = true),
    }, { highWaterMark: 1 });
    const { log, write, key } = await opened({ to: stream, batch: { size: 5 } });
    for (let at = 0; at < 20; at++) write(decision(at));
    expect(await log.close()).toContain("example.com/log\n22\n");
    expect(isClosed).toBe(true);
    const text = await new Blob(bytes as BlobPart[]).text();
    expect(await verifyAuditLog(text, { keys: [key.vkey] })).toMatchObject({ ok: true, entries: 22 });
  });

  test("that are streams hold the log back, and when they break calls are denied", async () => {
    let error: ((reason: Error) => void) | undefined;
    const stream = new WritableStream<Uint8Array>({
      start: (controller) => void (error = (why) => controller.error(why)),
    });
    const { log, write } = await opened({ to: stream });
    write(decision(1));
    await log.flush();
    error?.(new Error("Gone"));
    write(decision(2));
    expect(await log.flush()).toBeUndefined();
    expect(() => write(decision(3))).toThrow("could not be written");
    // Nothing is lost: another target gets all of it.
    const memory = memorySink();
    await expect(log.rotate(memory)).rejects.toThrow();
    expect(await log.close()).toBeDefined();
    const names = memory.entries().map((entry) => "callId" in entry ? entry.callId : entry.kind);
    expect(names).toEqual(["#2", "#3", "log", "log"]);
    expect(await verifyAuditLog(memory.text(), { keys: [(await theKey()).vkey], part: true })).toMatchObject({
      ok: true,
    });
  });

  test("in memory keep the last entries, and verifying says what left", async () => {
    const memory = memorySink({ maxEntries: 100 });
    const key = await theKey();
    const log = createAuditLog({ signers: key, to: memory, batch: { size: 32 } });
    const sink = sinkOf(log);
    for (let at = 0; at < 1000; at++) sink.write(decision(at));
    await log.close();
    expect(memory.entries()).toHaveLength(100);
    expect(memory.entries().at(-1)).toMatchObject({ event: "closed" });
    const found = await verifyAuditLog(memory.text(), { keys: [key.vkey] });
    expect(found).toMatchObject({ ok: false, size: 1002, entries: 100, missing: 902, signed: true });
    expect(new Set(found.findings.map(({ kind }) => kind))).toEqual(new Set(["missing"]));
    expect(found.findings[0]).toMatchObject({ seq: 0 });
  });

  test.each([0, -1, 1.5, "5"])("in memory refuse to keep %s entries", (maxEntries) => {
    expect(() => memorySink({ maxEntries: maxEntries as number })).toThrow(/"maxEntries" must be a whole number/);
  });
});

describe("a target that fails", () => {
  test("denies calls until a write succeeds, and nothing is lost", async () => {
    const { to, state, text } = failing();
    const { log, key } = await opened({ to });
    const kernel = createKernel({ policy: POLICY, plugins: [log] });
    const session = kernel.session({ agentId: "helper" });
    let ran = 0;
    const call = (): Promise<number> => session.tool({ name: "search", arguments: {} }, () => ++ran);
    await call();
    expect(await log.flush()).toBeUndefined();
    await expect(call()).rejects.toMatchObject({ code: "audit_unavailable" });
    await expect(call()).rejects.toMatchObject({ code: "audit_unavailable" });
    expect(ran).toBe(1);
    state.fails = false;
    expect(await log.flush()).toBeDefined();
    await call();
    await log.close();
    expect(ran).toBe(2);
    const entries = entriesOf(text()).filter(({ kind }) => kind === "decision");
    expect(entries.map((entry) => "effect" in entry ? [entry.effect, entry.code] : [])).toEqual([
      ["allow", undefined],
      ["deny", "audit_unavailable"],
      ["deny", "audit_unavailable"],
      ["allow", undefined],
    ]);
    expect(await verifyAuditLog(text(), { keys: [key.vkey] })).toMatchObject({ ok: true });
    const { submitted, delivered, failed, dropped } = log.stats;
    expect([submitted, failed, dropped]).toEqual([delivered, 0, 0]);
  });

  test("is tried again by the next call that is denied", async () => {
    const { to, state, text } = failing();
    const { log, write } = await opened({ to });
    write(decision(1));
    await log.flush();
    state.fails = false;
    expect(() => write(decision(2))).toThrow();
    while (text() === "") await turn();
    write(decision(3));
    await log.close();
    expect(entriesOf(text()).map((entry) => "callId" in entry ? entry.callId : entry.kind)).toEqual([
      "log",
      "#1",
      "#2",
      "#3",
      "log",
    ]);
  });

  test("keeps what has run already: outcomes and denials are taken in while calls are denied", async () => {
    const { to, state, text } = failing();
    const { log, write } = await opened({ to });
    write(decision(1));
    await log.flush();
    write({ ...decision(2), effect: "deny", code: "rule_denied" });
    const { effect: _, shadow: __, kind: ___, ...base } = decision(1);
    write({ ...base, kind: "outcome", outcome: "completed" });
    state.fails = false;
    await log.close();
    expect(entriesOf(text()).map(({ kind }) => kind)).toEqual(["log", "decision", "decision", "outcome", "log"]);
  });

  test("stops nobody in a kernel that only watches, and its records stay what they are", async () => {
    const { to, state, text } = failing();
    const { log } = await opened({ to });
    const kernel = createKernel({ policy: POLICY, mode: "shadow", plugins: [log] });
    const session = kernel.session({ agentId: "helper" });
    await log.flush();
    expect(await session.tool({ name: "search", arguments: {} }, () => 1)).toBe(1);
    state.fails = false;
    await log.close();
    expect(entriesOf(text()).filter(({ kind }) => kind === "decision")).toMatchObject([{
      effect: "allow",
      shadow: true,
    }]);
  });

  test("does not stop anybody under go-on, and what is lost is counted, told and named", async () => {
    const { to, state, text } = failing();
    const { log, write, key } = await opened({ to, onFailure: "go-on", batch: { size: 4 } });
    for (let at = 1; at <= 7; at++) write(decision(at));
    expect(await log.flush()).toBeUndefined();
    expect(log.stats).toEqual({ submitted: 8, delivered: 0, failed: 8, dropped: 0 });
    state.fails = false;
    for (let at = 8; at <= 9; at++) write(decision(at));
    await log.close();
    expect(log.stats).toEqual({ submitted: 12, delivered: 4, failed: 8, dropped: 0 });
    expect(entriesOf(text())[0]).toMatchObject({ seq: 8, kind: "log", event: "dropped", count: 8 });
    const found = await verifyAuditLog(text(), { keys: [key.vkey] });
    expect(found.findings.map(({ kind, seq, to }) => [kind, seq, to])).toEqual([
      ["missing", 0, 7],
      ["missing", 8, undefined],
    ]);
    expect(found).toMatchObject({ missing: 8, entries: 4 });
  });

  test("is one that takes too long, and is not asked twice for what it may still store", async () => {
    const { to, chunks, answers } = held();
    const { log, write, key } = await opened({ to, timeoutMs: 1 });
    write(decision(1));
    expect(await log.flush()).toBeUndefined();
    expect(() => write(decision(2))).toThrow("could not be written");
    expect(chunks).toHaveLength(1);
    answers[0]?.();
    await turn();
    let checkpoint = await log.close();
    while (checkpoint === undefined) {
      for (const answer of answers) answer();
      checkpoint = await log.close();
    }
    // The first batch came through after all, once.
    expect(new Set(chunks.map(({ from }) => from)).size).toBe(chunks.length);
    expect(await verifyAuditLog(chunks.map(({ text }) => text).join(""), { keys: [key.vkey] })).toMatchObject({
      ok: true,
    });
    expect(log.stats).toMatchObject({ submitted: 4, delivered: 4 });
  });
});

describe("a queue that is full", () => {
  test("denies, and keeps what is in it", async () => {
    const { to, chunks, answers } = held();
    const { log, write } = await opened({ to, maxQueued: 5, batch: { size: 2 } });
    for (let at = 1; at <= 4; at++) write(decision(at));
    expect(() => write(decision(5))).toThrow("too many entries wait");
    expect(log.stats).toMatchObject({ submitted: 6, dropped: 1 });
    const closed = log.close();
    for (let at = 0; at < 4; at++) {
      while (chunks.length === at) await turn();
      answers[at]?.();
    }
    await closed;
    const { submitted, delivered, failed, dropped } = log.stats;
    expect(delivered + failed + dropped).toBe(submitted);
    const entries = entriesOf(chunks.map(({ text }) => text).join(""));
    expect(entries.filter(({ kind }) => kind === "log").map((entry) => "event" in entry && entry.event)).toEqual([
      "opened",
      "dropped",
      "closed",
    ]);
  });

  test("drops under go-on, counts it and says so", async () => {
    const { to, chunks, answers } = held();
    const { log, write, key } = await opened({ to, maxQueued: 5, onFailure: "go-on" });
    for (let at = 1; at <= 10; at++) write(decision(at));
    const closed = log.close();
    while (chunks.length === 0) await turn();
    answers[0]?.();
    await closed;
    expect(log.stats).toEqual({ submitted: 13, delivered: 7, failed: 0, dropped: 6 });
    const text = chunks.map((chunk) => chunk.text).join("");
    const found = await verifyAuditLog(text, { keys: [key.vkey] });
    expect(found.findings).toEqual([expect.objectContaining({ kind: "missing", seq: 5 })]);
    expect(found.findings[0]?.message).toContain("6");
  });
});

describe("durable", () => {
  test("offers the kernel a promise that settles once everything so far is stored", async () => {
    const { to, chunks, answers } = held();
    const { log, sink } = await opened({ to, durable: "act" });
    const durable = sink as typeof sink & { durable: string; stored(): Promise<void> };
    expect(durable.durable).toBe("act");
    durable.write(decision(1));
    durable.write(decision(2));
    let settled = 0;
    const both = [durable.stored(), durable.stored()].map((one) => one.then(() => settled++));
    while (chunks.length === 0) await turn();
    expect(settled).toBe(0);
    answers[0]?.();
    await Promise.all(both);
    // They share one batch.
    expect(chunks.map(({ entries }) => entries)).toEqual([3]);
    const closed = log.close();
    while (chunks.length === 1) await turn();
    answers[1]?.();
    await closed;
  });

  test("has a kernel's act wait until its decision is stored, and its result until both are", async () => {
    for (const durable of ["act", "result"] as const) {
      const { to, chunks, answers } = held();
      const { log } = await opened({ to, durable });
      const session = createKernel({ policy: POLICY, plugins: [log] }).session({ agentId: "helper" });
      let ran = 0;
      let settled = false;
      const result = session.tool({ name: "search", arguments: {} }, () => ++ran).finally(() => settled = true);
      while (chunks.length === 0) await turn();
      expect([ran, settled]).toEqual(durable === "act" ? [0, false] : [1, false]);
      const kinds = entriesOf(chunks[0]?.text ?? "").map(({ kind }) => kind);
      expect(kinds).toEqual(["log", "session", "decision", ...(durable === "act" ? [] : ["outcome"])]);
      answers[0]?.();
      expect(await result).toBe(1);
      const closed = log.close();
      while (chunks.length === 1) await turn();
      answers[1]?.();
      await closed;
    }
  });

  test("denies a kernel's act that could not be stored, and has nothing of it run", async () => {
    const { to, state, text } = failing();
    const { log } = await opened({ to, durable: "act" });
    const session = createKernel({ policy: POLICY, plugins: [log] }).session({ agentId: "helper" });
    let ran = 0;
    const call = () => session.tool({ name: "search", arguments: {} }, () => ++ran);
    await expect(call()).rejects.toMatchObject({ code: "audit_unavailable" });
    await expect(call()).rejects.toMatchObject({ code: "audit_unavailable" });
    expect(ran).toBe(0);
    state.fails = false;
    await log.flush();
    expect(await call()).toBe(1);
    await log.close();
    expect(entriesOf(text()).map((entry) => entry.kind === "outcome" ? [entry.outcome, entry.code] : entry.kind))
      .toEqual([
        "log",
        "session",
        "decision",
        ["withheld", "audit_unavailable"],
        "decision",
        "decision",
        ["completed", undefined],
        "log",
      ]);
  });

  test("rejects where it could not be stored, but under go-on", async () => {
    for (const onFailure of ["deny", "go-on"] as const) {
      const { log, sink } = await opened({ to: failing().to, durable: "result", onFailure });
      const durable = sink as typeof sink & { stored(): Promise<void> };
      durable.write(decision(1));
      const stored = durable.stored();
      if (onFailure === "deny") await expect(stored).rejects.toThrow("could not be written");
      else await expect(stored).resolves.toBeUndefined();
      await log.close();
    }
  });
});

describe("rotate()", () => {
  test("keeps the tree: the files are one log", async () => {
    const memories = [memorySink(), memorySink(), memorySink()] as const;
    const { log, write, key } = await opened({ to: memories[0] });
    write(decision(1));
    await log.rotate(memories[1]);
    write(decision(2));
    await Promise.all([log.rotate(memories[2]), Promise.resolve().then(() => write(decision(3)))]);
    await log.close();
    const text = memories.map((memory) => memory.text()).join("");
    expect(await verifyAuditLog(text, { keys: [key.vkey] })).toMatchObject({ ok: true, size: log.size });
  });

  test("refuses what is no target, and a log that was closed", async () => {
    const { log } = await opened();
    await expect(log.rotate({} as AuditTo)).rejects.toThrow(/"to" must be a target/);
    await log.close();
    await expect(log.rotate(memorySink())).rejects.toThrow("was closed");
  });
});

describe("close()", () => {
  test("ends the log once; what comes later is refused and denies", async () => {
    const { log, memory } = await opened();
    const kernel = createKernel({ policy: POLICY, plugins: [log] });
    const session = kernel.session({ agentId: "helper" });
    const [one, two] = await Promise.all([log.close(), log.close()]);
    expect(one).toBe(two);
    expect(await log.close()).toBe(one);
    await expect(session.tool({ name: "search", arguments: {} }, () => 1)).rejects.toMatchObject({
      code: "audit_unavailable",
    });
    expect(() => log.note("late")).toThrow("was closed");
    expect(memory.entries().map(({ kind }) => kind)).toEqual(["log", "session", "log"]);
    const { submitted, delivered, failed, dropped } = log.stats;
    expect(delivered + failed + dropped).toBe(submitted);
  });

  test("can be tried again, when the target failed", async () => {
    const { to, state, text } = failing();
    const { log, write, key } = await opened({ to });
    write(decision(1));
    expect(await log.close()).toBeUndefined();
    state.fails = false;
    expect(await log.close()).toBeDefined();
    expect(await verifyAuditLog(text(), { keys: [key.vkey] })).toMatchObject({ ok: true, closed: true });
  });
});

describe("note()", () => {
  test("takes plain data, sorted, and refuses everything else at once", async () => {
    const { log, memory } = await opened();
    log.note("delegation", { b: [1, { z: null, a: true }], a: "x", c: undefined });
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const wrong: unknown[] = [{ a: 1n }, { a: NaN }, { a: () => 1 }, { a: new Date() }, cycle, {
      a: "x".repeat(1 << 16),
    }];
    for (const data of wrong) expect(() => log.note("x", data as Record<string, unknown>)).toThrow(TypeError);
    expect(() => log.note("")).toThrow(/"type" must be a string/);
    expect(() => log.note("x", [] as unknown as Record<string, unknown>)).toThrow(/"data" must be an object/);
    await log.close();
    expect(memory.text()).toContain('{"data":{"a":"x","b":[1,{"a":true,"z":null}]},"kind":"note","seq":1,');
    expect(memory.entries()).toHaveLength(3);
  });
});

describe("createAuditLog() refuses", () => {
  const key = { name: "x", vkey: "x+0+0", privateKey: {} } as unknown as AuditKey;
  test.each<[string, AuditLogOptions, RegExp]>([
    ["an unknown option", { path: "x" } as AuditLogOptions, /"path" must be one of the known options/],
    ["an origin with a space", { origin: "a b" }, /"origin" must be/],
    ["an origin with a line end", { origin: "a\nb" }, /"origin" must be/],
    ["a signer that is none", { signers: key }, /"signers\[0\]" must be a key of createAuditKey/],
    ["a target that is none", { to: 5 as unknown as AuditTo }, /"to" must be a target/],
    ["a batch of nothing", { batch: { size: 0 } }, /"batch.size" must be a whole number from 1 to 10000/],
    ["a batch too large", { batch: { size: 10_001 } }, /"batch.size"/],
    ["a time below zero", { batch: { ms: -1 } }, /"batch.ms"/],
    ["another way to fail", { onFailure: "open" as "deny" }, /"onFailure" must be one of deny, go-on/],
    ["another durability", { durable: "never" as "act" }, /"durable" must be one of/],
    ["a queue without room", { maxQueued: 0 }, /"maxQueued"/],
    ["no time", { timeoutMs: 0 }, /"timeoutMs"/],
    ["other reasons", { reasons: "some" as "all" }, /"reasons" must be one of/],
    ["contents without a way to keep them", { contents: {} as { key: CryptoKey } }, /"contents" must be/],
    ["a clock that is none", { clock: 5 as unknown as () => number }, /"clock" must be a function/],
    ["what is no log to go on from", { resume: "hello\n" }, /"resume" must be the text of a log/],
  ])("%s", (_, options, message) => {
    expect(() => createAuditLog(options)).toThrow(message);
  });
});

describe("createAuditKey() refuses", () => {
  test.each(["", "a b", "a+b", "a\nb", "\u2003", "a".repeat(257), "\ud800"])("the name %j", async (name) => {
    await expect(createAuditKey(name)).rejects.toThrow(TypeError);
  });

  test("a pair that is none, is of another algorithm, or of two keys", async () => {
    const pair = async (): Promise<CryptoKeyPair> =>
      await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]) as CryptoKeyPair;
    const [one, two] = [await pair(), await pair()];
    const ecdsa = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    await expect(createAuditKey("a", one)).resolves.toMatchObject({ name: "a" });
    await expect(createAuditKey("a", ecdsa)).rejects.toThrow(/"pair.privateKey"/);
    await expect(createAuditKey("a", { ...one, publicKey: two.publicKey })).rejects.toThrow(/"pair" must be the two/);
    await expect(createAuditKey("a", { ...one, privateKey: one.publicKey })).rejects.toThrow(/"pair.privateKey"/);
  });
});

test("a log denies nobody by itself: what a guard denies is the guard's", async () => {
  const { log, memory } = await opened();
  const kernel = createKernel({ policy: POLICY, guards: [() => deny("rule_denied", "No")], plugins: [log] });
  const error = await kernel.session({ agentId: "helper" }).tool({ name: "search", arguments: {} }, () => 1).catch(
    (one: PolicyViolationError) => one,
  );
  expect(error).toMatchObject({ code: "rule_denied" });
  await log.close();
  expect(memory.entries()[2]).toMatchObject({ kind: "decision", effect: "deny", code: "rule_denied" });
});
