import { isThenable } from "../base/decision.ts";
import { Delivery } from "./delivery.ts";
import type { Body, Waiting } from "./entry.ts";
import { createHasher } from "./hash.ts";
import { BEGINNING, type Settings } from "./options.ts";
import { checkStart } from "./resume.ts";
import { type Sealed, Sealer } from "./sealer.ts";
import type { Target } from "./target.ts";
import type { AuditChunk, AuditStats } from "./types.ts";

/** A batch on its way. */
interface Batch {
  readonly sealed: Sealed;
  chunk: AuditChunk;
  contentsStored: boolean;
}

/**
 * The entries of a log from the moment that they are handed in until they are stored: they wait, are sealed in batches,
 * and go out one batch after the other.
 */
export class Queue {
  readonly #settings: Settings;
  readonly #sealer: Sealer;
  /** Settles once the tree to go on from was checked. */
  readonly #checked: Promise<void>;
  #waiting: Waiting[] = [];
  #batch: Batch | undefined;
  #delivery: Delivery;
  /** What the next batch has before it: the header of a file, or the end of a torn line too. */
  #prefix: "none" | "header" | "line end and header";
  #seq: number;
  #settled: number;
  #isOpen = true;
  #isClosed = false;
  #submitted = 0;
  #delivered = 0;
  #failed = 0;
  #dropped = 0;
  /** How many entries were lost since the log last said so. */
  #lost = 0;
  #checkpoint: string | undefined;
  #failure: { readonly error: unknown } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Infinity;
  /** The time of the last entry. */
  #time = NaN;
  #isRunning = false;
  /** Up to which entry no batch waits to be full. */
  #wanted = 0;
  #steps: (() => void)[] = [];

  constructor(settings: Settings) {
    const { start, signers, origin, reasons, evidence, target, timeoutMs } = settings;
    this.#settings = settings;
    this.#sealer = new Sealer(origin, signers, reasons, evidence, start ?? BEGINNING);
    this.#delivery = new Delivery(target, timeoutMs);
    this.#seq = this.#settled = start?.tree.size ?? 0;
    this.#checkpoint = start?.checkpoint;
    this.#prefix = start?.isTorn === true ? "line end and header" : "header";
    this.#checked = start === undefined ? Promise.resolve() : checkStart(start, signers, createHasher());
    this.#checked.catch(() => undefined);
  }

  get size(): number {
    return this.#seq;
  }

  get stats(): AuditStats {
    return Object.freeze({
      submitted: this.#submitted,
      delivered: this.#delivered,
      failed: this.#failed,
      dropped: this.#dropped,
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Why nothing could be stored the last time; `undefined` once something could again. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The last checkpoint that was stored. */
  get checkpoint(): string | undefined {
    return this.#checkpoint;
  }

  /** Takes an entry in, or says that it cannot. */
  add(body: Body, timestamp: number, content?: string): boolean {
    if (!this.#isOpen || this.#seq - this.#settled >= this.#settings.maxQueued) {
      this.#submitted++;
      this.#dropped++;
      this.#lost++;
      return false;
    }
    this.#time = timestamp;
    this.#tellLosses();
    this.#push(body, timestamp, content);
    return true;
  }

  /** Takes in what the log says of itself: that has always room. */
  addOwn(body: Body, timestamp: number): void {
    this.#time = timestamp;
    this.#push(body, timestamp, undefined);
  }

  /** Takes in the log's own end, and nothing more. */
  end(timestamp: number): void {
    this.#tellLosses();
    this.addOwn({ kind: "log", event: "closed" }, timestamp);
    this.#isOpen = false;
  }

  #tellLosses(): void {
    if (this.#lost === 0 || !this.#isOpen) return;
    const count = this.#lost;
    this.#lost = 0;
    this.addOwn({ kind: "log", event: "dropped", count }, this.#time);
  }

  #push(body: Body, timestamp: number, content: string | undefined): void {
    this.#submitted++;
    this.#waiting.push({ seq: this.#seq++, timestamp, body, content, evidence: undefined });
    // A batch that is full is sealed soon, but not within the call that filled it.
    if (this.#waiting.length >= this.#settings.size) this.#startIn(0);
    else if (this.#timer === undefined) this.#startIn(this.#settings.ms);
  }

  #startIn(ms: number): void {
    if (this.#timer !== undefined && this.#due <= ms) return;
    clearTimeout(this.#timer);
    this.#due = ms;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wanted = this.#seq;
      this.#start();
    }, ms);
  }

  /** Tries again what could not be stored. */
  retry(): void {
    this.#startIn(0);
  }

  /**
   * Stores everything that was handed in so far; answers whether all of it was. What a log that goes on has lost is
   * settled too.
   */
  async store(): Promise<boolean> {
    this.#tellLosses();
    const upTo = this.#seq;
    const failed = this.#failed;
    while (this.#settled < upTo) {
      this.#wanted = this.#seq;
      const step = this.#nextStep();
      this.#start();
      await step;
      if (this.#failure !== undefined && this.#settled < upTo) return false;
    }
    return this.#failed === failed;
  }

  /** Seals and stores what fills a batch or is wanted. */
  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    // Others that are handed in at the same time come along.
    await undefined;
    try {
      await this.#checked;
      while (
        this.#batch !== undefined || this.#waiting.length >= this.#settings.size ||
        (this.#waiting.length > 0 && this.#settled < this.#wanted)
      ) {
        this.#batch ??= await this.#seal();
        await this.#deliver(this.#batch);
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#isRunning = false;
    this.#endStep();
  }

  /** Settles when the next batch is stored or lost, or nothing is under way any more. */
  #nextStep(): Promise<void> {
    return new Promise((resolve) => this.#steps.push(resolve));
  }

  #endStep(): void {
    const steps = this.#steps;
    this.#steps = [];
    for (const resolve of steps) resolve();
  }

  async #seal(): Promise<Batch> {
    const entries = this.#waiting.slice(0, this.#settings.size);
    const sealed = await this.#sealer.seal(entries);
    this.#waiting.splice(0, entries.length);
    return { sealed, chunk: this.#chunkOf(sealed), contentsStored: sealed.contents === "" };
  }

  #chunkOf(sealed: Sealed): AuditChunk {
    const { lines, header, entries, from, checkpoint } = sealed;
    const before = this.#prefix === "none" ? "" : this.#prefix === "header" ? header : `\n${header}`;
    return Object.freeze({ text: before + lines, entries, from, checkpoint });
  }

  async #deliver(batch: Batch): Promise<void> {
    const { sealed, chunk } = batch;
    try {
      if (!batch.contentsStored) {
        await this.#settings.evidence?.to?.write(sealed.contents, { ...chunk, text: sealed.contents });
        batch.contentsStored = true;
      }
      await this.#delivery.write(chunk);
    } catch (error) {
      if (!this.#settings.goesOn) throw error;
      this.#failed += sealed.entries;
      this.#lost += sealed.entries;
      this.#settle(sealed);
      return;
    }
    this.#prefix = "none";
    this.#delivered += sealed.entries;
    this.#checkpoint = sealed.checkpoint;
    this.#settle(sealed);
    // Whoever is shown a checkpoint has no say in the log.
    try {
      const answer: unknown = this.#settings.onCheckpoint?.(sealed.checkpoint);
      if (isThenable(answer)) answer.then(undefined, () => undefined);
    } catch {
      // As above.
    }
  }

  #settle(sealed: Sealed): void {
    this.#batch = undefined;
    this.#settled = sealed.from + sealed.entries;
    this.#failure = undefined;
    this.#endStep();
  }

  /** Goes on in another target, where the next batch begins a file. */
  async moveTo(target: Target, now: () => number): Promise<void> {
    await this.store();
    // Nothing may be under way while the targets change places.
    while (this.#isRunning) await this.#nextStep();
    const old = this.#delivery;
    this.#delivery = new Delivery(target, this.#settings.timeoutMs);
    this.#prefix = "header";
    if (this.#batch !== undefined) this.#batch.chunk = this.#chunkOf(this.#batch.sealed);
    this.addOwn({ kind: "log", event: "rotated" }, now());
    await old.close();
  }

  /** Stores what waits and tells the target that no more will come; answers whether all of that was done. */
  async close(): Promise<boolean> {
    const isStored = await this.store();
    if (!isStored && !this.#settings.goesOn) return false;
    clearTimeout(this.#timer);
    if (this.#isClosed) return isStored;
    try {
      await this.#delivery.close();
    } catch {
      return false;
    }
    this.#isClosed = true;
    return isStored;
  }
}
