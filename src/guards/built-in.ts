// The built-in guards, one a file.

import { onlyReads } from "../combine/guard-traits.ts";
import type { ExecutionContext } from "../base/context.ts";
import type { Decision } from "../base/decision.ts";
import { type Guard, named, type Taking } from "../base/guard.ts";
import type { GovernedRequest, Stage } from "../base/request.ts";

/**
 * Makes a guard of ours: it never writes to what it is shown, answers decisions only, and its denials carry its name
 * (`denyBy`), so that nothing has to stand between a gate and its check.
 */
export function builtIn(
  name: string,
  stages: readonly Stage[],
  check: (request: GovernedRequest, context: ExecutionContext, taking: Taking) => Decision | Promise<Decision>,
): Guard {
  return onlyReads(named(check, name, Object.freeze([...stages])));
}
