import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "@jridgewell/sourcemap-codec";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

/** The build and its own step are scripts beside the sources, without types. */
const scripts = { build: "../.ci/build.mjs", step: "../.ci/effects.mjs" };
const { buildModules } = await import(scripts.build) as { buildModules(folder: string): Promise<readonly string[]> };
const { markValues } = await import(scripts.step) as {
  markValues(code: string, map: object): { code: string; map: { mappings: string }; effects: readonly string[] };
};

/** A module as the build bundles it, with its map. */
async function bundled(contents: string): Promise<{ code: string; map: string }> {
  const { outputFiles } = await build({
    stdin: { contents },
    bundle: true,
    external: ["*"],
    format: "esm",
    target: "es2022",
    outdir: ".",
    sourcemap: "external",
    write: false,
  });
  const [map, code] = outputFiles.map(({ text }) => text) as [string, string];
  return { code, map };
}

/** What the step makes of a module. */
async function marked(source: string): Promise<{ code: string; effects: readonly string[]; mappings: string }> {
  const { code, map } = await bundled(source);
  const { map: { mappings }, ...found } = markValues(code, JSON.parse(map));
  return { ...found, mappings };
}

test("every module of the package only makes values, so that a bundler can drop what is not used", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-modules-"));
  try {
    expect(await buildModules(folder)).toEqual([]);
    expect(existsSync(join(folder, "mod.js"))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe("markValues()", () => {
  test.each([
    ["a call", "export const a = Object.freeze([1]);", "const a = /* @__PURE__ */ Object.freeze([1]);"],
    ["an instance", "export const a = new TextEncoder();", "const a = /* @__PURE__ */ new TextEncoder();"],
    ["a property", "export const a = Date.now;", "const a = /* @__PURE__ */ (() => Date.now)();"],
    ["a power", "export const a = 2 ** 24;", "const a = /* @__PURE__ */ (() => 2 ** 24)();"],
    [
      "an object that holds one",
      "export const a = { b: 1 << 3 };",
      "const a = /* @__PURE__ */ (() => ({ b: 1 << 3 }))();",
    ],
    [
      "an instance of what is computed",
      "export const a = new Set([...b, 1]);",
      "const a = /* @__PURE__ */ (() => new Set([...b, 1]))();",
    ],
    ["a call of a call", "export const a = f()(1);", "const a = /* @__PURE__ */ (() => f()(1))();"],
    [
      "a class with a static block, which keeps its name",
      "export const A = class { static { f(this); } };",
      "const A = /* @__PURE__ */ (() => class A {\n  static {\n    f(this);\n  }\n})();",
    ],
  ])("marks %s", async (_, source, wanted) => {
    const { code, effects } = await marked(source);
    expect(code.replace(/^\/\/.*\n|export \{[^}]+\};\n$/g, "").trim()).toBe(wanted);
    expect(effects).toEqual([]);
  });

  test.each([
    "export const a = 1;",
    'export const a = "b";',
    "export const a = [1, [b]];",
    "export const a = { b: [c], d() { e.f = 1; } };",
    "export const a = /b/u;",
    "export const a = (b) => c(b++);",
    "export const a = typeof b;",
    "export const A = class { b = 1; static c = 2; static d() { e(); } };",
    "export const a = /* @__PURE__ */ f(1);",
    "export function a() { b(); }",
    'import { a } from "b";\nexport { a as c };',
    "let a;\nexport { a };",
  ])("leaves %s as it is", async (source) => {
    const { code: before } = await bundled(source);
    const { code, effects } = await marked(source);
    expect(code).toBe(before.replace(/^var (?=\w+ =)/gm, "const "));
    expect(effects).toEqual([]);
  });

  test.each([
    ["a call of its own", "f(1);", ["f(1);"]],
    ["an assignment", "A.b = 1;", ["A.b = 1;"]],
    ["a loop", "for (const a of b) c(a);", ["for (const a of b) c(a);"]],
    ["a pattern", "export const { a } = b;", ["{ a } = b"]],
    ["what a static block assigns to others", "export const A = class { static { b = 1; } };", ["b = 1 (in A)"]],
    ["what a static field assigns to others", "export const A = class { static c = (b.d = 1); };", ["b.d = 1 (in A)"]],
    ["what a value assigns to others", "export const a = (b = 1);", ["b = 1 (in a)"]],
    ["what a function that is called at once assigns", "export const a = (() => { b++; return 1; })();", [
      "b++ (in a)",
    ]],
  ])("reports %s", async (_, source, wanted) => expect((await marked(source)).effects).toEqual(wanted));

  test.each([
    ["to itself", "export const A = class { static { this.b = 1; } };"],
    ["to its own variables", "export const a = (() => { const b = {}; b.c = 1; return b; })();"],
    ["when it is called later", "export const A = class { static b() { c = 1; } d = (e = 1); };"],
  ])("lets a value assign %s", async (_, source) => expect((await marked(source)).effects).toEqual([]));

  test.each([
    ["counted", "b++;"],
    ["assigned", "b += 1;"],
    ["assigned as a part of a pattern", "[c.d, { e: b = 2 }] = f;"],
    ["assigned by a loop", "for (b of c) d();"],
  ])("leaves what is %s later a variable, and makes all else constant", async (_, later) => {
    const { code } = await marked(`export let a = 1, b = 1;\nexport let g = 1;\nexport function h() { ${later} }`);
    expect(code).toContain("const a = 1;\nvar b = 1;\nconst g = 1;\n");
  });

  test("keeps the map true: what stands behind a mark has moved with its code", async () => {
    const source = "export const first = [a.b, c.d], second = third.fourth;\nexport const fifth = f(sixth);";
    const { code, mappings } = await marked(source);
    const [lines, sources] = [code.split("\n"), source.split("\n")];
    const words = decode(mappings).flatMap((segments, line) =>
      segments.flatMap(([column, , sourceLine, sourceColumn]) => {
        const [made] = /^\w+/.exec((lines[line] as string).slice(column)) ?? [];
        const [written] = /^\w+/.exec((sources[sourceLine as number] as string).slice(sourceColumn)) ?? [];
        return made === undefined || made === "const" ? [] : [[made, written]];
      })
    );
    expect(words.map(([made]) => made)).toEqual(expect.arrayContaining(["c", "third", "sixth"]));
    for (const [made, written] of words) expect(made).toBe(written);
  });
});
