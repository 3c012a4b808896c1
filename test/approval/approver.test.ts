import { describe, expect, test } from "vitest";
import { personOf } from "../../src/approval/approver.ts";
import {
  agentProfile,
  type ApprovalRequest,
  createIdentity,
  createKernel,
  grantApproval,
  type KernelOptions,
} from "../../mod.ts";
import { asks, hmac, open, outcome, pay, question, signed } from "./helpers.ts";

const identity = await createIdentity();
const other = await createIdentity();
const base64Url = identity.toJSON().publicKey.x;
const fingerprint = identity.did.slice("did:agentmesh:".length);

async function approvedBy(by: readonly (string | undefined)[], options: KernelOptions, init: object = {}) {
  const approve = (request: ApprovalRequest) => Promise.all(by.map((name) => signed(request, name)));
  return await outcome(open({ approve, ...options }, init), pay());
}

describe("the requester's own signature does not count", () => {
  const profile = agentProfile({ did: identity.did, name: "Deployer One" });
  const keyed = agentProfile({ did: identity.didKey, name: "Deployer One" });
  const plain = agentProfile({ did: "did:agentmesh:payments:payer", name: "Payer" });

  test.each<[string, object, string]>([
    ["its agentId", {}, "payer"],
    ["its agentId in another case", {}, "PAYER"],
    ["its agentId with blanks", {}, " payer\t"],
    ["its agentId with a blank in it", {}, "pay er"],
    ["its agentId with invisible characters", {}, "pay\u200ber\u2060\ufeff\u{e0020}"],
    ["its agentId with a direction turned", {}, "\u202apayer\u202c"],
    ["its agentId in full width", {}, "ｐａｙｅｒ"],
    ["its agentId in mathematical letters", {}, "𝐩𝐚𝐲𝐞𝐫"],
    ["its agentId with a Cyrillic letter", {}, "pаyer"],
    ["its agentId in Cyrillic letters wherever there are", {}, "рауеr"],
    ["its agentId in Lisu letters where there are", {}, "ꓑꓮꓬꓰꓣ"],
    ["its agentId with a letter of another script", {}, "pay\u0b20er\u2800"],
    ["its agentId with a mark", {}, "pay\u0332er"],
    ["its agentId with a full stop", {}, "payer."],
    ["its agentId as a DID", {}, "did:agentmesh:payer"],
    ["its DID", { agent: plain, agentId: undefined }, "did:agentmesh:payments:payer"],
    ["its DID in another case", { agent: plain, agentId: undefined }, "DID:AgentMesh:Payments:Payer"],
    ["the last segment of its DID", { agent: plain, agentId: undefined }, "payer"],
    ["its name", { agent: profile, agentId: undefined }, "deployer one"],
    ["the DID of its key", { agent: profile, agentId: undefined }, identity.did],
    ["the same in capitals", { agent: profile, agentId: undefined }, identity.did.toUpperCase()],
    ["the did:key of its key", { agent: profile, agentId: undefined }, identity.didKey],
    ["the did:key with blanks", { agent: profile, agentId: undefined }, ` ${identity.didKey}\n`],
    ["the did:key with a fragment", { agent: profile, agentId: undefined }, `${identity.didKey}#key-1`],
    ["the did:key in full width", { agent: profile, agentId: undefined }, identity.didKey.replace("did", "ｄｉｄ")],
    ["the did:key in another case", { agent: profile, agentId: undefined }, identity.didKey.toLowerCase()],
    ["what stands behind did:key:", { agent: profile, agentId: undefined }, identity.didKey.slice("did:key:".length)],
    ["the fingerprint of its key", { agent: profile, agentId: undefined }, fingerprint.toUpperCase()],
    ["its public key", { agent: profile, agentId: undefined }, base64Url],
    ["the other DID of its key", { agent: keyed, agentId: undefined }, identity.did],
    ["its did:key", { agent: keyed, agentId: undefined }, identity.didKey],
  ])("under %s", async (_what, init, by) => {
    expect(await approvedBy([by], {}, init)).toBe("approval_denied");
    expect(await approvedBy(["ada", by], { approvalQuorum: 2 }, init)).toBe("approval_denied");
    const grant = await signed(await question(open({}, init)), by);
    expect(await outcome(open({}, init), pay(5, { grant }))).toBe("approval_denied");
    const begun = await open({}, init).begin({ stage: "pre_tool_call", name: "pay", payload: { amount: 5 } });
    if (begun.decision.effect !== "escalate" || begun.decision.approval === undefined) throw new Error("no question");
    expect(await begun.resume(await signed(begun.decision.approval, by))).toMatchObject({ code: "approval_denied" });
  });

  test("under the name of one of those that it acts for", async () => {
    const kernel = createKernel({
      guards: [asks("asks", "A payment")],
      approvalKey: hmac,
      approve: (request) => signed(request, by),
    });
    let by = "boss";
    const child = kernel.session({ agentId: "boss" }).child({ agentId: "lead" }).child({ agentId: "worker" });
    for (by of ["boss", "Lead ", "worker"]) expect(await outcome(child, pay())).toBe("approval_denied");
    by = "ada";
    expect(await outcome(child, pay())).not.toBe("approval_denied");
  });

  test("whatever the name, when the kernel verifies with the requester's own key", async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "Ed25519" }, true, [
      "sign",
      "verify",
    ]) as CryptoKeyPair;
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
    const hidden = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    const jwk = await crypto.subtle.exportKey("jwk", privateKey);
    const { importIdentity } = await import("../../mod.ts");
    const own = await importIdentity({ kty: "OKP", crv: "Ed25519", x: jwk.x, d: jwk.d });
    const approve = (request: ApprovalRequest) => grantApproval(request, privateKey, { approved: true, by: "ada" });
    for (const did of [own.did, own.didKey]) {
      const init = { agentId: undefined, agent: agentProfile({ did, name: "Own" }) };
      for (const approvalKey of [publicKey, hidden]) {
        expect(await outcome(open({ approvalKey, approve }, init), pay()), did).toBe("approval_denied");
      }
    }
    const honest = { agentId: undefined, agent: agentProfile({ did: other.did, name: "Other" }) };
    expect(await outcome(open({ approvalKey: publicKey, approve }, honest), pay())).toEqual({ amount: 5 });
    expect(await outcome(open({ approvalKey: hidden, approve }), pay())).toEqual({ amount: 5 });
  });

  test("but a person's does, also one whose name is close", async () => {
    for (
      const by of ["ada", "payer2", "prayer", "Zoë", "Иван", "李雷", "田中taro", undefined, other.did, other.didKey]
    ) {
      expect(await approvedBy([by], {})).toEqual({ amount: 5 });
      expect(await approvedBy([by], {}, { agent: profile, agentId: undefined })).toEqual({ amount: 5 });
    }
  });
});

describe("approvers are told apart as people are", () => {
  test.each<[string, string, string]>([
    ["case", "Ada", "ADA"],
    ["case that folds to two letters", "Strauß", "STRAUSS"],
    ["blanks", " Ada  Lovelace", "ada lovelace "],
    ["a no-break space", "Ada Lovelace", "Ada\u00a0Lovelace"],
    ["invisible characters", "ada", "a\u200dd\u00ada"],
    ["an unassigned or private character", "ada", "ada\ue000"],
    ["another form of an accent", "Zo\u00eb", "Zoe\u0308"],
    ["full-width letters", "ada", "ａｄａ"],
    ["Cyrillic letters", "ada", "аdа"],
    ["Cyrillic letters only", "coco", "сосо"],
    ["Greek letters", "Anna", "Αnna"],
    ["a capital I for an l", "alice", "aIice"],
    ["a digit for a letter", "bob", "b0b"],
    ["rn for m", "Mary Amold", "Mary Arnold"],
    ["a dotless i", "lisa", "lısa"],
    ["punctuation at the ends", "ada", "(ada)."],
    ["digits of another script", "clerk 7", "clerk ٧"],
    ["the two DIDs of one key", identity.did, identity.didKey],
    ["a DID and its fingerprint", identity.did, fingerprint.toUpperCase()],
    ["one did:key with a fragment", identity.didKey, `${identity.didKey}#x`],
  ])("%s makes no second person", async (_what, one, two) => {
    expect(await approvedBy([one, two], { approvalQuorum: 2 })).toBe("approval_denied");
    expect(await approvedBy([one, "zed"], { approvalQuorum: 2 })).toEqual({ amount: 5 });
    expect(await approvedBy([two, "zed"], { approvalQuorum: 2 })).toEqual({ amount: 5 });
  });

  test.each<[string, string | undefined]>([
    ["no name", undefined],
    ["an empty name", ""],
    ["blanks", " \t\u00a0"],
    ["invisible characters", "\u200b\u2060"],
    ["punctuation", "--"],
  ])("%s is no person", async (_what, by) => {
    expect(await approvedBy(["ada", by], { approvalQuorum: 2 })).toBe("approval_denied");
    expect(await approvedBy([by, by], { approvalQuorum: 2 })).toBe("approval_denied");
  });

  test.each<[string, string]>([
    ["is too long", "a".repeat(600)],
    ["mixes Latin with letters of which it is not known what they look like", "ad\u0b05a"],
    ["is a did:key in another case", other.didKey.toUpperCase()],
  ])("a name that %s can't be told from another's, and does not count", async (_what, by) => {
    expect(await approvedBy([by], {})).toBe("approval_denied");
    expect(await approvedBy(["ada", "bob", by], { approvalQuorum: 2 })).toBe("approval_denied");
  });

  test.each<[string, string, string]>([
    ["two names", "ada", "bob"],
    ["two that differ by one letter", "Anna", "Hanna"],
    ["two with numbers", "approver-1", "approver-2"],
    ["an accent that is part of the letter", "José", "Josè"],
    ["two in Cyrillic", "Иван", "Ирина"],
    ["two in Greek", "Νίκος", "Μάριος"],
    ["two in Arabic", "علي", "عمر"],
    ["two in Chinese", "李雷", "韩梅梅"],
    ["two in Hindi", "अमित", "सुनीता"],
    ["two addresses", "ada@example.com", "bob@example.com"],
    ["two keys", identity.did, other.didKey],
    ["two DIDs that somebody chose", "did:web:a.example:ada", "did:web:b.example:ada"],
  ])("%s are two people", async (_what, one, two) => {
    expect(await approvedBy([one, two], { approvalQuorum: 2 })).toEqual({ amount: 5 });
  });

  test("a third signature of one of two changes nothing", async () => {
    expect(await approvedBy(["ada", "ADA", "bob"], { approvalQuorum: 2 })).toEqual({ amount: 5 });
    expect(await approvedBy(["ada", "ADA", "bob"], { approvalQuorum: 3 })).toBe("approval_denied");
  });
});

test("personOf() reads hostile names in bounded time and memory", async () => {
  for (const by of ["\u0301".repeat(500), "ﷺ".repeat(500), "a\u200d".repeat(256), "\ud800".repeat(500)]) {
    const person = await personOf(by);
    expect(person === undefined || person.names.every((name) => name.length < 20_000)).toBe(true);
  }
});
