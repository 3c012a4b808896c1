import type { ApprovalEscalation } from "./request.ts";

/**
 * The escalations that a person has been shown: by guard, code and reason, and how many there were of each, since two
 * guards may say the same.
 */
export class Answered {
  /** Nothing was shown yet. */
  static readonly none: Answered = new Answered(new Map());
  readonly #counts: ReadonlyMap<string, number>;

  private constructor(counts: ReadonlyMap<string, number>) {
    this.#counts = counts;
  }

  /** These too. */
  with(escalations: readonly ApprovalEscalation[]): Answered {
    const counts = new Map(this.#counts);
    for (const [key, count] of counted(escalations)) counts.set(key, Math.max(count, counts.get(key) ?? 0));
    return new Answered(counts);
  }

  /** Whether there is none among them that was not shown. */
  covers(escalations: readonly ApprovalEscalation[]): boolean {
    return Array.from(counted(escalations)).every(([key, count]) => count <= (this.#counts.get(key) ?? 0));
  }
}

function counted(escalations: readonly ApprovalEscalation[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const escalation of escalations) {
    const { code, reason } = escalation;
    const guard = Object.hasOwn(escalation, "guard") ? JSON.stringify(escalation.guard) : "";
    // Text by text: an array could be given a form by whoever changes the prototype of everything.
    const key = `${guard},${JSON.stringify(code)},${JSON.stringify(reason)}`;
    counts.set(key, 1 + (counts.get(key) ?? 0));
  }
  return counts;
}
