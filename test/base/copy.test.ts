import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as here from "../../mod.ts";
import { MADE_BY, VERSION } from "../../src/base/copy.ts";

type Copy = typeof here;

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sallyport-copy-"));
const did = "did:agentmesh:a";
const holder = `did:agentmesh:${"0".repeat(64)}`;
const proof = { did: holder, message: new Uint8Array(), signature: new Uint8Array(64) };
let other: Copy;
let twin: Copy;

/** The whole package, once more: what a second copy in `node_modules` is. */
async function copyOf(version: string): Promise<Copy> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "mod.ts")],
    bundle: true,
    format: "esm",
    platform: "neutral",
    write: false,
  });
  const text = (outputFiles[0]?.text as string).replaceAll(`"${VERSION}"`, `"${version}"`);
  const path = join(folder, `${version}-${Math.random()}.mjs`);
  writeFileSync(path, text);
  return await import(/* @vite-ignore */ pathToFileURL(path).href) as Copy;
}

beforeAll(async () => {
  [other, twin] = await Promise.all([copyOf("9.9.9"), copyOf(VERSION)]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("VERSION is that of the manifests", () => {
  for (const manifest of ["package.json", "deno.json", "jsr.json"]) {
    expect((JSON.parse(readFileSync(join(root, manifest), "utf8")) as { version: string }).version).toBe(VERSION);
  }
});

describe("another copy of the package is told by name", () => {
  const profileOf = (copy: Copy) => copy.agentProfile({ did, name: "A" });
  const sessionOf = (copy: Copy) => copy.createKernel().session({ agentId: "a" });

  test.each<[string, (copy: Copy) => unknown]>([
    ["createKernel({ trust })", (copy) => here.createKernel({ trust: copy.actionGuard() })],
    ["createKernel({ trustTracker })", (copy) => here.createKernel({ trustTracker: copy.trustTracker() })],
    ["createKernel({ policy })", (copy) => here.createKernel({ policy: copy.definePolicy() })],
    ["createKernel({ guards })", (copy) => here.createKernel({ guards: [copy.maxToolCalls(1)] })],
    [
      "a plugin's guard",
      (copy) => here.createKernel({ plugins: [{ name: "p", setup: (host) => host.guard(copy.maxToolCalls(1)) }] }),
    ],
    ["all()", (copy) => here.all(copy.denyTools(["x"]))],
    ["onTool()", (copy) => here.onTool("x", copy.denyTools(["x"]))],
    ["shadow()", (copy) => here.shadow(copy.all(copy.denyTools(["x"])))],
    ["trustGate()", (copy) => here.trustGate(copy.actionGuard())],
    ["session({ agent })", (copy) => here.createKernel().session({ agent: profileOf(copy) })],
    ["session({ parent })", (copy) => {
      const kernel = here.createKernel();
      kernel.session({ agentId: "a", parent: copy === here ? kernel.session({ agentId: "a" }) : sessionOf(copy) });
    }],
    ["session({ policy })", (copy) => here.createKernel().session({ agentId: "a", policy: copy.definePolicy() })],
    ["wrap() with a session", (copy) => {
      const kernel = here.createKernel();
      const session = copy === here ? kernel.session({ agentId: "a" }) : sessionOf(copy);
      kernel.wrap({}, { name: "p", wrap: () => ({}) }, session);
    }],
    ["explain() with a session", (copy) => {
      const kernel = here.createKernel();
      const session = copy === here ? kernel.session({ agentId: "a" }) : sessionOf(copy);
      return kernel.explain({ stage: "input", name: "a", payload: 1 }, session);
    }],
    ["child({ agent })", (copy) => sessionOf(here).child({ agent: profileOf(copy) })],
    ["recordSuccess()", (copy) => here.trustTracker().recordSuccess(profileOf(copy), "x")],
    ["agentProfile()", (copy) => here.agentProfile(profileOf(copy))],
    ["hasCapability()", (copy) => here.hasCapability(profileOf(copy), "read")],
    ["hasAllCapabilities()", (copy) => here.hasAllCapabilities(profileOf(copy), [])],
    ["hasAnyCapability()", (copy) => here.hasAnyCapability(profileOf(copy), [])],
    ["selectAgents()", (copy) => here.selectAgents([profileOf(here), profileOf(copy)])],
    ["checkHandoff({ from })", (copy) => here.checkHandoff({ from: profileOf(copy), to: profileOf(here) })],
    ["checkHandoff({ to })", (copy) => here.checkHandoff({ from: profileOf(here), to: profileOf(copy) })],
    ["policy.merge()", (copy) => here.definePolicy().merge(copy.definePolicy())],
    ["policy.isStricterThan()", (copy) => here.definePolicy().isStricterThan(copy.definePolicy())],
  ])("when its object is handed to %s", (_, hand) => {
    expect(() => hand(other)).toThrow(
      `was made by another copy of sallyport, version "9.9.9", and this one is version ${VERSION}`,
    );
    expect(() => hand(other)).toThrow(TypeError);
    // Two copies of one version do not see what the other keeps either.
    expect(() => hand(twin)).toThrow("another copy of sallyport");
    hand(here);
  });

  test("when its object is handed to what answers later", async () => {
    const message = 'another copy of sallyport, version "9.9.9"';
    await expect(here.trustTracker().load(profileOf(other))).rejects.toThrow(message);
    await expect(here.profileStore({ store: here.memoryStore() }).save(profileOf(other))).rejects.toThrow(message);
    await expect(here.signCard(await other.createIdentity(), { name: "a" })).rejects.toThrow(message);
  });

  test.each<[string, (copy: Copy) => Promise<unknown>]>([
    ["verifyCard({ agent })", (copy) => here.verifyCard({}, { agent: profileOf(copy) })],
    ["verifyCard({ cache })", (copy) => here.verifyCard({}, { cache: copy.createVerificationCache() })],
    ["verifyIdentity({ agent })", (copy) => here.verifyIdentity({ ...proof, agent: profileOf(copy) })],
    ["verifyIdentity({ cache })", (copy) => here.verifyIdentity({ ...proof, cache: copy.createVerificationCache() })],
    [
      "verifyDelegation({ cache })",
      (copy) => here.verifyDelegation([], { roots: [], holder, cache: copy.createVerificationCache() }),
    ],
    [
      "verify({ agent }) of a challenge",
      (copy) => here.challengeVerifier({ audience: "a" }).verify({}, { agent: profileOf(copy) }),
    ],
    ["replay() of a record's agent", (copy) => {
      const record = { stage: "input", name: "a", payload: 1, effect: "allow", agent: profileOf(copy) } as const;
      return here.replay([record], here.createKernel());
    }],
    ["answerChallenge()", async (copy) => {
      const issued = await here.challengeVerifier({ audience: "a" }).issue();
      const { challenge } = issued as Extract<typeof issued, { allowed: true }>;
      return here.answerChallenge(await copy.createIdentity(), challenge, { audience: "a" });
    }],
    ["delegate()", async (copy) => {
      const options = { to: holder, capabilities: ["read"], expiresAt: Date.now() + 60_000 };
      return here.delegate(await copy.createIdentity(), options);
    }],
    ["save({ from })", (copy) => {
      return here.profileStore({ store: here.memoryStore() }).save(profileOf(here), { from: profileOf(copy) });
    }],
  ])("when its object is handed to %s, which answers later", async (_, hand) => {
    await expect(hand(other)).rejects.toThrow('another copy of sallyport, version "9.9.9"');
    await expect(hand(other)).rejects.toThrow(TypeError);
    await expect(hand(twin)).rejects.toThrow("another copy of sallyport");
    await hand(here);
  });

  test("by a denial, when its profile is handed to a gate", () => {
    const guard = here.actionGuard();
    for (const [copy, version] of [[other, "9.9.9"], [twin, VERSION]] as const) {
      expect(guard.check(profileOf(copy), "search")).toMatchObject({
        allowed: false,
        code: "identity_unverified",
        reason: `The agent was made by another copy of sallyport, version "${version}", and this one is version ` +
          `${VERSION}. A process needs one copy: npm ls sallyport shows where the others come from`,
      });
    }
    // One that was made by hand, of it or not, is judged as it stands.
    expect(guard.check({ ...profileOf(other) }, "search").allowed).toBe(true);
    expect(guard.check(profileOf(here), "search").allowed).toBe(true);
  });

  test("and nothing is, when everything inherits such a mark", async () => {
    Reflect.defineProperty(Object.prototype, MADE_BY, { value: { version: "6.6.6" }, configurable: true });
    try {
      const plain = { did, name: "A", capabilities: [], trustScore: 500, status: "active", metadata: {} } as const;
      expect(here.actionGuard().check(plain, "search").allowed).toBe(true);
      const kernel = here.createKernel({ guards: [() => here.allow()] });
      expect(await kernel.session({ agentId: "a" }).run(1, () => 2)).toBe(2);
    } finally {
      Reflect.deleteProperty(Object.prototype, MADE_BY);
    }
  });

  test("and what is plain data, or works as well from elsewhere, goes on", async () => {
    const card = await other.signCard(await other.createIdentity(), { name: "a" });
    expect((await here.verifyCard(card)).allowed).toBe(true);
    const kernel = here.createKernel({
      policy: other.definePolicy({ allowedTools: ["search"] }).toJSON(),
      guards: [here.rateLimit({ max: 1, windowMs: 1000, store: other.memoryStore() })],
      trustTracker: { ...here.trustTracker() },
    });
    const session = kernel.session({ agent: here.agentProfile({ ...profileOf(other) }) });
    expect(await session.tool({ name: "search", arguments: {} }, () => "found")).toBe("found");
    expect(other.isPolicyViolation(await session.tool({ name: "x", arguments: {} }, () => 1).catch((error) => error)))
      .toBe(true);
  });

  test("and what is used through its methods alone works as well from elsewhere", async () => {
    const store = other.memoryStore();
    const profiles = here.profileStore({ store });
    await profiles.save(profileOf(here));
    expect((await other.profileStore({ store }).load(did))?.name).toBe("A");
    const tracker = here.trustTracker({ store });
    tracker.recordFailure(profileOf(here), "search");
    await tracker.flush();
    expect(await other.trustTracker({ store }).load(profileOf(other))).toBe(450);

    const seen: string[] = [];
    const kernel = here.createKernel({
      store,
      plugins: [other.definePlugin({ name: "p", setup: (host) => void host.on("policy_check", () => seen.push("p")) })],
      interceptors: [other.compose(other.deadline(60_000)), other.deadline(1)],
    });
    const late = kernel.session({ agentId: "a" }).tool({ name: "search", arguments: {} }, () => new Promise(() => {}));
    expect(await late.catch((error) => error)).toMatchObject({ code: "timeout" });
    expect(seen).toContain("p");

    const records = [{ stage: "input", name: "a", payload: 1, effect: "allow" }] as const;
    const denying = other.createKernel({ guards: [() => other.deny("no", "No")] });
    expect(await here.replay(records, denying as never)).toMatchObject([{ index: 0, before: "allow" }]);
    // Decisions are data.
    const decided = here.createKernel({ guards: [() => other.deny("no", "No")] });
    await expect(decided.session({ agentId: "a" }).run(1, () => 2)).rejects.toMatchObject({ code: "no" });
  });

  test("and a mark shows nowhere", () => {
    for (
      const made of [here.trustTracker(), here.actionGuard(), profileOf(here), here.definePolicy(), sessionOf(here)]
    ) {
      const { ...copy } = made as object;
      expect(Object.getOwnPropertySymbols(copy)).toEqual([]);
    }
  });
});
