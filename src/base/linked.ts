/**
 * A signal that aborts as soon as one of several does, until it is let go: then nothing of it is left at the others.
 *
 * `AbortSignal.any` leaves some bytes at a signal that lives long for each one that was made from it.
 */
export class Linked {
  readonly signal: AbortSignal;
  readonly #controller: AbortController = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #follow: () => void;

  constructor(sources: readonly AbortSignal[]) {
    this.signal = this.#controller.signal;
    this.#sources = sources;
    this.#follow = () => {
      this.abort(sources.find((source) => source.aborted)?.reason);
    };
    if (sources.some((source) => source.aborted)) this.#follow();
    else for (const source of sources) source.addEventListener("abort", this.#follow);
  }

  /** Aborts it, and lets it go. */
  abort(reason: unknown): void {
    this.release();
    this.#controller.abort(reason);
  }

  /** Lets it go: it aborts no more. */
  release(): void {
    for (const source of this.#sources) source.removeEventListener("abort", this.#follow);
  }
}
