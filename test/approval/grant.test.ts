import { beforeAll, describe, expect, test } from "vitest";
import {
  type ApprovalGrant,
  type ApprovalRequest,
  createKernel,
  defineGuard,
  definePlugin,
  escalate,
  grantApproval,
  type KernelOptions,
  memoryStore,
  type Session,
  type StateStore,
  transform,
} from "../../mod.ts";

let hmac: CryptoKey;
let other: CryptoKey;
beforeAll(async () => {
  const make = () => crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  [hmac, other] = await Promise.all([make(), make()]);
});

const asks = defineGuard({
  name: "asks",
  stages: ["pre_tool_call"],
  check: ({ name }) => name === "pay" ? escalate("A payment") : escalate("Something else", "other"),
});
const open = (options: KernelOptions = {}, init: object = {}): Session =>
  createKernel({ guards: [asks], approvalKey: hmac, ...options }).session({
    agentId: "payer",
    sessionId: "s1",
    ...init,
  });
const pay = (amount = 5, more: object = {}) => ({ name: "pay", arguments: { amount }, callId: "c1", ...more });
/** What the person is sent: data that went through JSON, as it would on its way out of the process. */
const question = async (session: Session, call = pay()): Promise<ApprovalRequest> => {
  const error = await session.tool(call, () => "ran").catch((caught: unknown) =>
    caught as { approval: ApprovalRequest }
  );
  return JSON.parse(JSON.stringify((error as { approval: ApprovalRequest }).approval)) as ApprovalRequest;
};
const stored = (store: StateStore): KernelOptions => ({
  plugins: [definePlugin({ name: "store", setup: (host) => host.store(store) })],
});

describe("grantApproval()", () => {
  test("lets exactly the approved call run once, in another process, when it shares the session id, call id, key and store", async () => {
    const store = memoryStore();
    const request = await question(open(stored(store)));
    const grant = JSON.parse(
      JSON.stringify(await grantApproval(request, hmac, { approved: true, by: "ada" })),
    ) as ApprovalGrant;
    const later = open(stored(store));
    expect(await later.tool(pay(5, { grant }), (args) => args.amount)).toBe(5);
    await expect(open(stored(store)).tool(pay(5, { grant }), () => "again")).rejects.toMatchObject({
      code: "approval_denied",
    });
  });

  test("works with Ed25519, when the kernel has only the public key", async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "Ed25519" }, false, [
      "sign",
      "verify",
    ]) as CryptoKeyPair;
    const session = open({
      approvalKey: publicKey,
      approve: (request) => grantApproval(request, privateKey, { approved: true }),
    });
    expect(await session.tool(pay(), () => "paid")).toBe("paid");
  });

  test.each<[string, (grant: ApprovalGrant) => unknown, object?, object?]>([
    ["another payload", (grant) => grant, { amount: 10000 }],
    ["another call", (grant) => grant, { callId: "c2" }],
    ["another tool", (grant) => grant, { name: "refund" }],
    ["another agent", (grant) => grant, {}, { agentId: "other" }],
    ["another session", (grant) => grant, {}, { sessionId: "s2" }],
    ["a policy that changed", (grant) => grant, {}, { policy: { maxToolCalls: 1 } }],
    ["a refusal turned round", (grant) => ({ ...grant, approved: true })],
    ["a longer life", (grant) => ({ ...grant, expiresAt: grant.expiresAt + 1 })],
    ["another approver", (grant) => ({ ...grant, by: "eve" })],
    ["a payload put in", (grant) => ({ ...grant, payload: { amount: 1 } })],
    ["an empty signature", (grant) => ({ ...grant, signature: "" })],
    ["a cut signature", (grant) => ({ ...grant, signature: grant.signature.slice(1) })],
  ])("does not fit, when used for %s", async (what, tamper, call = {}, init = {}) => {
    const request = await question(open());
    const grant = await grantApproval(request, hmac, { approved: what !== "a refusal turned round", by: "ada" });
    const { amount = 5, ...rest } = call as { amount?: number };
    await expect(open({}, init).tool(pay(amount, { ...rest, grant: tamper(grant) }), () => "ran")).rejects
      .toMatchObject({ code: "approval_denied" });
  });

  test("does not fit, when another key signed it, or the kernel has none", async () => {
    const grant = await grantApproval(await question(open()), other, { approved: true });
    await expect(open().tool(pay(5, { grant }), () => "ran")).rejects.toMatchObject({ code: "approval_denied" });
    const bare = createKernel({ guards: [asks] }).session({ agentId: "payer", sessionId: "s1" });
    await expect(bare.tool(pay(5, { grant }), () => "ran")).rejects.toMatchObject({ code: "approval_denied" });
  });

  test("denies, when the approver refused", async () => {
    const session = open({ approve: (request) => grantApproval(request, hmac, { approved: false, by: "ada" }) });
    await expect(session.tool(pay(), () => "ran")).rejects.toMatchObject({
      code: "approval_denied",
      reason: "The approver refused",
    });
  });

  test("denies, when it has expired", async () => {
    let now = 1000;
    const clock = (): number => now;
    const grant = await grantApproval(await question(open({ clock, approvalTtlMs: 100 })), hmac, { approved: true });
    now = 1100;
    await expect(open({ clock, approvalTtlMs: 100 }).tool(pay(5, { grant }), () => "ran")).rejects.toMatchObject({
      code: "approval_denied",
    });
  });

  test("is spent by one of two workers, when both use it at once", async () => {
    const store = memoryStore();
    const grant = await grantApproval(await question(open(stored(store))), hmac, { approved: true });
    let ran = 0;
    await Promise.allSettled([1, 2].map(() => open(stored(store)).tool(pay(5, { grant }), () => ran++)));
    expect(ran).toBe(1);
  });

  test("denies, when the store fails", async () => {
    const down = (): never => {
      throw new Error("down");
    };
    const store: StateStore = { name: "down", read: () => undefined, put: down, take: down, giveBack: down };
    const grant = await grantApproval(await question(open()), hmac, { approved: true });
    await expect(open(stored(store)).tool(pay(5, { grant }), () => "ran")).rejects.toMatchObject({
      code: "approval_denied",
    });
  });

  test("has an edited payload judged again from the first guard", async () => {
    const edit = (payload: unknown) =>
      open({
        policy: { blockedPatterns: ["secret"] },
        approve: (request) => grantApproval(request, hmac, { approved: true, payload }),
      });
    expect(await edit({ amount: 1 }).tool(pay(), (args, _signal, changed) => [args, changed])).toEqual([
      { amount: 1 },
      true,
    ]);
    await expect(edit({ note: "secret" }).tool(pay(), () => "ran")).rejects.toMatchObject({ code: "blocked_pattern" });
  });

  test("fits the payload as the guards made it, when one transforms", async () => {
    const half = defineGuard({
      name: "half",
      stages: ["pre_tool_call"],
      check: ({ payload }) => transform({ amount: (payload as { amount: number }).amount / 2 }, "halved"),
    });
    const session = createKernel({
      guards: [half, asks],
      approvalKey: hmac,
      approve: (request) => grantApproval(request, hmac, { approved: request.text === 'pay {"amount":5}' }),
    }).session({ agentId: "a" });
    expect(await session.tool(pay(10), (args) => args)).toEqual({ amount: 5 });
  });

  describe("with a quorum of two", () => {
    const quorum = (options: KernelOptions): Session => open({ approvalQuorum: 2, ...options });
    const signed = (by?: string, more: object = {}) => (request: ApprovalRequest) =>
      grantApproval(request, hmac, { approved: true, ...(by === undefined ? {} : { by }), ...more });
    const answers = (...made: ReturnType<typeof signed>[]): KernelOptions => ({
      approve: async (request) => await Promise.all(made.map((make) => make(request))),
    });

    test("lets the call run, when two approvers signed", async () => {
      expect(await quorum(answers(signed("ada"), signed("bob"))).tool(pay(), () => "paid")).toBe("paid");
    });

    test.each<[string, KernelOptions]>([
      ["nobody signed", { approve: async () => true }],
      ["one signed", answers(signed("ada"))],
      ["one signed twice", answers(signed("ada"), signed("ada"))],
      ["one of them has no name", answers(signed("ada"), signed())],
      ["the agent signed for itself", answers(signed("ada"), signed("payer"))],
      ["one of them refused", answers(signed("ada"), signed("bob"), signed("eve", { approved: false }))],
      [
        "they changed the call differently",
        answers(signed("ada", { payload: { amount: 1 } }), signed("bob", { payload: { amount: 2 } })),
      ],
      ["one of them changed the call", answers(signed("ada"), signed("bob", { payload: { amount: 5 } }))],
      ["the list is empty", answers()],
    ])("denies, when %s", async (_what, options) => {
      await expect(quorum(options).tool(pay(), () => "ran")).rejects.toMatchObject({ code: "approval_denied" });
    });

    test.each([0, -1, NaN, 1.5, "2"])("throws, when the quorum is %s", (approvalQuorum) => {
      expect(() => createKernel({ approvalQuorum: approvalQuorum as number })).toThrow(/"approvalQuorum"/);
    });
  });

  test.each([["approved that is no boolean", { approved: "yes" }], ["by that is no text", { approved: true, by: 5 }], [
    "a payload that is not plain",
    { approved: true, payload: { f: () => 1 } },
  ]])("throws, when given %s", async (_what, answer) => {
    await expect(grantApproval(await question(open()), hmac, answer as never)).rejects.toBeInstanceOf(TypeError);
  });
});

describe("grantApproval()", () => {
  test.each<[string, unknown, RegExp]>([
    ["an unknown key", { approved: true, By: "ada" }, /"By"/],
    ["a misspelt answer", { aproved: true }, /"aproved"/],
    ["an answer that is inherited", Object.create({ approved: true }), /"approved"/],
    ["no answer", undefined, /object/],
    ["a list", [true], /object/],
  ])("throws a TypeError, when given %s", async (_what, answer, message) => {
    const request = await question(open());
    await expect(grantApproval(request, hmac, answer as never)).rejects.toThrow(message);
    await expect(grantApproval(request, hmac, answer as never)).rejects.toBeInstanceOf(TypeError);
  });

  test("takes no payload that is undefined for an edit", async () => {
    const request = await question(open());
    const grant = await grantApproval(request, hmac, { approved: true, payload: undefined });
    expect(Object.hasOwn(grant, "payload")).toBe(false);
    expect(await open().tool(pay(5, { grant }), (args) => args.amount)).toBe(5);
  });

  test.each<[string, object]>([["id", { id: 5 }], ["digest", { digest: undefined }], ["expiresAt", {
    expiresAt: null,
  }]])("throws a TypeError, when the request has no %s", async (_what, change) => {
    const request = { ...(await question(open())), ...change } as ApprovalRequest;
    await expect(grantApproval(request, hmac, { approved: true })).rejects.toBeInstanceOf(TypeError);
  });

  test("throws a TypeError, when the key can't sign", async () => {
    const request = await question(open());
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]) as CryptoKeyPair;
    for (const key of [pair.publicKey, {}, undefined, "secret"]) {
      await expect(grantApproval(request, key as CryptoKey, { approved: true })).rejects.toThrow(/"key"/);
    }
  });
});

describe("createKernel({ approvalKey })", () => {
  test("throws a TypeError, when the key can't verify", async () => {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]) as CryptoKeyPair;
    const signs = await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    const ecdsa = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    for (const approvalKey of [pair.privateKey, signs, ecdsa.publicKey, {}, "secret", null]) {
      expect(() => createKernel({ approvalKey: approvalKey as CryptoKey })).toThrow(/"approvalKey"/);
    }
    expect(() => createKernel({ approvalKey: pair.publicKey })).not.toThrow();
  });
});
