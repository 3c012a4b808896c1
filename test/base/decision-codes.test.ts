import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { EVENT_TYPES } from "../../src/base/events.ts";
import { STAGES } from "../../src/base/request.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The list, which ends with what is open to others. */
const LIST = /export type DecisionCode =([^;]+)\| \(string & \{\}\);/;

/** The code of every source, without comments. */
const sources = ["src", "plugins"].flatMap((folder) =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
    // The kits deny as users do, with codes of their own.
    .filter((path) => path.endsWith(".ts") && !/^testing[\\/]/.test(path))
    .map((path) => readFileSync(`${root}${folder}/${path}`, "utf8").replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, ""))
);
const words = (text: string): string[] => (text.match(/"[a-z]+(?:_[a-z]+)*"/g) ?? []).map((word) => word.slice(1, -1));
const listed = sources.flatMap((text) => words(LIST.exec(text)?.[1] ?? ""));
const code = sources.map((text) => text.replace(LIST, ""));
const written = new Set(code.flatMap(words));

/** Words with underscores that are no codes of decisions, and what they are. */
const OTHERS: readonly string[] = [
  ...STAGES,
  ...EVENT_TYPES,
  "invalid_policy", // the code of every PolicyError
  "experimental_context", // an option of the AI SDK
  "refused_call", // a tool call in the AI SDK's history
  "key_ops", // a field of a JSON Web Key
  "not_closed", // what is wrong with an audit log
  // Fields and sections of a policy of the Python toolkit.
  "timeout_seconds",
  "prompt_injection",
  "token_budget",
  "rate_limiter",
  "bounded_semaphore",
  "scope_guard",
  "supply_chain",
  "mcp_security",
];

describe("DecisionCode", () => {
  test("lists every code that the library's own decisions and errors can carry", () => {
    expect(listed.length).toBeGreaterThan(20);
    const unlisted = [...written].filter((word) =>
      word.includes("_") && !listed.includes(word) && !OTHERS.includes(word)
    );
    expect(unlisted, "codes that are missing in src/base/decision.ts, or other words that are missing here").toEqual(
      [],
    );
    const given = code.flatMap((text) =>
      Array.from(text.matchAll(/\b(?:deny|denyBy|warn)\((?:"\w+", |[\w.#]+, )?"([a-z_]+)"/g), ([, word]) => word)
    );
    expect(given.length).toBeGreaterThan(20);
    expect(given.filter((word) => !listed.includes(word as string))).toEqual([]);
  });

  test("lists no code twice, and none that nothing carries", () => {
    expect(listed.filter((word, at) => listed.indexOf(word) !== at)).toEqual([]);
    expect(listed.filter((word) => !written.has(word))).toEqual([]);
  });
});
