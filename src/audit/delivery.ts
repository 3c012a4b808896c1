import { isThenable } from "../base/decision.ts";
import type { Target } from "./target.ts";
import type { AuditChunk } from "./types.ts";

/** Writes batches to a target, one at a time, each within a limit of time. */
export class Delivery {
  readonly #target: Target;
  readonly #timeoutMs: number;
  #running: { readonly chunk: AuditChunk; readonly done: Promise<void> } | undefined;
  /** The last batch that was stored: one that took too long may be so after all. */
  #stored: AuditChunk | undefined;

  constructor(target: Target, timeoutMs: number) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
  }

  /** Stores a batch. A batch whose write took too long is not written again while that write may still succeed. */
  async write(chunk: AuditChunk): Promise<void> {
    if (this.#running !== undefined && this.#running.chunk !== chunk) {
      await this.#inTime(this.#running.done.catch(() => undefined));
    }
    if (this.#stored === chunk) return;
    this.#running ??= this.#begin(chunk);
    await this.#inTime(this.#running.done);
  }

  /** Waits for the write that is under way, and tells the target that no more will come. */
  async close(): Promise<void> {
    if (this.#running !== undefined) await this.#inTime(this.#running.done.catch(() => undefined));
    await this.#inTime(this.#target.close());
  }

  #begin(chunk: AuditChunk): { readonly chunk: AuditChunk; readonly done: Promise<void> } {
    const done = this.#write(chunk);
    done.then(() => {
      this.#stored = chunk;
      this.#running = undefined;
    }, () => {
      this.#running = undefined;
    });
    return { chunk, done };
  }

  async #write(chunk: AuditChunk): Promise<void> {
    const answer = this.#target.write(chunk);
    if (isThenable(answer)) await answer;
  }

  async #inTime(work: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`The audit target did not answer within ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      );
    });
    try {
      await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
