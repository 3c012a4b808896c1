import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

describe.each(["README.md", "plugins/README.md"])("%s", (page) => {
  const out = `${root}test/.out/${page.replaceAll(/\W/g, "-").toLowerCase()}`;

  /** The page's programs, each with the line it starts on. */
  const blocks = Array.from(
    readFileSync(`${root}${page}`, "utf8").matchAll(/^```ts\n([\s\S]*?)^```$/gm),
    ({ 1: code, index, input }) => ({
      line: input.slice(0, index).split("\n").length + 1,
      code: code as string,
    }),
  );

  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });

  test("has programs, each of which imports the package under its short name", () => {
    expect(blocks.length).toBeGreaterThan(0);
    expect(
      blocks.filter(({ code }) => !/from "sallyport[/"]/.test(code)).map(({ line }) => line),
      "lines of programs without the import",
    ).toEqual([]);
  });

  test("has programs whose types are right", () => {
    const names = blocks.map(({ line, code }) => {
      writeFileSync(`${out}/line-${line}.ts`, code);
      return `line-${line}.ts`;
    });
    const config = {
      extends: "../../../tsconfig.json",
      compilerOptions: { noUnusedLocals: false },
      files: names,
      include: [],
      exclude: [],
    };
    writeFileSync(`${out}/tsconfig.json`, JSON.stringify(config));
    let output = "";
    try {
      execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", out], {
        encoding: "utf8",
        cwd: root,
      });
    } catch (error) {
      output = (error as { stdout: string }).stdout;
    }
    expect(output).toBe("");
  });

  test.each(blocks)("has a program at line $line that runs to its end", async ({ line, code }) => {
    const entry = `${out}/line-${line}.ts`;
    writeFileSync(entry, `${code}\nconsole.log("reached the end");\n`);
    await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: `${out}/line-${line}.mjs`,
      bundle: true,
      format: "esm",
      platform: "node",
      logLevel: "silent",
    });
    const printed = execFileSync(process.execPath, [`${out}/line-${line}.mjs`], {
      encoding: "utf8",
      timeout: 20_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
    // What a line is said to print behind `//` is what it prints.
    const said = [...code.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text as string);
    expect(printed.split("\n")).toEqual([...said, "reached the end", ""]);
  });
});
