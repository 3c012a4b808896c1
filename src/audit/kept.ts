import { wrongType } from "../base/check.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import type { Findings } from "./findings.ts";
import type { Hash, Hasher } from "./hash.ts";
import { isSignedBy, type Verifier } from "./note.ts";
import { append, type Frontier, rootOf } from "./tree.ts";

/** Checkpoints that were kept elsewhere, which a log must hold: compared as the tree grows past them. */
export class Kept {
  /** By size. */
  readonly #checkpoints: readonly Checkpoint[];
  readonly #findings: Findings;
  readonly #hasher: Hasher;
  #next = 0;

  private constructor(checkpoints: readonly Checkpoint[], findings: Findings, hasher: Hasher) {
    this.#checkpoints = checkpoints;
    this.#findings = findings;
    this.#hasher = hasher;
  }

  /** Reads the option `checkpoints`. */
  static async from(
    where: string,
    texts: unknown,
    keys: readonly Verifier[] | undefined,
    findings: Findings,
    hasher: Hasher,
  ): Promise<Kept> {
    if (!Array.isArray(texts)) throw wrongType(where, "checkpoints", "an array of checkpoints", texts);
    const checkpoints: Checkpoint[] = [];
    for (let at = 0; at < texts.length; at++) {
      const checkpoint = readCheckpoint(texts[at]);
      if (checkpoint === undefined) throw wrongType(where, `checkpoints[${at}]`, "a checkpoint", texts[at]);
      if (keys !== undefined && !(await isSignedBy(checkpoint.note, keys))) {
        findings.add("forged", "A checkpoint that was kept is not signed by a known key", { seq: checkpoint.size });
      } else checkpoints.push(checkpoint);
    }
    return new Kept(checkpoints.sort((one, other) => one.size - other.size), findings, hasher);
  }

  /** Passes over what was before the first entry that is there. */
  begin(size: number): void {
    while ((this.#checkpoints[this.#next]?.size ?? Infinity) < size) this.#next++;
  }

  /** Compares those whose size the tree reaches by these leaves. */
  async pass(tree: Frontier, leaves: readonly Hash[], origin: string, areSigned: boolean): Promise<void> {
    for (;;) {
      const checkpoint = this.#checkpoints[this.#next];
      if (checkpoint === undefined || checkpoint.size > tree.size + leaves.length) return;
      this.#next++;
      // What is gone cannot be compared, and was named.
      if (checkpoint.size < tree.size) continue;
      const grown = await append(tree, leaves.slice(0, checkpoint.size - tree.size), this.#hasher);
      if (checkpoint.origin !== origin) {
        this.#findings.add("forked", "A checkpoint that was kept is of another log", { seq: checkpoint.size });
      } else if (await rootOf(grown, this.#hasher) !== checkpoint.root) {
        const message = areSigned
          ? "A checkpoint that was kept is of another history, and both are signed"
          : "The log is not the one that the checkpoint was kept of";
        this.#findings.add(areSigned ? "forked" : "rebuilt", message, { seq: checkpoint.size });
      }
    }
  }

  /** Names those that count more entries than there are. */
  end(size: number): void {
    for (; this.#next < this.#checkpoints.length; this.#next++) {
      const checkpoint = this.#checkpoints[this.#next] as Checkpoint;
      if (checkpoint.size <= size) continue;
      this.#findings.add("truncated", "A checkpoint that was kept counts more entries", {
        seq: size,
        to: checkpoint.size - 1,
      });
    }
  }
}
