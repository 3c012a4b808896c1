import { ownOptions, wrong } from "../base/check.ts";
import { readAgentOs } from "./agent-os.ts";
import { readPolicy } from "./define.ts";
import { PolicyError } from "./error.ts";
import { JsonTextError, readJsonText } from "./json-text.ts";
import type { GovernancePolicy } from "./policy.ts";

const WHERE = "parsePolicy()";

/** How {@linkcode parsePolicy} reads. */
export interface ParsePolicyOptions {
  /** `"sallyport"` (default): the form that {@linkcode policySchema} describes. `"agent-os"`: the Python toolkit's. */
  dialect?: "sallyport" | "agent-os";
}

/**
 * Makes a policy of what stands in a file: JSON text, or what was parsed of it.
 *
 * JSON text may have no key twice, and is refused with line and column where it is no JSON. Everything is checked as
 * {@linkcode definePolicy} does; a `$schema` key with a string, for editors, is the only one more.
 *
 * The dialect `"agent-os"` has its names in snake_case and other meanings: an empty or absent `allowed_tools` is every
 * tool, `timeout_seconds` are seconds, a `drift_threshold` of 0 is off (here 1, which no drift exceeds), a pattern may
 * be a `[pattern, type]` pair, `require_human_approval` is true or false. Regular expressions and globs must be of the
 * linear subset. Its sections (`prompt_injection`, `token_budget`, `rate_limiter`, `bounded_semaphore`, `scope_guard`,
 * `supply_chain`, `mcp_security`, `detection`) are mistakes unless they are `{}` or have `enabled: false`: what is not
 * done here is never silently dropped.
 *
 * @throws {PolicyError} A `TypeError` that lists every mistake at once, under the names that the file uses.
 * @throws {TypeError} If the dialect is unknown.
 * @example Usage
 * ```ts
 * import { parsePolicy } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const policy = parsePolicy('{ "allowedTools": ["read"], "timeoutMs": 60000 }');
 * const python = parsePolicy({ allowed_tools: ["read"], timeout_seconds: 60 }, { dialect: "agent-os" });
 * assert.deepEqual(policy.diff(python), {});
 * ```
 */
export function parsePolicy(json: unknown, options: ParsePolicyOptions = {}): GovernancePolicy {
  const { dialect = "sallyport" } = ownOptions(WHERE, options, ["dialect"]);
  if (dialect !== "sallyport" && dialect !== "agent-os") {
    throw wrong(WHERE, "dialect", '"sallyport" or "agent-os"', dialect);
  }
  const value = typeof json === "string" ? fromText(json) : json;
  return dialect === "agent-os" ? readAgentOs(WHERE, value) : readPolicy(WHERE, value, true);
}

function fromText(json: string): unknown {
  try {
    return readJsonText(json);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new PolicyError(WHERE, [{ path: "", wanted: `JSON text (${error.message})`, got: json }]);
  }
}
