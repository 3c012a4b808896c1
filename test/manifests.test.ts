import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const json = (path: string): any => JSON.parse(read(path));

describe("manifests", () => {
  test("list the core, the tools and every plugin, and nothing else", () => {
    const plugins = readdirSync(join(root, "plugins")).filter((file) => file.endsWith(".ts")).map((file) =>
      `./plugins/${file.replace(/\.ts$/, "")}`
    );
    const wanted = [".", "./audit", "./core", "./testing", ...plugins].sort();
    expect(Object.keys(json("deno.json").exports).sort()).toEqual(wanted);
    expect(Object.keys(json("jsr.json").exports).sort()).toEqual(wanted);
    expect(Object.keys(json("package.json").exports).sort()).toEqual(
      [...wanted, "./policy.schema.json", "./package.json"].sort(),
    );
  });

  test("publish the package for everyone, with its provenance", () => {
    const { private: hidden, publishConfig, repository, sideEffects } = json("package.json");
    expect({ hidden, publishConfig, sideEffects }).toEqual({
      hidden: undefined,
      publishConfig: { access: "public", provenance: true },
      sideEffects: false,
    });
    // The registry refuses a provenance that names another repository.
    expect(repository).toEqual({ type: "git", url: expect.stringMatching(/^git\+https:\/\/[\w./-]+\.git$/) });
  });

  test("lead resolvers that know no exports table to the same declarations", () => {
    const { exports, types, typesVersions } = json("package.json");
    const { "*": paths } = typesVersions as { "*": Record<string, string[]> };
    expect(types).toBe(exports["."].types);
    for (const key of Object.keys(exports).filter((one) => one !== "." && one !== "./package.json")) {
      const name = key.slice(2);
      const found = paths[name]?.[0] ??
        paths[`${name.split("/")[0]}/*`]?.[0]?.replace("*", name.slice(name.indexOf("/") + 1));
      expect(found, key).toBe(exports[key].types ?? exports[key]);
    }
  });

  test("carry the version that the changelog begins with, below what is unreleased", () => {
    expect(/^## (?!Unreleased$)(\S+)/m.exec(read("CHANGELOG.md"))?.[1]).toBe(json("package.json").version);
  });
});

describe("release.mjs", () => {
  /** Checks a tag against manifests that name these versions, and a changelog that begins with this line. */
  function release(
    tag: string,
    versions: readonly [npm: string, deno: string, jsr: string],
    top: string,
  ): { status: number | null; said: string } {
    const folder = mkdtempSync(join(tmpdir(), "sallyport-release-"));
    try {
      ["package.json", "deno.json", "jsr.json"].forEach((path, index) =>
        writeFileSync(join(folder, path), JSON.stringify({ version: versions[index] }))
      );
      writeFileSync(join(folder, "CHANGELOG.md"), `# Changelog\n\n${top}\n\n## 0.9.0 (2026-01-01)\n`);
      const { status, stderr } = spawnSync("node", [join(root, "test/package/release.mjs"), tag, folder], {
        encoding: "utf8",
      });
      return { status, said: stderr.trim() };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test("lets a version pass, when the tag, the manifests and the changelog name it", () => {
    expect(release("v1.0.0", ["1.0.0", "1.0.0", "1.0.0"], "## 1.0.0 (2026-11-22)")).toEqual({ status: 0, said: "" });
  });

  test.each(
    [
      [
        "a tag that is no version's",
        "1.0.0",
        ["1.0.0", "1.0.0", "1.0.0"],
        "## 1.0.0 (2026-11-22)",
        /"1\.0\.0" is not the tag of a version/,
      ],
      [
        "another version on npm",
        "v1.0.0",
        ["1.0.1", "1.0.0", "1.0.0"],
        "## 1.0.0 (2026-11-22)",
        /^package\.json names the version 1\.0\.1$/,
      ],
      [
        "another version in deno.json",
        "v1.0.0",
        ["1.0.0", "0.9.0", "1.0.0"],
        "## 1.0.0 (2026-11-22)",
        /^deno\.json names the version 0\.9\.0$/,
      ],
      [
        "another version on JSR",
        "v1.0.0",
        ["1.0.0", "1.0.0", "0.9.0"],
        "## 1.0.0 (2026-11-22)",
        /^jsr\.json names the version 0\.9\.0$/,
      ],
      ["a changelog that lacks it", "v1.0.0", ["1.0.0", "1.0.0", "1.0.0"], "", /^CHANGELOG\.md begins with 0\.9\.0$/],
      [
        "a changelog without its date",
        "v1.0.0",
        ["1.0.0", "1.0.0", "1.0.0"],
        "## 1.0.0 (unreleased)",
        /no date of release, but "unreleased"$/,
      ],
    ] as const,
  )("refuses %s", (_, tag, versions, top, said) => {
    const found = release(tag, versions, top);
    expect(found.status).toBe(1);
    expect(found.said).toMatch(said);
  });
});
