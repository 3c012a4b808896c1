import type { ExecutionContext } from "../base/context.ts";
import type { Deny } from "../base/decision.ts";
import type { SessionScope } from "./engine.ts";
import type { SessionHandle } from "./seam.ts";

/** What extensions are given of a session: no way to what is behind it. */
export class Handle implements SessionHandle {
  readonly #scope: SessionScope;
  static {
    // Whoever is given a handle has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
    // No method of a handle can be put in place of another; to freeze each handle would cost more than the rest of it.
    Object.freeze(this.prototype);
  }

  constructor(scope: SessionScope) {
    this.#scope = scope;
  }

  get context(): ExecutionContext {
    return this.#scope.context;
  }
  get parent(): SessionHandle | undefined {
    return this.#scope.parent?.handle;
  }

  now(): number {
    return this.#scope.state.now;
  }

  taint(): void {
    for (let at: SessionScope | undefined = this.#scope; at !== undefined; at = at.parent) at.state.tainted = true;
  }

  halt(why: Deny): void {
    this.#scope.halt(why);
  }
}
