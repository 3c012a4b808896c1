import type { PluginEntry, PluginGate } from "../plugin-fixture.ts";
import type { Trial, TrialInit } from "./trial.ts";

/** What a promise is checked with. */
export interface Bench {
  readonly entry: PluginEntry;
  /** A new play of the entry. */
  trial(init?: TrialInit): Trial;
}

/** What a plugin must keep on every way in that it is about. */
export interface PluginPromise {
  /** Stands in titles, in `cannot` and in `plugins/README.md`. */
  readonly name: string;
  /** The gates that it is about: a case for each that the entry has. Absent: one case for the entry. */
  readonly gates?: readonly PluginGate[];
  /** Whether it is about an entry at all. */
  readonly concerns?: (entry: PluginEntry) => boolean;
  /** Throws what is wrong. */
  check(bench: Bench, gate: PluginGate): Promise<void>;
}

/** All gates. */
export const GATES: readonly PluginGate[] = ["run", "model", "tool"];

/** Throws unless something holds. */
export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

/** Throws unless there are so many of something. */
export function count(what: string, found: number, wanted: number): void {
  must(found === wanted, `${what}: wanted ${wanted}, found ${found}`);
}

/** Throws where a text that must not be there is, or one that must be is not. */
export function holdsText(what: string, text: string, wanted: string): void {
  must(text.includes(wanted), `${what} does not have "${wanted}"`);
}

/** The opposite. */
export function lacksText(what: string, text: string, unwanted: string): void {
  for (const word of unwanted.split(" ")) must(!text.includes(word), `${what} has "${word}"`);
}

/** Whether an entry has a gate. */
export function has(gate: PluginGate): (entry: PluginEntry) => boolean {
  return ({ gates }) => gates.includes(gate);
}
