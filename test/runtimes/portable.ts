/**
 * What every runtime must do alike: plain functions on the public API, so that no test runner is needed where they run.
 */
import { approvalCases } from "./cases/approval.ts";
import { decisionCases } from "./cases/decisions.ts";
import { identityCases } from "./cases/identity.ts";
import type { Case } from "./cases/kit.ts";
import { limitCases } from "./cases/limits.ts";
import { matchingCases } from "./cases/matching.ts";
import { pluginCases } from "./cases/plugins.ts";
import { recordCases } from "./cases/records.ts";
import { snapshotCases } from "./cases/snapshot.ts";
import { streamCases } from "./cases/streams.ts";
import { vectorCases } from "./cases/vectors.ts";

/** Every case, in order. */
export const cases: readonly Case[] = [
  ...decisionCases,
  ...snapshotCases,
  ...matchingCases,
  ...limitCases,
  ...identityCases,
  ...approvalCases,
  ...streamCases,
  ...recordCases,
  ...pluginCases,
  ...vectorCases,
];

/** A case that waits longer than this has failed: some runtimes would wait for ever. */
const LIMIT_MS = 30_000;

async function inTime(run: () => void | Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await Promise.race([
      run(),
      new Promise<never>((_, reject) =>
        void (timer = setTimeout(() => reject(new Error(`not done within ${LIMIT_MS} ms`)), LIMIT_MS))
      ),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs every case, one after the other, and tells what failed. */
export async function runCases(): Promise<{ passed: number; failures: readonly string[] }> {
  const failures: string[] = [];
  const names = new Set<string>();
  for (const { name, run } of cases) {
    try {
      if (names.size === names.add(name).size) throw new Error("another case has this name");
      await inTime(run);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error)}`);
    }
  }
  return { passed: cases.length - failures.length, failures };
}
