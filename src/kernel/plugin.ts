import { functionOf, ownOptions, wrongType } from "../base/check.ts";
import { memberOf } from "../base/own.ts";
import type { Session } from "./types.ts";
import type { PluginHost } from "./seam.ts";

/** Which of a framework's entry points pass the gates. */
export interface Coverage {
  /** Every act on them is judged. */
  readonly governed: readonly string[];
  /** Left as they are, because they do not act. */
  readonly passedThrough: readonly string[];
  /** They act, and nobody judges: do not call them, or govern them elsewhere. */
  readonly ungoverned: readonly string[];
}

/** Extends a kernel. */
export interface Plugin {
  /** Stands in errors. */
  readonly name: string;
  /** Runs once, when the kernel gets the plugin; the answer runs when the kernel closes. */
  setup?(host: PluginHost): void | (() => void | Promise<void>);
}

/** Connects a framework by giving an object of its own shape. */
export interface AdapterPlugin<T extends object, G extends object = T> extends Plugin {
  /** Makes the governed object; it must not hold the target where others can reach it. */
  wrap(target: T, session: Session): G;
  /** Says what is governed. */
  coverage?(target: T): Coverage;
}

/** Connects a framework by giving the user's own client type back. */
export interface ClientPlugin<T extends object> extends Plugin {
  /** Makes the governed client. */
  wrap<C extends T>(client: C, session: Session): C;
  /** Says what is governed. */
  coverage?(client: T): Coverage;
}

/** What every exported plugin takes: a session, or how to find the one of a run. */
export type SessionSource<C = unknown> = Session | ((frameworkContext: C) => Session);

/**
 * Checks a plugin and gives it back.
 *
 * @throws {TypeError} If it has no name, or `setup`, `wrap` or `coverage` is not a function.
 * @example Usage
 * ```ts
 * import { createKernel, definePlugin, type Session } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const plugin = definePlugin({
 *   name: "greeter",
 *   wrap: (agent: { run(prompt: string): string }, session: Session) => ({
 *     run: (prompt: string): Promise<string> => session.run(prompt, (input) => agent.run(input)),
 *   }),
 * });
 * const governed = createKernel().wrap({ run: (prompt: string) => `Hello, ${prompt}` }, plugin, { agentId: "greeter" });
 * assert.equal(await governed.run("Ada"), "Hello, Ada");
 * ```
 */
export function definePlugin<T extends object>(plugin: ClientPlugin<T>): ClientPlugin<T>;
/** The same, for a plugin that gives an object of its own shape. */
export function definePlugin<T extends object, G extends object>(plugin: AdapterPlugin<T, G>): AdapterPlugin<T, G>;
/** The same, for a plugin that only extends the kernel. */
export function definePlugin(plugin: Plugin): Plugin;
/** One body for all. */
export function definePlugin(plugin: Plugin): Plugin {
  if (typeof plugin === "object" && plugin !== null) {
    // One of a class may have fields of its own; a literal with another key has a typing error.
    const proto: unknown = Object.getPrototypeOf(plugin);
    if (proto === Object.prototype || proto === null) {
      ownOptions("definePlugin()", plugin as AdapterPlugin<object>, KEYS);
    }
  }
  checkPlugin("definePlugin()", plugin);
  return plugin;
}

const KEYS = ["name", "setup", "wrap", "coverage"] as const;

/** Throws unless a value has the shape of a plugin, and does something where it says more than its name. */
export function checkPlugin(where: string, plugin: Plugin): void {
  if (typeof plugin !== "object" || plugin === null) throw wrongType(where, "plugin", "an object", plugin);
  const name = memberOf(plugin, "name");
  if (typeof name !== "string" || name === "") throw wrongType(where, "name", "a string that is not empty", name);
  for (const field of ["setup", "wrap", "coverage"] as const) {
    const member = memberOf(plugin as Partial<AdapterPlugin<object, object>>, field);
    if (member !== undefined) functionOf(where, field, member as unknown);
  }
  const [setup, wrap] = [memberOf(plugin, "setup"), memberOf(plugin as Partial<AdapterPlugin<object>>, "wrap")];
  const other = Object.keys(plugin).find((key) => !(KEYS as readonly string[]).includes(key));
  if (setup === undefined && wrap === undefined && other !== undefined) {
    throw new TypeError(`Cannot build ${where}: plugin "${name}" must have "setup" or "wrap", and has "${other}"`);
  }
}
