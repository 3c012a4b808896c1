/** An act that is under way, with its neighbours in the list. */
export interface OpenAct {
  /** Begun before it and still under way. */
  earlier: OpenAct | undefined;
  /** Begun after it and still under way. */
  later: OpenAct | undefined;
  /** The session was closed. */
  abandon(): void;
}

/**
 * The acts of a session that are under way, in the order in which they began. Linked, since a set would have to hash
 * every one.
 */
export class ActList<A extends OpenAct> {
  #first: OpenAct | undefined;
  #last: OpenAct | undefined;

  /** Adds an act that is in no list. */
  add(act: A): void {
    act.earlier = this.#last;
    if (this.#last === undefined) this.#first = act;
    else this.#last.later = act;
    this.#last = act;
  }

  /** Takes an act out; one that is not in the list stays out. */
  delete(act: A): void {
    const { earlier, later } = act;
    if (earlier === undefined && this.#first !== act) return;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    act.earlier = act.later = undefined;
  }

  /** All of them, as they are now. */
  all(): A[] {
    const acts: A[] = [];
    for (let act = this.#first; act !== undefined; act = act.later) acts.push(act as A);
    return acts;
  }
}
