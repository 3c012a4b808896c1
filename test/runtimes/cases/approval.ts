/** Approvals, on the runtime's own WebCrypto. */
import * as sallyport from "../../../mod.ts";
import { fakeClock } from "../../../src/testing/mod.ts";
import { agent, type Case, codeIn, codeOf, open, same } from "./kit.ts";

const policy = { requireHumanApproval: ["pay"] } as const;
const pay = (eur: number, more: sallyport.ActInit = {}): { name: string; arguments: unknown } & sallyport.ActInit => ({
  name: "pay",
  arguments: { eur, to: "Zoë 😀" },
  callId: "c1",
  ...more,
});
const init = { agentId: "portable", sessionId: "s1" };

async function hmac(hash = "SHA-256"): Promise<CryptoKey> {
  return await crypto.subtle.generateKey({ name: "HMAC", hash }, false, ["sign", "verify"]) as CryptoKey;
}

async function question(session: sallyport.Session, call = pay(5)): Promise<sallyport.ApprovalRequest> {
  const error = await session.tool(call, () => "ran").catch((caught: unknown) => caught);
  if (!sallyport.isPolicyViolation(error) || error.approval === undefined) {
    throw new Error("wanted a question, and there was none");
  }
  return JSON.parse(JSON.stringify(error.approval)) as sallyport.ApprovalRequest;
}

/** The cases, in order. */
export const approvalCases: readonly Case[] = [
  {
    name: "a grant signed by HMAC is good for its call, once, in another process too",
    async run(): Promise<void> {
      for (const hash of ["SHA-256", "SHA-512"]) {
        const approvalKey = await hmac(hash);
        const kept = sallyport.memoryStore();
        const process = (): sallyport.Session => open({ policy, approvalKey, store: kept }, init);
        const grant = JSON.parse(
          JSON.stringify(
            await sallyport.grantApproval(await question(process()), approvalKey, { approved: true, by: "Zoë" }),
          ),
        ) as sallyport.ApprovalGrant;
        same(await codeOf(process().tool(pay(6, { grant }), () => 1)), "approval_denied", "another payload");
        same(await process().tool(pay(5, { grant }), (safe) => safe), { eur: 5, to: "Zoë 😀" });
        same(await codeOf(process().tool(pay(5, { grant }), () => 1)), "approval_denied", "a second time");
      }
    },
  },
  {
    name: "a grant signed by Ed25519 is verified with the public key alone",
    async run(): Promise<void> {
      const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "Ed25519" }, false, [
        "sign",
        "verify",
      ]) as CryptoKeyPair;
      const session = open({
        policy,
        approvalKey: publicKey,
        approve: (request) => sallyport.grantApproval(request, privateKey, { approved: true, by: "ann" }),
      });
      same(await session.tool(pay(5), (safe: { eur: number }) => safe.eur), 5);
    },
  },
  {
    name: "a grant of another key, a changed one, a refusal and a lapsed one deny",
    async run(): Promise<void> {
      const [approvalKey, other] = await Promise.all([hmac(), hmac()]);
      const clock = fakeClock(1000);
      const process = (): sallyport.Session => open({ policy, approvalKey, approvalTtlMs: 1000, clock }, init);
      const request = await question(process());
      const grant = await sallyport.grantApproval(request, approvalKey, { approved: true, by: "ann" });
      const bad = [await sallyport.grantApproval(request, other, { approved: true }), { ...grant, by: "eve" }, {
        ...grant,
        signature: "",
      }, await sallyport.grantApproval(request, approvalKey, { approved: false })];
      for (const [index, one] of bad.entries()) {
        same(await codeOf(process().tool(pay(5, { grant: one }), () => 1)), "approval_denied", `grant ${index}`);
      }
      clock.advance(1000);
      same(await codeOf(process().tool(pay(5, { grant }), () => 1)), "approval_denied", "when it has lapsed");
    },
  },
  {
    name: "a grant with an edited payload runs on that, judged again",
    async run(): Promise<void> {
      const key = await hmac();
      const edit = (payload: unknown): sallyport.Session =>
        open({
          policy: { ...policy, blockedPatterns: ["mallory"] },
          approvalKey: key,
          approve: (request) => sallyport.grantApproval(request, key, { approved: true, payload }),
        });
      // The edit is asked about anew, and answered with the same edit.
      same(await edit({ eur: 1, to: "bob" }).tool(pay(5), (safe) => safe), { eur: 1, to: "bob" });
      same(await codeOf(edit({ eur: 1, to: "Mallory" }).tool(pay(5), () => 1)), "blocked_pattern");
    },
  },
  {
    name: "a name that looks like another, or is the requester's own, makes no second approver",
    async run(): Promise<void> {
      const key = await hmac();
      const by = async (...names: string[]): Promise<unknown> => {
        const approve = (request: sallyport.ApprovalRequest): Promise<sallyport.ApprovalGrant[]> =>
          Promise.all(names.map((name) => sallyport.grantApproval(request, key, { approved: true, by: name })));
        return await codeOf(open({ policy, approvalKey: key, approvalQuorum: 2, approve }, init).tool(pay(5), () => 1));
      };
      for (const name of ["ANN ", "a\u200bnn", "\u0430nn", "Portable", "p\u043ertable", ""]) {
        same(await by("ann", name), "approval_denied", name);
      }
      same(await by("ann", "bob"), "allowed");
    },
  },
  {
    name: "the digest of a call is the same in every runtime",
    async run(): Promise<void> {
      const request = await question(open({ policy, clock: () => 0 }, init));
      same([request.digest, request.policyDigest], [CALL_DIGEST, POLICY_DIGEST]);
      same(request.text, 'pay {"eur":5,"to":"Zoë 😀"}');
      same(
        (await question(open({ policy, clock: () => 0 }, init), pay(6))).digest === CALL_DIGEST,
        false,
        "of another call",
      );
    },
  },
  {
    name: "what a person is shown hides nothing: control characters, directions and lone surrogates are escaped",
    async run(): Promise<void> {
      const error = await open({ policy }).tool(
        { name: "pay", arguments: { to: "a\u202eb\u200bc\ud800\u0007" } },
        () => 1,
      ).catch((caught: unknown) => caught);
      const text = sallyport.isPolicyViolation(error) ? error.approval?.text ?? "" : "";
      same([text.startsWith('pay {"to":"a'), /[\u202e\u200b\ud800\u0007]/.test(text), /202e.*200b.*d800/.test(text)], [
        true,
        false,
        true,
      ]);
    },
  },
  {
    name: "with nobody to ask, or an answer that is not true, an escalation denies",
    async run(): Promise<void> {
      same(await codeOf(open({ policy: { requireHumanApproval: true } }).tool(pay(1), () => 1)), "approval_required");
      const answers: (() => Promise<unknown>)[] = [
        async () => false,
        async () => "yes",
        async () => 1,
        async () => ({ approved: true }),
        () => Promise.reject(new Error("away")),
      ];
      for (const approve of answers) {
        same(
          await codeOf(open({ policy, approve: approve as () => Promise<boolean> }).tool(pay(1), () => 1)),
          "approval_denied",
        );
      }
    },
  },
  {
    name: "begin() returns an escalated act that resume() opens or closes",
    async run(): Promise<void> {
      const session = sallyport.createKernel({ policy }).session(agent);
      const begin = async (callId: string): Promise<sallyport.Act> =>
        await session.begin({ stage: "pre_tool_call", name: "pay", payload: {}, approval: "return", callId });
      const [yes, no] = [await begin("yes"), await begin("no")];
      same([yes.decision.effect, codeIn(await yes.resume(true)), codeIn(await no.resume(false))], [
        "escalate",
        "allow",
        "approval_denied",
      ]);
    },
  },
];

const CALL_DIGEST = "e707d8541b0c0b9a2465bf7b710d2f3627c26bf8f7e135e0d00c83398d6f0298";
const POLICY_DIGEST = "50798d8c8d460b7a31145165fb5ea5765b83f04d0938406a9e1497448e3cf4af";
