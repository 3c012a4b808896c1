/** One step on the way to what is wrong: a list's index, an object's key, or a place in a map or a set. */
export interface Step {
  readonly kind: "index" | "key" | "entry";
  /** The key, or in a map the entry's own. */
  readonly key: unknown;
  /** The place among the object's keys, the map's entries or the list's items, from 0. */
  readonly at: number;
}

/** What names a field in most programs, and hardly ever holds data: an id, a token or an address has something else. */
const WORD = /^[A-Za-z_$]{1,24}$/;

/** Why a payload could not be read. */
export class Fault {
  /** The denial's code. */
  readonly code: "payload_too_large" | "payload_not_plain";
  /** What stood there. */
  readonly what: string;
  /** The way there, innermost first. */
  readonly steps: Step[];

  constructor(code: Fault["code"], what: string, steps: Step[] = []) {
    this.code = code;
    this.what = what;
    this.steps = steps;
  }

  /**
   * Where, as `$.items[3].when`. Keys may be data: one that is not a word of at most 24 letters, `_` and `$`, and every
   * key of a map, is shown by its place, `[#2]` being the third.
   */
  get path(): string {
    let path = "$";
    for (const { kind, key, at } of this.steps.toReversed()) {
      if (kind === "index") path += `[${at}]`;
      else path += kind === "key" && WORD.test(key as string) ? `.${key as string}` : `[#${at}]`;
    }
    return path.length > 200 ? `${path.slice(0, 200)}…` : path;
  }
}

/** Notes on the way back that the fault lies below a place. */
export function at(error: unknown, kind: Step["kind"], key: unknown, place: number): Fault {
  const fault = error instanceof Fault ? error : new Fault("payload_not_plain", "a value that cannot be read");
  fault.steps.push({ kind, key, at: place });
  return fault;
}
