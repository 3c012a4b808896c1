import type { AuditFinding } from "./types.ts";

/** What was found, as far as it is named. */
export class Findings {
  readonly #most: number;
  readonly #list: AuditFinding[] = [];
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(kind: AuditFinding["kind"], message: string, where: Omit<AuditFinding, "kind" | "message"> = {}): void {
    this.#count++;
    if (this.#list.length < this.#most) this.#list.push(Object.freeze({ kind, message, ...where }));
  }

  get list(): readonly AuditFinding[] {
    return Object.freeze([...this.#list]);
  }

  get count(): number {
    return this.#count;
  }
}
