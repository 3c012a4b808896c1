import { checkpointText } from "./checkpoint.ts";
import { entryLine, type Reasons, type Waiting } from "./entry.ts";
import type { Evidence } from "./evidence.ts";
import { createHasher, type Hasher } from "./hash.ts";
import { headerLine, sealLine } from "./line.ts";
import { signNote } from "./note.ts";
import { Ids } from "./text.ts";
import { append, type Frontier, rootOf } from "./tree.ts";
import type { AuditKey } from "./types.ts";

/** A batch that was sealed, and is still to be stored. */
export interface Sealed {
  /** The lines of the batch, with their ends; of the header nothing. */
  readonly lines: string;
  readonly entries: number;
  readonly from: number;
  readonly checkpoint: string;
  /** What a file that begins with this batch says first. */
  readonly header: string;
  /** What goes to the other target, where contents are kept apart. */
  readonly contents: string;
}

/** Turns entries into lines, and a batch of them into a part of the tree. */
export class Sealer {
  readonly #origin: string;
  readonly #signers: readonly AuditKey[];
  readonly #reasons: Reasons;
  readonly #evidence: Evidence | undefined;
  readonly #hasher: Hasher = createHasher();
  readonly #ids: Ids = new Ids();
  #tree: Frontier;
  #checkpoint: string | undefined;

  constructor(
    origin: string,
    signers: readonly AuditKey[],
    reasons: Reasons,
    evidence: Evidence | undefined,
    start: { readonly tree: Frontier; readonly checkpoint: string | undefined },
  ) {
    this.#origin = origin;
    this.#signers = signers;
    this.#reasons = reasons;
    this.#evidence = evidence;
    this.#tree = start.tree;
    this.#checkpoint = start.checkpoint;
  }

  /** Seals a batch. Where that fails the tree is as it was, and the same batch can be sealed again. */
  async seal(batch: readonly Waiting[]): Promise<Sealed> {
    const before = this.#tree;
    const { entries, contents } = this.#evidence === undefined
      ? { entries: batch, contents: "" }
      : await this.#evidence.of(batch, this.#hasher);
    let lines = this.#write(entries);
    // Ids that are written as digests had to be hashed first.
    if (await this.#ids.complete(this.#hasher)) lines = this.#write(entries);
    this.#ids.forget();
    const leaves = await this.#hasher.leaves(lines);
    const tree = await append(before, leaves, this.#hasher);
    const text = checkpointText(this.#origin, tree.size, await rootOf(tree, this.#hasher));
    const checkpoint = await signNote(text, this.#signers);
    const seal = sealLine(before.size, before.stack, leaves, tree.stack, checkpoint);
    const header = headerLine({
      origin: this.#origin,
      from: before.size,
      checkpoint: this.#checkpoint,
      stack: before.stack,
    });
    this.#tree = tree;
    this.#checkpoint = checkpoint;
    return {
      lines: `${lines.join("\n")}\n${seal}\n`,
      entries: batch.length,
      from: before.size,
      checkpoint,
      header: `${header}\n`,
      contents,
    };
  }

  #write(batch: readonly Waiting[]): string[] {
    return batch.map((entry) => entryLine(entry, this.#ids, this.#reasons));
  }
}
