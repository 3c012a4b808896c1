import { existsSync } from "node:fs";
import process from "node:process";

/** Whether peers were left out on purpose. */
export const withPeers: boolean = process.env["BENCH_PEERS"] !== "0";

/** Peers that this runtime can't load, and why: told with the answers, since a table without them would look whole. */
export const absent: string[] = [];

/**
 * Loads what other projects made, by its package and, where it is not the same, its entry; what it exports, with the
 * default's members.
 *
 * Answers `undefined` where peers were left out on purpose. Fails where they are not installed, and on Node where one
 * can't be loaded; on
 * another runtime a package that does not run there is told and left out. The shape is the asker's to say: peers are no
 * part of what a
 * checkout is type-checked with.
 */
export async function peer<T>(name: string, entry: string = name): Promise<T | undefined> {
  if (!withPeers) return undefined;
  // The bundle lies in bench/.out: its peers are next door.
  if (!existsSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))) {
    throw new Error(`${name} is not installed: run "npm ci --prefix bench", or leave all peers out with --no-peers`);
  }
  try {
    const found = await import(entry) as Record<string, unknown>;
    const main = found["default"];
    return (typeof main === "object" ? { ...main, ...found } : found) as T;
  } catch (error) {
    if (process.versions["bun"] === undefined && process.versions["deno"] === undefined) throw error;
    absent.push(`${name}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
    return undefined;
  }
}
