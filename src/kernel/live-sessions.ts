import { type Deny, denyHere, guardError } from "../base/decision.ts";
import type { SessionScope } from "./engine.ts";
import type { SessionHandle, StopCheck } from "./seam.ts";

/** The sessions of a kernel in which anything can be aborted, held weakly, and what stops them. */
export class LiveSessions {
  readonly #live: Set<WeakRef<SessionScope>> = new Set();
  readonly #gone: FinalizationRegistry<WeakRef<SessionScope>> = new FinalizationRegistry((ref) =>
    this.#live.delete(ref)
  );
  /** Those that may have something to say. */
  readonly #stops: StopCheck[] = [];
  /** What stops every session, once the kernel is closed. */
  closed: Deny | undefined;
  /** Whether nobody was ever stopped: asked on the hot path. */
  isQuiet = true;

  /** Has a session told when it is stopped. */
  watch(scope: SessionScope): void {
    const ref = new WeakRef(scope);
    this.#live.add(ref);
    this.#gone.register(scope, ref);
  }

  /** Visits those that are there. */
  visit(visit: (session: SessionHandle) => void): void {
    for (const ref of this.#live) {
      const scope = ref.deref();
      if (scope !== undefined) visit(scope.handle);
    }
  }

  /** Answers the function after whose first call a check is asked. */
  stopBy(check: StopCheck): () => void {
    return () => {
      this.isQuiet = false;
      if (!this.#stops.includes(check)) this.#stops.push(check);
    };
  }

  /** Why a session may start nothing. */
  stopOf(scope: SessionScope): Deny | undefined {
    if (this.closed !== undefined) return this.closed;
    for (const check of this.#stops) {
      try {
        const denial = check(scope.handle);
        if (denial !== undefined) return denial;
      } catch (error) {
        return guardError(undefined, error);
      }
    }
    return undefined;
  }

  /** Stops everything, for good. */
  close(): void {
    const closed = this.closed = denyHere("session_killed", "The kernel is closed");
    this.isQuiet = false;
    this.visit((session) => session.halt(closed));
  }
}
