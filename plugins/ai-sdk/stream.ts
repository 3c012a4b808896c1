/**
 * Streams that are given on once they were judged.
 *
 * @module
 */
import { finishOf } from "./blocks.ts";
import type { Part } from "./types.ts";

/** Who reads a stream: may leave before it was judged, and may abort. */
export class Reader {
  /** Set once the reader has left. */
  hasLeft = false;
  readonly #caller: AbortSignal | undefined;
  readonly #own: AbortController = new AbortController();
  readonly #follow = (): void => this.#own.abort(this.#caller?.reason);

  constructor(caller: AbortSignal | undefined) {
    this.#caller = caller;
    if (caller?.aborted === true) this.#follow();
    else caller?.addEventListener("abort", this.#follow);
  }

  /** Aborts when the caller does, and when the reader leaves. */
  get signal(): AbortSignal {
    return this.#own.signal;
  }

  leave(reason: unknown): void {
    this.hasLeft = true;
    this.#own.abort(reason);
  }

  /** The act is over: the caller's signal, which may live on, keeps nothing of it. */
  forget(): void {
    this.#caller?.removeEventListener("abort", this.#follow);
  }
}

/**
 * A stream of parts that come later, all at once.
 *
 * A refusal ends it as the SDK's own errors end a stream: with an error part. A stream that breaks off instead would
 * reject promises that nobody awaits when it is piped into a response, and end the process. An abort of the caller's
 * breaks it off, as it does with every model.
 */
export function replay(
  judged: Promise<readonly Part[]>,
  arrived: readonly Part[],
  reader: Reader,
): ReadableStream<Part> {
  return new ReadableStream<Part>({
    start: (controller) => {
      const give = (parts: readonly Part[]): void => {
        if (reader.hasLeft) return;
        for (const part of parts) controller.enqueue(part);
        controller.close();
      };
      judged.then(give, (error: unknown) => {
        if (reader.hasLeft) return;
        if (reader.signal.aborted) controller.error(error);
        else give(failure(error, finishOf(arrived)?.["usage"]));
      });
    },
    cancel: (reason) => reader.leave(reason),
  });
}

/** How a stream ends that failed: what was used has been used all the same. */
function failure(error: unknown, usage: unknown): readonly Part[] {
  return [
    { type: "stream-start", warnings: [] },
    { type: "error", error },
    { type: "finish", finishReason: { unified: "error", raw: undefined }, usage: figuresOf(usage) },
  ];
}

const INPUT = ["total", "noCache", "cacheRead", "cacheWrite"];
const OUTPUT = ["total", "text", "reasoning"];

/** The figures of a usage, and nothing else that a provider may have put there. */
function figuresOf(usage: unknown): Part {
  const { inputTokens, outputTokens } = (usage ?? {}) as Part;
  return { inputTokens: figures(inputTokens, INPUT), outputTokens: figures(outputTokens, OUTPUT) };
}

function figures(tokens: unknown, names: readonly string[]): Part {
  const given = (typeof tokens === "object" && tokens !== null ? tokens : { total: tokens }) as Part;
  return Object.fromEntries(names.map((name) => [name, typeof given[name] === "number" ? given[name] : undefined]));
}
