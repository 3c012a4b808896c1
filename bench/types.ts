/**
 * What do the package's types cost a compiler? A file that uses them, type-checked, next to the same file with types of
 * its own.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { builtPackage, OUT, tsc } from "./harness/dist.ts";
import { record } from "./harness/record.ts";
import { isQuick, median, quantile } from "./harness/time.ts";

builtPackage();
const folder = `${OUT}types/`;
mkdirSync(folder, { recursive: true });
const body = `
const kernel = createKernel({ policy: { allowedTools: ["search"], blockedPatterns: ["password"] }, guards: [] });
const session = kernel.session({ agentId: "a" });
export const found: Promise<string> = session.tool({ name: "search", arguments: { q: "tides" } }, () => "high at noon");
export const isAllowed = async (): Promise<boolean> => (await session.check({ stage: "pre_tool_call", name: "search", payload: {} })).allowed;
`;
const own = `
interface Session { tool<T>(call: { name: string; arguments: unknown }, act: () => T): Promise<T>; check(request: { stage: string; name: string; payload: unknown }): { allowed: boolean } }
declare function createKernel(options: { policy: { allowedTools: string[]; blockedPatterns: string[] }; guards: unknown[] }): { session(init: { agentId: string }): Session };
`;
const contestants: Readonly<Record<string, string>> = {
  "types of its own": `${own}${body}`,
  "the package's types": `import { createKernel } from "../dist/mod.js";\n${body}`,
};
const counted = ["Types", "Instantiations", "Memory used", "Check time", "Total time"] as const;
const runs = Object.entries(contestants).map(([name, text], at) => {
  const file = `${folder}consumer-${at}.ts`;
  writeFileSync(file, text);
  return { name, file, found: new Map<string, number[]>(counted.map((what) => [what, []])) };
});
for (let round = 0; round < (isQuick ? 1 : 9); round++) {
  for (const { file, found } of runs) {
    const printed = tsc([
      "--ignoreConfig",
      "--noEmit",
      "--extendedDiagnostics",
      "--singleThreaded",
      "--strict",
      "--types",
      "",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--lib",
      "es2023,dom",
      file,
    ]);
    for (const what of counted) {
      const value = Number(new RegExp(`^${what}:\\s+([\\d.]+)(s|K)?`, "m").exec(printed)?.[1]);
      if (!Number.isFinite(value)) throw new Error(`tsc must print "${what}", and printed ${printed}`);
      found.get(what)?.push(what.endsWith("time") ? value * 1e9 : what === "Memory used" ? value * 1024 : value);
    }
  }
}
for (
  const [unit, names] of [["", ["Types", "Instantiations"]], ["B", ["Memory used"]], ["ns", [
    "Check time",
    "Total time",
  ]]] as const
) {
  record({
    title: `type-checking a file that uses the package: ${names.join(", ").toLowerCase()}`,
    unit,
    figures: names.flatMap((what) =>
      runs.map(({ name, found }) => {
        const figures = found.get(what) as number[];
        return {
          name: `${what.toLowerCase()}, ${name}`,
          median: median(figures),
          low: quantile(figures, 0.25),
          high: quantile(figures, 0.75),
        };
      })
    ),
    promises: [],
  });
}
