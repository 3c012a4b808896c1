import { JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { runHost } from "../plugins/run-host.ts";
import type { Report } from "./trial.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the language itself asks of any object: `await`, and a loop or a destructuring that ends early. */
const LANGUAGE = new Set(["then", "return", ...Object.getOwnPropertyNames(Object.prototype)]);

/** Every name that stands in a plugin's code where a field's may: a new option or field is tried without being listed. */
function namesOf(plugin: string): string[] {
  const folders = [plugin, "shared"].map((folder) => `plugins/${folder}`);
  const inside = folders.flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { encoding: "utf8" }).map((file) => `${folder}/${file}`)
  );
  const names = [`plugins/${plugin}.ts`, ...inside].flatMap((path) => {
    const code = readFileSync(`${root}/${path}`, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
    return [...code.matchAll(/(?:\.|"|[{,]\s*|^\s*)([a-z_$~][\w$]*)/gm)].map(([, name]) => name as string);
  });
  return [...new Set(names)].filter((name) => !LANGUAGE.has(name)).sort();
}

/**
 * Names that the framework itself reads from everything, so that it does something else, or nothing, while they are
 * polluted: its own options, the fields of its messages and schemas, and what the platform reads for it. The test says
 * that each breaks it.
 */
const FRAGILE = {
  "ai-sdk": (
    "abort abortSignal cancel error experimental_context get inputSchema messages modelId needsApproval " +
    "onInputAvailable onInputDelta onInputStart output prompt providerExecuted providerMetadata " +
    "providerOptions schema set start stopSequences text toModelOutput toolChoice type validate wrapGenerate " +
    "wrapStream"
  ).split(" "),
  mcp: (
    "_def _meta _pendingListChangedConfig _zod arguments const default else error get id if isError items " +
    "listChanged messages metadata nextCursor outputSchema params ref roots sampling sessionId set signal " +
    "size structuredContent subscribe task tasks toJSON type value values writable"
  ).split(" "),
};

/** What a program of this folder reports of a trial. */
async function reportOf(program: string, trial: object): Promise<Report> {
  const printed = await runHost(`${root}/test/pollution/${program}-host.ts`, JSON.stringify(trial));
  return JSON.parse(printed.trim().split("\n").at(-1) as string) as Report;
}

/** Under anything enumerable the MCP SDK does not connect at all: its schemas find keys that they do not know. */
describe.each(["ai-sdk", "mcp"] as const)("%s under a polluted Object.prototype", (plugin) => {
  const fragile: readonly string[] = FRAGILE[plugin];
  const names = namesOf(plugin).filter((name) => !fragile.includes(name));
  let reports: readonly Report[] = [];
  beforeAll(async () => {
    const found: Report[] = [];
    for (const isEnumerable of plugin === "mcp" ? [false] : [true, false]) {
      found.push(await reportOf(plugin, { names, fragile, isEnumerable }));
    }
    reports = found;
  }, 300_000);

  test("the scenario does what it says, when nothing is polluted", () => {
    expect(names.length).toBeGreaterThan(200);
    for (const { clean } of reports) {
      expect(clean.alone.join("\n")).toMatch(/ran fine drop table,2:ran wipe|ran wipe,2:ran fine drop table/);
      expect(clean.governed.join("\n")).toContain("ran: [0:ran fine");
      expect(clean.governed.join("\n")).not.toMatch(/hunter2|ran wipe|ran fine drop/);
      expect(clean.governed.filter((line) => /is not a function|Cannot read/.test(line))).toEqual([]);
    }
  });

  test("changes nothing, of all names that the framework lives through", () => {
    for (const { clean, polluted } of reports) {
      for (const { kind, alone, governed } of polluted) {
        expect({ kind, alone }).toEqual({ kind, alone: clean.alone });
        expect({ kind, governed }).toEqual({ kind, governed: clean.governed });
      }
    }
  });

  test("lets nothing pass, of all others", () => {
    for (const { fragile: tried } of reports) expect(tried.filter(({ leaks }) => leaks.length > 0)).toEqual([]);
  });

  test("and each of those breaks the framework alone", () => {
    const broken = new Set(
      reports.flatMap(({ fragile: tried }) => tried.filter((one) => one.breaks)).map(({ name }) => name),
    );
    expect(fragile.filter((name) => !broken.has(name))).toEqual([]);
  });
});

describe("mcp under a polluted Object.prototype, once it is connected", () => {
  /** The names of a message: under any other that a loop finds, the SDK takes none. */
  const BORNE = ["id", "jsonrpc"];
  const names = [...new Set([...namesOf("mcp"), ...BORNE])].sort();

  test("the SDK takes no message under a name that a loop finds, but for those of a message", () => {
    const everything = Object.prototype as unknown as Record<string, unknown>;
    const values = [true, "deny", { allowed: true }, () => true];
    const takesUnder = (name: string, value: unknown): boolean => {
      Object.defineProperty(everything, name, { value, enumerable: true, configurable: true, writable: true });
      try {
        return [{ method: "ping" }, { result: {} }].every((part) =>
          JSONRPCMessageSchema.safeParse({ jsonrpc: "2.0", id: 1, ...part }).success
        );
      } catch {
        return false;
      } finally {
        delete everything[name];
      }
    };
    expect(names.filter((name) => values.some((value) => takesUnder(name, value)))).toEqual(BORNE);
  });

  test("lets nothing pass under those, through the SDK", async () => {
    const { clean, fragile } = await reportOf("mcp", { names: [], fragile: BORNE, isEnumerable: true, isLate: true });
    expect(clean.governed.join("\n")).not.toMatch(/hunter2|ran wipe|ran fine drop/);
    expect(fragile.filter(({ leaks }) => leaks.length > 0)).toEqual([]);
  }, 100_000);

  test.each([[true, true], [true, false], [false, true], [false, false]])(
    "changes nothing without the SDK, of all names (enumerable: %s, late: %s)",
    async (isEnumerable, isLate) => {
      const { clean, polluted } = await reportOf("mcp-plugin", { names, fragile: [], isEnumerable, isLate });
      expect(clean.alone.join("\n")).toMatch(/hunter2.*ran wipe.*ran act/s);
      expect(clean.governed.join("\n")).not.toMatch(/hunter2|ran wipe|ran fine drop|ran act/);
      expect(clean.governed.length).toBeGreaterThan(80);
      for (const { kind, alone, governed } of polluted) {
        expect({ kind, alone }).toEqual({ kind, alone: clean.alone });
        expect({ kind, governed }).toEqual({ kind, governed: clean.governed });
      }
    },
    100_000,
  );
});
