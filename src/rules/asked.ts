import type { ExecutionContext } from "../base/context.ts";
import type { GovernedRequest } from "../base/request.ts";

/** What is asked about: an act, and what is known of its session. */
export interface Asked {
  readonly request: GovernedRequest;
  readonly context: ExecutionContext;
}
