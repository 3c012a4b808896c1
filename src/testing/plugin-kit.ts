import { functionOf, ownOptions, wrong, wrongType } from "../base/check.ts";
import type { ConformanceCase } from "./conformance.ts";
import { ALLOWED } from "./plugin/allowed.ts";
import { APPROVAL } from "./plugin/approval.ts";
import { CHANGED } from "./plugin/changed.ts";
import { COUNTED } from "./plugin/counted.ts";
import { DENIED } from "./plugin/denied.ts";
import { NESTING } from "./plugin/nested.ts";
import { OBJECT } from "./plugin/object.ts";
import type { PluginPromise } from "./plugin/promise.ts";
import { STREAMED } from "./plugin/streamed.ts";
import { STOPPING } from "./plugin/stopping.ts";
import { Trial, type TrialInit } from "./plugin/trial.ts";
import type { PluginEntry, PluginFixture, PluginGate } from "./plugin-fixture.ts";

export type { Ending, KitTool, PluginEntry, PluginFixture, PluginGate, Scene, Turn } from "./plugin-fixture.ts";

const WHERE = "testPlugin()";
const PAGE = "plugins/README.md";
const TIMEOUT_MS = 10_000;
const GATES: readonly PluginGate[] = ["run", "model", "tool"];
const PROMISES: readonly PluginPromise[] = [
  ...ALLOWED,
  ...DENIED,
  ...CHANGED,
  ...APPROVAL,
  ...COUNTED,
  ...STREAMED,
  ...STOPPING,
  ...NESTING,
];

/** The promises that {@linkcode testPlugin} holds a plugin to, by the names under which `cannot` takes them. */
export const pluginPromises: readonly string[] = Object.freeze(
  [...PROMISES, ...OBJECT].map(({ name }) => name),
);

/**
 * Lists what a plugin must keep on every way into its framework, as cases for any test runner.
 *
 * Each case drives an entry of the fixture once or more, on the framework itself, with a session whose guard allows,
 * denies, changes or asks, and compares with what the same entry does ungoverned. What models and callers read is
 * searched for texts that the kit has planted, so that it knows no framework's form. A case that fails names the
 * promise, which `plugins/README.md` explains.
 *
 * What a plugin cannot keep stands in `cannot`, with the words of its coverage: such a case passes as long as the
 * promise is broken, and fails as stale once it is kept.
 *
 * @throws {TypeError} If a part of the fixture is unknown or wrong.
 * @throws {RangeError} If `timeoutMs` is not above 0.
 * @example Usage
 * ```ts
 * import { definePlugin, type Session } from "@sallyport/sallyport";
 * import { type Scene, testPlugin } from "@sallyport/sallyport/testing";
 * import assert from "node:assert/strict";
 *
 * interface Agent {
 *   ask(prompt: string): Promise<string>;
 * }
 * const plugin = definePlugin({
 *   name: "asker",
 *   wrap: (agent: Agent, session: Session): Agent => ({
 *     ask: (prompt) => session.run(prompt, (input) => agent.ask(input)),
 *   }),
 * });
 * const build = ({ session, kernel, ...scene }: Scene): Agent => {
 *   const agent: Agent = { ask: async (prompt) => (await scene.model({ prompt })).text ?? "" };
 *   return session === undefined || kernel === undefined ? agent : kernel.wrap(agent, plugin, session);
 * };
 * const cases = testPlugin({
 *   name: "asker",
 *   entries: { ask: { gates: ["run"], drive: async (scene) => ({ value: await build(scene).ask(scene.prompt) }) } },
 *   coverage: () => ({ governed: ["ask"], passedThrough: [], ungoverned: [] }),
 * });
 * for (const { run } of cases) await run(); // with a test runner: for (const { title, run } of cases) test(title, run);
 * assert.ok(cases.length > 10);
 * ```
 */
export function testPlugin(fixture: PluginFixture): readonly ConformanceCase[] {
  const read = readFixture(fixture);
  const { name, entries, timeoutMs = TIMEOUT_MS } = read;
  const ofEntries = Object.entries(entries).flatMap(([way, entry]) =>
    PROMISES.flatMap((promise) =>
      gatesOf(promise, entry).map((gate): ConformanceCase => {
        const keys = gate === undefined ? [promise.name] : [promise.name, `${promise.name} (${gate})`];
        const bench = { entry, trial: (init: TrialInit = {}): Trial => new Trial(entry, timeoutMs, init) };
        return caseOf(
          read,
          `${name}, ${way}: ${keys.at(-1)}`,
          promise.name,
          keys.flatMap((key) => [key, `${way}/${key}`]),
          () => promise.check(bench, gate ?? (entry.gates[0] as PluginGate)),
        );
      })
    )
  );
  const [entry] = Object.values(entries) as [PluginEntry];
  const ofObject = OBJECT.filter(({ concerns }) => concerns?.(read) ?? true).map((promise) =>
    caseOf(read, `${name}: ${promise.name}`, promise.name, [promise.name], () =>
      promise.check({
        fixture: read,
        trial: (governed) => new Trial(entry, timeoutMs, governed ? {} : { governed: false }),
      }))
  );
  return [...ofEntries, ...ofObject];
}

/** The gates for which a promise has a case of its own; `undefined` where one case is about the whole entry. */
function gatesOf({ gates, concerns }: PluginPromise, entry: PluginEntry): readonly (PluginGate | undefined)[] {
  if (concerns?.(entry) === false) return [];
  return gates === undefined ? [undefined] : gates.filter((gate) => entry.gates.includes(gate));
}

function caseOf(
  { cannot = {}, coverage }: PluginFixture,
  title: string,
  promise: string,
  keys: readonly string[],
  check: () => Promise<void>,
): ConformanceCase {
  const key = keys.find((one) => Object.hasOwn(cannot, one));
  const told = (what: string, cause?: unknown): Error =>
    new Error(`${title}: ${what}. See "${promise}" in ${PAGE}`, cause === undefined ? undefined : { cause });
  const kept = async (): Promise<void> => {
    try {
      await check();
    } catch (error) {
      throw told(error instanceof Error ? error.message : String(error), error);
    }
  };
  const broken = async (): Promise<void> => {
    const place = cannot[key as string]?.coverage as string;
    const { passedThrough, ungoverned } = coverage();
    if (![...passedThrough, ...ungoverned].includes(place)) throw told(`coverage() does not name "${place}"`);
    try {
      await check();
    } catch {
      return;
    }
    throw told(`"cannot" has "${key}", and it is kept`);
  };
  return { title, run: key === undefined ? kept : broken };
}

/** Checks a fixture, so that a mistake in it is none of the plugin's. */
function readFixture(fixture: PluginFixture): PluginFixture {
  const read = ownOptions(WHERE, fixture, ["name", "entries", "coverage", "timeoutMs", "cannot", "object"]);
  const { name, entries, coverage, timeoutMs, cannot = {}, object } = read;
  if (typeof name !== "string" || name === "") throw wrongType(WHERE, "name", "a text", name);
  functionOf(WHERE, "coverage", coverage);
  if (object !== undefined) functionOf(WHERE, "object", object);
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs < Infinity)) {
    throw wrong(WHERE, "timeoutMs", "a number above 0", timeoutMs);
  }
  if (typeof entries !== "object" || entries === null || Object.keys(entries).length === 0) {
    throw wrongType(WHERE, "entries", "an object of at least one entry", entries);
  }
  for (const [way, entry] of Object.entries(entries)) checkEntry(way, entry);
  for (const [key, reason] of Object.entries(cannot)) {
    const [way, rest] = key.includes("/")
      ? [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)]
      : ["", key];
    const promise = rest.replace(/ \((?:run|model|tool)\)$/, "");
    if (!pluginPromises.includes(promise) || (way !== "" && !Object.hasOwn(entries, way))) {
      throw wrongType(WHERE, "cannot", "an object of promises", key);
    }
    if (typeof reason?.because !== "string" || typeof reason.coverage !== "string") {
      throw wrongType(WHERE, `cannot.${key}`, "an object of because and coverage", reason);
    }
  }
  return read;
}

function checkEntry(way: string, entry: PluginEntry): void {
  const where = `entries.${way}`;
  const { gates, drive, refusedTool, approval, streams, subAgents } = ownOptions(WHERE, entry, [
    "gates",
    "drive",
    "refusedTool",
    "approval",
    "streams",
    "subAgents",
  ]);
  functionOf(WHERE, `${where}.drive`, drive);
  if (!Array.isArray(gates) || gates.length === 0 || gates.some((gate) => !GATES.includes(gate))) {
    throw wrongType(WHERE, `${where}.gates`, `a list of ${GATES.join(", ")}`, gates);
  }
  const oneOf = (field: string, value: unknown, wanted: readonly unknown[], words: string): void => {
    if (value !== undefined && !wanted.includes(value)) throw wrongType(WHERE, `${where}.${field}`, words, value);
  };
  oneOf("refusedTool", refusedTool, ["model", "caller"], '"model" or "caller"');
  oneOf("approval", approval, ["pause", "await"], '"pause" or "await"');
  oneOf("streams", streams, [true], "true or absent");
  oneOf("subAgents", subAgents, [true], "true or absent");
}
