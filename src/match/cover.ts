import type { Program } from "./program.ts";
import { addRange } from "./ranges.ts";
import { AT_BEGIN, Simulation } from "./simulation.ts";

/** Finds where the matches of a program are, not only whether there is one. */
export class Coverer {
  /** Steps so far. */
  steps: number = 0;
  readonly #simulation: Simulation;
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
    this.#simulation = new Simulation(program);
  }

  /**
   * Returns half-open ranges of a text, in order and apart, that cover every match that is not empty.
   *
   * For each place where matches end the earliest beginning is known, so the union of these ranges is that of all
   * matches, and it takes one pass.
   */
  cover(text: string): [number, number][] {
    const simulation = this.#simulation;
    const { classOf, count } = this.#program.classes;
    const out: [number, number][] = [];
    simulation.begin(AT_BEGIN);
    let whole = simulation.earliest() < 0;
    for (let i = 0; i <= text.length && !whole; i++) {
      this.steps += simulation.advance(i < text.length ? classOf(text.charCodeAt(i)) : count + 1, i + 1);
      const now = simulation.earliest();
      whole = Math.min(now, simulation.lateStart) < 0;
      addRange(out, simulation.lateStart, i);
      addRange(out, now, Math.min(i + 1, text.length));
    }
    if (!whole) return out;
    return text === "" ? [] : [[0, text.length]];
  }
}
