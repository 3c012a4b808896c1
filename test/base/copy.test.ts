import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as here from "../../mod.ts";
import { VERSION } from "../../src/base/copy.ts";

type Copy = typeof here;

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sallyport-copy-"));
const did = "did:agentmesh:a";
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
  const text = (outputFiles[0]?.text as string).replace(`VERSION = "${VERSION}"`, `VERSION = "${version}"`);
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

  test("and a mark shows nowhere", () => {
    for (
      const made of [here.trustTracker(), here.actionGuard(), profileOf(here), here.definePolicy(), sessionOf(here)]
    ) {
      const { ...copy } = made as object;
      expect(Object.getOwnPropertySymbols(copy)).toEqual([]);
    }
  });
});
