import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as lib from "../mod.ts";
import { createKernel as createCoreKernel } from "../src/core.ts";
import { storeKit, testPlugin } from "../src/testing/mod.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const identity = await lib.createIdentity();
const other = await lib.createIdentity();
const agent = lib.agentProfile({ did: identity.did, name: "A" });
const session = (options: object = {}) => lib.createKernel(options).session({ agentId: "a" });
const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
const expiresAt = Date.now() + 60_000;
const audience = "https://gateway.example";
const parts = async function* (): AsyncGenerator<string> {
  yield "a";
};
const drained = async (stream: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of stream);
};
const record = { stage: "input", name: "a", payload: 1, effect: "allow" };
const call = { name: "t", arguments: {} };
const text = { textOf: (part: string) => part, withText: (_: string, changed: string) => changed };

const fixture = {
  name: "p",
  entries: { run: { gates: ["run"], drive: () => Promise.resolve({}) } },
  coverage: () => ({ governed: [], passedThrough: [], ungoverned: [] }),
} as const;

/**
 * Every object that a user writes for a function or a method of the package: what stands in the report as a type, or
 * after `name: {` in the parameters of what is named. Each is called with some fields more.
 */
const WRITTEN: Readonly<Record<string, (extra: object) => unknown>> = {
  // Of functions and methods, in place.
  "CoreKernel.explain": (extra) =>
    createCoreKernel().explain({ stage: "input", name: "a", payload: 1, ...extra }, { agentId: "a" }),
  "Identity.exportJwk": (extra) => identity.exportJwk(extra as Any),
  "ProfileStore.save": (extra) => lib.profileStore({ store: lib.memoryStore() }).save(agent, extra),
  "Session.run": (extra) => session().run(1, () => 2, extra),
  "Session.model": (extra) => session().model({ model: "m", request: "", ...extra }, () => 1),
  "Session.tool": (extra) => session().tool({ ...call, ...extra }, () => 1),
  "Session.begin": (extra) => session().begin({ stage: "input", name: "a", payload: 1, ...extra }),
  "Session.check": (extra) => session().check({ stage: "input", name: "a", payload: 1, ...extra }),
  actionGuard: (extra) => lib.actionGuard(extra),
  agentProfile: (extra) => lib.agentProfile({ did: identity.did, name: "A", ...extra }),
  answerChallenge: async (extra) => {
    const issued = await lib.challengeVerifier({ audience }).issue() as Any;
    return lib.answerChallenge(identity, issued.challenge, { audience, ...extra });
  },
  checkHandoff: (extra) => lib.checkHandoff({ from: agent, to: agent, ...extra }),
  createVerificationCache: (extra) => lib.createVerificationCache(extra),
  defineGuard: (extra) => lib.defineGuard({ name: "g", check: () => lib.allow(), ...extra }),
  grantApproval: (extra) =>
    lib.grantApproval({ id: "1", digest: "ab", expiresAt }, key, { approved: true, by: "b", ...extra } as Any),
  driftMonitor: (extra) => lib.driftMonitor(extra),
  maxPayload: (extra) => lib.maxPayload({ bytes: 1, ...extra }),
  profileStore: (extra) => lib.profileStore({ store: lib.memoryStore(), ...extra }),
  selectAgents: (extra) => lib.selectAgents([], extra),
  trustTracker: (extra) => lib.trustTracker(extra),
  // By their types.
  ActInit: (extra) => session().run(1, () => 2, { callId: "1", ...extra }),
  ApprovalOptions: (extra) => lib.approvals({ approve: () => true, ...extra }),
  TrustOptions: (extra) => lib.trust({ guard: lib.actionGuard(), ...extra }),
  PluginEntry: (extra) => testPlugin({ ...fixture, entries: { run: { ...fixture.entries.run, ...extra } } }),
  PluginFixture: (extra) => testPlugin({ ...fixture, ...extra }),
  RuleInit: (extra) => lib.rules([{ effect: "deny", ...extra }]),
  RuleLimit: (extra) => lib.rules([{ limit: { max: 1, ...extra } }]),
  BlockedPattern: (extra) => lib.blockPatterns([{ pattern: "x", type: "substring", ...extra }]),
  CardInit: (extra) => lib.signCard(identity, { name: "a", ...extra }),
  ChallengeVerifierOptions: (extra) => lib.challengeVerifier({ audience, ...extra }),
  CheckOptions: (extra) => session().check({ stage: "input", name: "a", payload: 1, limits: true, ...extra } as Any),
  "CheckOptions.denial": (extra) =>
    session().check({
      stage: "pre_tool_call",
      name: "t",
      payload: 1,
      denial: { code: "c", reason: "r", ...extra },
    }),
  ContentHashOptions: (extra) => lib.contentHash({}, extra),
  CostBudgetOptions: (extra) => lib.costBudget(1, extra),
  DelegateOptions: (extra) => lib.delegate(identity, { to: other.did, capabilities: ["read"], expiresAt, ...extra }),
  DelegationRoot: (extra) =>
    lib.verifyDelegation([], { holder: other.did, roots: [{ did: identity.did, capabilities: [], ...extra }] }),
  IdentityOptions: (extra) => lib.createIdentity(extra),
  IdentityProof: (extra) =>
    lib.verifyIdentity({
      did: identity.did,
      message: new Uint8Array(),
      signature: new Uint8Array(64),
      ...extra,
    }),
  KernelOptions: (extra) => lib.createKernel(extra),
  LimitOptions: (extra) => lib.maxToolCalls(1, extra),
  MaxConcurrentOptions: (extra) => lib.maxConcurrent(1, extra),
  MemoryStoreOptions: (extra) => lib.memoryStore(extra),
  ModelPrice: (extra) => lib.createKernel({ prices: { m: { input: 1, output: 1, ...extra } } }),
  NoLoopsOptions: (extra) => lib.noLoops({ repeats: 2, ...extra }),
  ParsePolicyOptions: (extra) => lib.parsePolicy("{}", extra),
  PayloadCaps: (extra) => lib.createKernel({ limits: { tool: { bytes: 9, ...extra } } }),
  PayloadLimits: (extra) => lib.createKernel({ limits: extra }),
  PinToolsOptions: (extra) => lib.pinTools({}, extra),
  Plugin: (extra) => lib.definePlugin({ name: "p", setup: () => {}, ...extra }),
  ClientPlugin: (extra) => lib.definePlugin({ name: "p", wrap: <T>(client: T) => client, ...extra }),
  AdapterPlugin: (extra) => lib.definePlugin({ name: "p", wrap: () => ({}), ...extra }),
  PolicyInit: (extra) => lib.definePolicy(extra),
  RateLimitOptions: (extra) => lib.rateLimit({ max: 1, windowMs: 1, ...extra }),
  RecordedCall: (extra) => lib.replay([{ ...record, ...extra } as Any], lib.createKernel()),
  SessionInit: (extra) => lib.createKernel().session({ agentId: "a", ...extra }),
  StandingOptions: (extra) => lib.challengeVerifier({ audience }).verify({}, extra),
  StoreKitOptions: (extra) => storeKit({ create: () => lib.memoryStore(), ...extra }),
  StreamOptions: (extra) =>
    drained(session().stream(parts(), { stage: "output", name: "a", ...text, ...extra } as Any)),
  TokenBudgetOptions: (extra) => lib.tokenBudget(1, extra),
  ToolIdentity: (extra) => lib.pinTools({ t: { description: "d", inputSchema: {}, ...extra } }),
  TrustDecay: (extra) => lib.trustTracker({ decay: { perDay: 1, ...extra } }),
  ValidateArgumentsOptions: (extra) => lib.validateArguments({}, extra),
  VerifyCardOptions: (extra) => lib.verifyCard({}, extra),
  VerifyDelegationOptions: (extra) => lib.verifyDelegation([], { holder: other.did, roots: [], ...extra }),
};

/** What else is handed in, and why a field that is not known is no mistake of its writer there. */
const TAKEN: Readonly<Record<string, string>> = {
  AbortSignalLike: "made by the platform",
  Act: "made by a session",
  ActObserver: "an object with methods, which may be of a class",
  ActionGuard: "an object with methods, which may be of a class",
  AgentProfile: "any object of that shape; agentProfile() refuses others",
  AgentStatus: "a text",
  ApprovalAnswer: "an answer or a grant",
  ApprovalGrant: "from outside; what does not fit denies",
  ApprovalRequest: "made by a session; id, digest and expiresAt are read",
  Approver: "an object with methods, which may be of a class",
  AuditRecord: "made by a kernel",
  AuditSink: "an object with methods, which may be of a class",
  CapabilityMatching: "a text",
  Condition: "places, by names that the user chooses",
  Coverage: "for people, as a plugin says it",
  CoreKernel: "made by createKernel()",
  Challenge: "from outside; a field too many is malformed",
  CryptoKeyLike: "made by the platform",
  Decision: "made by guards; anything but its four shapes denies",
  DecisionCode: "a text",
  DelegationChain: "from outside; a field too many is malformed",
  DelegationLink: "from outside; a field too many is malformed",
  DenialListener: "a function",
  Deny: "made by guards; anything but its shape denies",
  Ending: "what a drive of a fixture came to: a part too many is compared like any other",
  EndedAct: "made by a session",
  Escalate: "made by guards; anything but its shape denies",
  Escalation: "made by a session",
  ExecutionContext: "made by a session",
  GovernanceEvents: "made by a kernel",
  GovernancePolicy: "made by definePolicy()",
  GovernedRequest: "made by a session",
  Guard: "a function",
  GuardPlace: "a text",
  InputListener: "a function",
  Identity: "made by createIdentity()",
  Interceptor: "a function",
  PendingAct: "made by a session",
  "PendingAct.judge": "what an approver made of a call, whose payload alone is read",
  PluginGate: "a text",
  PluginHost: "made by a kernel",
  PolicyMistake: "of an error",
  "PolicyViolationError.constructor": "what denies must come about: a listener's mistake in it must not let an act run",
  Predicate: "a function",
  Prices: "a table of prices, by names that the user chooses",
  PublicJwk: "a key, whose other members its standard leaves open",
  PutOptions: "written by the library for a store",
  ReadableParts: "a stream",
  Session: "made by a kernel",
  Scene: "made by the kit",
  SessionHandle: "made by a kernel",
  SessionOpener: "an object with methods, which may be of a class",
  Similarity: "a function",
  Stage: "a text",
  StandardSchemaV1: "an object of another library",
  StopCheck: "a function",
  StateStore: "an object with methods, which may be of a class",
  TakeRequest: "written by the library for a store",
  Taking: "made by a session",
  TokenUsage: "from providers, who report what they like",
  TrustTracker: "an object with methods, which may be of a class",
  VerificationCache: "an object with methods, which may be of a class",
  View: "an object with methods, which may be of a class",
  Write: "a function",
};

/** The objects that the report has people hand in: types that parameters and their fields name, and those in place. */
function handedIn(): ReadonlySet<string> {
  const report = ["core", "testing"].map((name) =>
    readFileSync(new URL(`api/${name}.txt`, import.meta.url), "utf8").trim()
  ).join("\n\n");
  const declared = report.split(/\n\n(?=(?:interface|type|class|const|function|\/\/) ?)/);
  const types = new Map<string, string>();
  for (const one of declared) {
    const name = /^(?:interface|type|class) (\w+)/.exec(one)?.[1];
    if (name !== undefined) types.set(name, one);
  }
  const found = new Set<string>();
  const take = (list: string, owner: string): void => {
    if (/: \{/.test(list)) found.add(owner);
    for (const name of list.match(/\b[A-Z]\w+/g) ?? []) add(name);
  };
  const add = (name: string): void => {
    const text = types.get(name);
    if (text === undefined || found.has(name)) return;
    found.add(name);
    // What an object that is made by the library, or has methods of its own, holds is not written field by field.
    if (Object.hasOwn(TAKEN, name) && !["AgentProfile", "Prices"].includes(name)) return;
    for (const line of text.split("\n")) {
      const inPlace = /^ {4}(?:readonly )?(\w+)\??: \{$/.exec(line)?.[1];
      if (inPlace !== undefined) found.add(`${name}.${inPlace}`);
      for (const field of line.match(/\b[A-Z]\w+/g) ?? []) if (field !== name) add(field);
    }
  };
  for (const one of declared) {
    const name = /^function (\w+)/.exec(one)?.[1];
    if (name !== undefined) take(parametersAt(one, one.indexOf("(")), name);
    const owner = /^(?:interface|class) (\w+)/.exec(one)?.[1];
    if (owner === undefined) continue;
    for (const method of one.matchAll(/^ {4}(\w+)(?:<[^(]*>)?\(/gm)) {
      take(parametersAt(one, method.index + method[0].length - 1), `${owner}.${method[1]}`);
    }
  }
  return found;
}

/** What stands between a bracket and its end. */
function parametersAt(text: string, open: number): string {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const char = text[at] as string;
    if ("([{<".includes(char)) depth++;
    else if (")]}".includes(char) || (char === ">" && text[at - 1] !== "=")) depth--;
    if (depth === 0) return text.slice(open + 1, at);
  }
  throw new Error(`No end to ${text.slice(open, open + 80)}`);
}

describe("every object that a user writes refuses a key that it does not know", () => {
  const all = [...handedIn()].sort();

  test("and each that the report shows is tried here, or named with the reason why not", () => {
    expect(all.filter((name) => !Object.hasOwn(WRITTEN, name) && !Object.hasOwn(TAKEN, name))).toEqual([]);
    // Nothing here is about something that is gone.
    expect(Object.keys({ ...WRITTEN, ...TAKEN }).filter((name) => !all.includes(name))).toEqual([]);
    expect(Object.keys(WRITTEN).filter((name) => Object.hasOwn(TAKEN, name))).toEqual([]);
  });

  test.each(Object.entries(WRITTEN))("%s", async (_, make) => {
    const error = async (extra: object): Promise<unknown> => {
      try {
        await make(extra);
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    };
    const refused = await error({ zzUnknown: 1 });
    expect(refused).toBeInstanceOf(TypeError);
    expect(String(refused)).toMatch(/[".]zzUnknown"/);
    // And nothing more is wrong with it.
    expect(String(await error({}))).not.toContain("known options");
  });
});
