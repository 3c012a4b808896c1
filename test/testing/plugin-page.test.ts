import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pluginPromises } from "../../src/testing/mod.ts";

test("plugins/README.md explains each promise of testPlugin() once, in its order, when it is read", () => {
  const page = readFileSync(fileURLToPath(new URL("../../plugins/README.md", import.meta.url)), "utf8");
  const rows = page.slice(page.indexOf("## What the kit asks")).matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm);
  const told = Array.from(rows, ([, promise = "", meaning = ""]) => [promise.trim(), meaning.trim()] as const)
    .filter(([promise]) => promise !== "promise" && !promise.startsWith("---"));
  expect(told.map(([promise]) => promise)).toEqual(pluginPromises);
  expect(told.filter(([, meaning]) => meaning.length < 20)).toEqual([]);
});
