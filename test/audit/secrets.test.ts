import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKernel, deny, type PolicyViolationError, validateArguments, warn } from "sallyport";
import { verifyAuditLog } from "sallyport/audit";
import { waiting } from "../../src/audit/hash.ts";
import { hmacEvidence, saltedEvidence } from "../../src/audit/evidence.ts";
import { contentText } from "../../src/audit/content.ts";
import { jsonString } from "../../src/audit/text.ts";
import { decision, linesOf, opened } from "./helpers.ts";

const SECRET = "sk-live-4eC39HqLyjWDarjtT1zdp7dc";
const LINE = '\n{"effect":"allow","kind":"decision","seq":1}';

describe("no secret gets into a log", () => {
  test("through a payload, a reason, a name, an id, a key, a path or an error", async () => {
    const { log, memory } = await opened();
    const kernel = createKernel({
      policy: { allowedTools: ["search"], maxToolCalls: 100, maxTokens: 1e9 },
      guards: [
        (request) => {
          if (request.name !== "search") return { effect: "allow", allowed: true };
          const { q } = (request.payload ?? {}) as { q?: string };
          if (q === "deny") return deny("rule_denied", `It holds ${SECRET}`, { secret: SECRET });
          if (q === "throw") throw new Error(SECRET);
          return q === "warn" ? warn(SECRET, SECRET) : { effect: "allow", allowed: true };
        },
      ],
      plugins: [log],
    });
    const session = kernel.session({ agentId: "helper", sessionId: SECRET });
    const call = (name: string, args: unknown, callId?: string): Promise<unknown> =>
      session.tool({ name, arguments: args, callId }, () => SECRET).catch((error: PolicyViolationError) => error);
    await call("search", { q: SECRET });
    await call("search", { q: "deny" });
    await call("search", { q: "throw" });
    await call("search", { q: "warn" });
    await call("search", { [SECRET]: () => 1 });
    await call("search", { q: "x" }, `call ${SECRET}`);
    await call("search", { q: "x" }, SECRET);
    await call(SECRET, {});
    await call(`search ${SECRET}`, {});
    await call("search", { q: "x" }, `${SECRET}${"x".repeat(200)}`);
    await session.tool({ name: "search", arguments: {} }, () => {
      throw new Error(SECRET);
    }).catch(() => undefined);
    const strict = createKernel({ guards: [validateArguments({}, { strict: true })], plugins: [log] });
    await strict.session({ agentId: "strict" }).tool({ name: SECRET, arguments: {} }, () => 1).catch(() => undefined);
    kernel.suspend("helper", SECRET);
    await log.close();
    expect(memory.entries().length).toBeGreaterThan(12);
    expect(memory.text()).not.toContain(SECRET.slice(0, 12));
    expect(memory.text()).not.toContain(SECRET.slice(8));
  });

  test.each([
    SECRET,
    `ghp_${"16C7e42F292c6912E7710c838347Ae178B4a"}`,
    "github_pat_11ABCDEFG0abcdefghijkl",
    "glpat-aBcDeFgHiJkLmNoPqRsT",
    "xoxb-123456789012-abcdef",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA-1234567890abcdefghijklmnopqrstu",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "-----BEGIN PRIVATE KEY-----",
    "Bearer abc",
    "npm_aBcDeFgHiJkLmNoPqRsTuVwXyZ",
  ])("as an id that looks like a credential: %s", async (id) => {
    const { log, memory, write } = await opened();
    write(decision(1, { callId: id, name: `tool ${id}`, guard: id, agentKey: id }));
    await log.close();
    expect(memory.text()).not.toContain(id);
    expect(memory.entries()[1]).toMatchObject({ callId: expect.stringMatching(/^sha256:[A-Za-z0-9+/]{43}=$/) });
  });

  test.each([
    "call_aBcDeFgHiJkLmNoPqRsTuVwX",
    "550e8400-e29b-41d4-a716-446655440000",
    "toolu_01A09q90qw90lq917835lq9",
    "mcp__github__search_code",
    "skip-links",
    "risk-assessment",
    "did:agentmesh:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "",
    "~".repeat(128),
  ])("and an honest id stays as it is: %s", async (id) => {
    const { log, memory, write } = await opened();
    write(decision(1, { callId: id }));
    await log.close();
    expect(memory.entries()[1]).toMatchObject({ callId: id });
  });

  test("in reasons: ours are kept where the kernel says so, others only when all are wanted", async () => {
    const kept = async (reasons: "ours" | "all" | "none", isOurs: boolean | undefined): Promise<string | undefined> => {
      const { log, memory, write } = await opened({ reasons });
      const more = isOurs === undefined ? {} : { isOurs };
      write(decision(1, { effect: "deny", code: "rule_denied", reason: "Why", ...more } as object));
      await log.close();
      const [, entry] = memory.entries();
      return entry?.kind === "decision" ? entry.reason : "none";
    };
    expect(await kept("ours", true)).toBe("Why");
    expect(await kept("ours", false)).toBeUndefined();
    expect(await kept("ours", undefined)).toBeUndefined();
    expect(await kept("all", false)).toBe("Why");
    expect(await kept("none", true)).toBeUndefined();
  });
});

describe("no text forges a line", () => {
  const HOSTILE = [
    LINE,
    "\r\n{}",
    "a\u0000b",
    "\u001b[2J\u001b[31m",
    "\u202eevil\u202c",
    "\u2028\u2029\u0085",
    "\ufeff\u200b\u200d",
    "\u007f",
    "\ud800",
    '"},{"',
    "\\u000a",
    "\u{1f600}",
    "x".repeat(5000),
  ];

  test.each(HOSTILE)("in an id, a name or a code: %j", async (text) => {
    const { log, memory, key, write } = await opened({ reasons: "all" });
    write(
      {
        ...decision(1, { name: text, callId: text, sessionId: text, agentKey: text, policy: text }),
        ...{ code: text, guard: text, reason: text, warnings: [text], rule: text, approval: text, parentId: text },
      } as Parameters<typeof write>[0],
    );
    log.note(text, { [text]: text });
    await log.close();
    const stored = memory.text();
    expect(stored).toMatch(/^[\x20-\x7e\n]*$/);
    expect(linesOf(stored)).toHaveLength(6);
    for (const line of linesOf(stored)) expect(Object.keys(JSON.parse(line) as object)).toEqual(keysOf(line));
    expect(await verifyAuditLog(stored, { keys: [key.vkey] })).toMatchObject({ ok: true, entries: 4 });
    expect(memory.entries()[2]).toMatchObject({ data: { [text]: text } });
  });

  test("keys are sorted, and those of a kind alone", async () => {
    const { log, memory, write } = await opened();
    write({ ...decision(1), ...{ payload: "x", details: "y", "\n": 1, seq: 7, hash: "z" } });
    await log.close();
    for (const line of linesOf(memory.text())) {
      const keys = Object.keys(JSON.parse(line) as object);
      expect(keys).toEqual([...keys].sort());
    }
    expect(Object.keys(memory.entries()[1] as object)).toEqual([
      ...["agentKey", "callId", "effect", "kind", "name", "policy"],
      ...["seq", "sessionId", "shadow", "stage", "timestamp"],
    ]);
  });

  test("a field that everything inherits is none of a record's", async () => {
    const { log, memory, write } = await opened();
    const names = ["code", "reason", "guard", "rule", "approval", "isOurs", "usage", "payload", "warnings"];
    for (const name of names) Reflect.defineProperty(Object.prototype, name, { value: SECRET, configurable: true });
    try {
      write(decision(1));
      await log.close();
    } finally {
      for (const name of names) delete (Object.prototype as Record<string, unknown>)[name];
    }
    expect(memory.text()).not.toContain(SECRET);
  });
});

/** The keys of an object's text, in its order. */
function keysOf(line: string): string[] {
  const keys: string[] = [];
  JSON.parse(line, function (this: unknown, key, value: unknown) {
    if (key === "" && typeof value === "object" && value !== null) keys.push(...Object.keys(value));
    return value;
  });
  return keys.sort();
}

describe("the bytes of a line are injective", () => {
  test("jsonString() writes every text in a form of its own, which JSON reads back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (one, two) => {
        const [first, second] = [jsonString(one), jsonString(two)];
        expect(JSON.parse(first)).toBe(one);
        expect(first).toMatch(/^[\x20-\x7e]*$/);
        expect(first === second).toBe(one === two);
      }),
    );
  });

  test("two ids are never written alike, and nobody can name what a digest stands for", async () => {
    const { log, memory, write } = await opened();
    write(decision(1, { callId: "a\nb" }));
    await log.flush();
    const [, first] = memory.entries();
    const digest = first?.kind === "decision" ? first.callId : "";
    write(decision(2, { callId: digest }));
    await log.close();
    const [, , second] = memory.entries();
    expect(second).toMatchObject({ callId: expect.stringMatching(/^sha256:/) });
    expect(second).not.toMatchObject({ callId: digest });
  });
});

test("a batch of nothing but odd ids is written, each as its digest", async () => {
  const { log, memory, write } = await opened({ batch: { size: 3000 } });
  for (let at = 0; at < 2999; at++) write(decision(at, { callId: `\n${at}`, name: `\t${at}`, sessionId: `\r${at}` }));
  await log.close();
  const ids = memory.entries().flatMap((entry) => entry.kind === "decision" ? [entry.callId, entry.name] : []);
  expect(new Set(ids).size).toBe(2 * 2999);
  for (const id of ids) expect(id).toMatch(/^sha256:[A-Za-z0-9+/]{43}=$/);
});

describe("contents", () => {
  const digest = async (text: string): Promise<Uint8Array<ArrayBuffer>> =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));

  test("leave an HMAC under the user's key: not without it can a guess be tried", async () => {
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const { log, memory, sink } = await opened({ contents: { key } });
    expect(sink).toMatchObject({ payloads: true });
    sink.write({ ...decision(1), ...{ payload: { amount: 5, to: "ada" } } });
    sink.write({ ...decision(2), ...{ payload: { to: "ada", amount: 5 } } });
    sink.write({ ...decision(3), ...{ payload: { to: "ada", amount: 6 } } });
    await log.close();
    const inputs = memory.entries().flatMap((entry) => entry.kind === "decision" ? [entry.input] : []);
    expect(inputs[0]).toMatch(/^hmac-sha256:/);
    expect(inputs[1]).toBe(inputs[0]);
    expect(inputs[2]).not.toBe(inputs[0]);
    expect(memory.text()).not.toContain("amount");
  });

  test("are read before write() returns", async () => {
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const { log, memory, sink } = await opened({ contents: { key } });
    const payload = { amount: 5 };
    sink.write({ ...decision(1), ...{ payload } });
    sink.write({ ...decision(2), ...{ payload: { amount: 5 } } });
    payload.amount = 6;
    await log.close();
    const inputs = memory.entries().flatMap((entry) => entry.kind === "decision" ? [entry.input] : []);
    expect(inputs[0]).toBe(inputs[1]);
  });

  test("go to another target with their salt: deleting the line there erases them, and the log stays proven", async () => {
    let apart = "";
    const { log, memory, key, sink } = await opened({ contents: { to: { write: (text) => void (apart += text) } } });
    sink.write({ ...decision(1), ...{ payload: { amount: 5 } } });
    sink.write({ ...decision(2), ...{ payload: { amount: 5 } } });
    await log.close();
    const lines = linesOf(apart).map((line) => JSON.parse(line) as Record<string, string | number>);
    expect(lines.map(({ seq, content }) => [seq, content])).toEqual([[1, '{"amount":5}'], [2, '{"amount":5}']]);
    const inputs = memory.entries().flatMap((entry) => entry.kind === "decision" ? [entry.input] : []);
    expect(inputs).toEqual(lines.map((line) => line["digest"]));
    // The same content has another digest each time, and the digest is that of salt and content.
    expect(inputs[0]).not.toBe(inputs[1]);
    const [{ salt, content, digest: told } = {}] = lines;
    const bytes = await digest(`${salt}\n${content}`);
    expect(told).toBe(`salted-sha256:${btoa(String.fromCharCode(...bytes))}`);
    expect(memory.text()).not.toContain("amount");
    expect(await verifyAuditLog(memory.text(), { keys: [key.vkey] })).toMatchObject({ ok: true });
  });

  test("count as not stored where their target fails, and are stored once", async () => {
    let fails = true;
    const stored: string[] = [];
    const to = {
      write: (text: string) => {
        if (fails) throw new Error("No");
        stored.push(text);
      },
    };
    const { log, memory, sink } = await opened({ contents: { to } });
    sink.write({ ...decision(1), ...{ payload: 5 } });
    expect(await log.flush()).toBeUndefined();
    expect(memory.text()).toBe("");
    fails = false;
    await log.close();
    expect(stored).toHaveLength(1);
    expect(memory.entries()).toHaveLength(3);
  });

  test("that are not there leave nothing", async () => {
    const entries = [{ seq: 1, timestamp: 1, body: decision(1), content: undefined, evidence: undefined }];
    const { contents, entries: same } = await saltedEvidence({ write: () => undefined }).of(entries, waiting);
    expect([contents, same]).toEqual(["", entries]);
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    expect((await hmacEvidence(key).of(entries, waiting)).entries).toEqual(entries);
  });

  test("of other kinds than JSON's have a text of their own", () => {
    const values: unknown[] = [
      ...[undefined, null, true, 1, "1", 1n, NaN, Infinity, -0, [], {}, [1], { a: 1 }, { a: undefined }],
      ...[new Date(0), new URL("https://a.example/"), new Map([["a", 1]]), new Set(["a", 1]), new Uint8Array(2)],
    ];
    const texts = values.map(contentText);
    expect(texts).not.toContain(undefined);
    // -0 is written as 0, as JSON does.
    expect(new Set(texts).size).toBe(values.length);
    expect(contentText({ b: 1, a: [new Date(0)] })).toBe('{"a":[{"$Date":"1970-01-01T00:00:00.000Z"}],"b":1}');
    const deep = Array.from({ length: 100 }).reduce<unknown>((inner) => [inner], 0);
    expect(contentText(deep)).toBeUndefined();
    expect(contentText("x".repeat((1 << 20) + 1))).toBeUndefined();
  });
});
