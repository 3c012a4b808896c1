import type { ExecutionContext } from "../base/context.ts";
import { perSession } from "../base/context.ts";

/** What is kept of a session's outputs. */
export interface SessionDrift {
  /** What drift is measured against, once there is something. */
  baseline: string | undefined;
  /** 1 - similarity of a text to the baseline; absent where the kernel measures no drift. */
  drift: ((this: SessionDrift, text: string) => number | Promise<number>) | undefined;
  /** What was measured last. */
  last: { readonly text: string; readonly baseline: string; readonly score: number | Promise<number> } | undefined;
}

/** The drift of a session. */
export const driftIn: (context: ExecutionContext) => SessionDrift = /* @__PURE__ */ perSession((): SessionDrift => ({
  baseline: undefined,
  drift: undefined,
  last: undefined,
}));
