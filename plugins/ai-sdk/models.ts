/**
 * The middleware for language models.
 *
 * @module
 */
import type { Session, TokenUsage, View } from "../../mod.ts";
import { GENERATED, isProposed, usageIn } from "./answer.ts";
import { finishOf, readStream, writeStream } from "./blocks.ts";
import { JudgedDefinitions, readDefinitions } from "./definitions.ts";
import { untilAborted } from "./ending.ts";
import { withoutRefused } from "./history.ts";
import { copyOfAnswer, keepStreamed, plainOf, plainPrompt } from "./kept.ts";
import { copyAround, copyOf, define, isSame, keepBytes, keepEach } from "./plain.ts";
import { onlyTools, readRequest, writeRequest } from "./request.ts";
import { ownOf } from "../shared/own.ts";
import type { Sessions, SessionState } from "./state.ts";
import { Reader, replay } from "./stream.ts";
import { isFileElsewhere, refuseUnseen } from "./strict.ts";
import {
  type AiMiddleware,
  type Generated,
  type Model,
  type Params,
  type Part,
  Refusal,
  type Request,
  type Streamed,
} from "./types.ts";

/** Makes the middleware. */
export function createMiddleware(
  sessions: Sessions,
  options: { readonly definitions: boolean; readonly strict: boolean },
): AiMiddleware {
  const models = new GovernedModels(sessions, options.definitions, options.strict);
  const middleware = {
    specificationVersion: "v3",
    wrapGenerate: ({ params, model }: { params: Params; model: Model }) => models.generate(params, model),
    wrapStream: ({ params, model }: { params: Params; model: Model }) => models.stream(params, model),
  };
  // The SDK's types stand where ours are narrower.
  return middleware as unknown as AiMiddleware;
}

const STREAMED: View<readonly Part[]> = { read: readStream, write: writeStream, keep: keepStreamed };

/** What one gate has let through, and with what. */
interface Judged {
  readonly session: Session;
  readonly context: unknown;
  readonly definitions: boolean;
  readonly strict: boolean;
}

/**
 * Marks a request that gates have let through, so that a model which was wrapped twice for one session counts once. It
 * stands under a symbol, which no provider sends, and is good for one call at each gate.
 */
class Mark {
  readonly #judged: Judged;
  readonly #before: Mark | undefined;
  #isTaken = false;

  constructor(judged: Judged, before: Mark | undefined) {
    this.#judged = judged;
    this.#before = before;
  }

  /**
   * The mark of a request.
   *
   * @throws {TypeError} If it is another copy's: what that judged cannot be told from what it did not.
   */
  static of(params: Params): Mark | undefined {
    const mark = ownOf(params as Marked, JUDGED);
    if (mark === undefined) return undefined;
    if (typeof mark === "object" && mark !== null && #judged in mark) return mark as Mark;
    throw new TypeError("This model is governed by another copy of sallyport already");
  }

  /** What the nearest gate outside was told by the caller; no provider is sent it, nor is a gate inside. */
  get context(): unknown {
    return this.#judged.context;
  }

  /** Takes the mark of a session that was not taken yet. */
  take(session: Session): Judged | undefined {
    if (this.#judged.session !== session || this.#isTaken) return this.#before?.take(session);
    this.#isTaken = true;
    return this.#judged;
  }
}

/** One for all copies of the package, which do not know each other's marks. */
const JUDGED: unique symbol = Symbol.for("sallyport.judged");
type Marked = Params & { readonly [JUDGED]?: unknown };

class GovernedModels {
  readonly #sessions: Sessions;
  readonly #definitions: boolean;
  readonly #strict: boolean;

  constructor(sessions: Sessions, definitions: boolean, strict: boolean) {
    this.#sessions = sessions;
    this.#definitions = definitions;
    this.#strict = strict;
  }

  async generate(params: Params, model: Model): Promise<Generated> {
    const session = this.#sessionOf(params, model);
    if (this.#isJudged(params, session)) return await model.doGenerate(params);
    const judged = await this.#govern(
      session,
      params,
      model,
      async (given, signal) => this.#sparing(copyOfAnswer(await untilAborted(model.doGenerate(given), signal))),
      ({ usage }) => usageIn(usage),
      GENERATED,
    );
    this.#propose(session, judged.content);
    return judged;
  }

  /** Notes the calls that a model proposes: a streamed input is told before its call, and strict plugins run no other. */
  #propose(session: Session, parts: readonly Part[]): void {
    const { proposed } = this.#sessions.stateOf(session);
    for (const part of parts) if (isProposed(part)) proposed.add(part);
  }

  stream(params: Params, model: Model): Promise<object> {
    return new Promise((resolve, reject) => {
      const session = this.#sessionOf(params, model);
      if (this.#isJudged(params, session)) {
        resolve(model.doStream(params));
        return;
      }
      const reader = new Reader(params.abortSignal);
      const all: Part[] = [];
      const parts = this.#govern(
        session,
        { ...params, abortSignal: reader.signal },
        model,
        async (given, signal) => {
          const result = await untilAborted(model.doStream(given), signal);
          resolve({ ...this.#beside(result), stream: replay(parts, all, reader) });
          await collect(result, signal, all);
          return this.#strict ? all.filter((part) => part["type"] !== "raw" && !isFileElsewhere(part)) : all;
        },
        (parts) => usageIn(finishOf(parts)?.["usage"]),
        STREAMED,
      ).then((judged) => {
        this.#propose(session, judged);
        return judged;
      }).finally(() => reader.forget());
      parts.then(() => reject(new TypeError("An interceptor did not call the model")), reject);
    });
  }

  #sessionOf(params: Params, { modelId: name }: Model): Session {
    return this.#sessions.find({ kind: "model", name, context: contextIn(params) });
  }

  /** @throws {TypeError} If what was judged was judged with less than this plugin judges. */
  #isJudged(params: Params, session: Session): boolean {
    const judged = Mark.of(params)?.take(session);
    if (judged === undefined) return false;
    if ((this.#strict && !judged.strict) || (this.#definitions && !judged.definitions)) {
      throw new TypeError("This model is governed already, by a plugin that judges less");
    }
    return true;
  }

  async #govern<T>(
    session: Session,
    params: Params,
    { modelId: name }: Model,
    act: (params: Params, signal: AbortSignal) => Promise<T>,
    usageOf: (value: T) => TokenUsage,
    view: View<T>,
  ): Promise<T> {
    const context = contextIn(params);
    const grant = this.#sessions.grantOf({ kind: "model", name, context, callId: undefined });
    const prepared = new PreparedRequest(params, session, this.#sessions.stateOf(session), this.#definitions);
    const reading = prepared.read(name);
    if (reading !== undefined) await reading;
    const result = session.model<T>(
      {
        model: name,
        request: prepared.request,
        signal: params.abortSignal,
        grant,
        write: (asked: Request, changed) => {
          const written = prepared.write(asked, changed);
          if (this.#strict) refuseUnseen(written);
          return written;
        },
      },
      (written: Params, signal) => {
        prepared.isSent = true;
        const judged = { session, context, definitions: this.#definitions, strict: this.#strict };
        // The request is the plugin's own, and is sent once.
        define(written, "abortSignal", signal);
        (written as { [JUDGED]?: unknown })[JUDGED] = new Mark(judged, Mark.of(params));
        return act(written, signal);
      },
      usageOf,
      view,
    );
    prepared.keep();
    return await result;
  }

  /** An answer without what nobody judges, where that must not go on. */
  #sparing(result: Generated): Generated {
    if (!this.#strict) return result;
    const { request: _request, response, ...others } = result;
    const rest = { ...others, content: result.content.filter((part) => !isFileElsewhere(part)) };
    if (response === undefined) return rest as Generated;
    const { body: _body, ...told } = response;
    return { ...rest, response: told } as Generated;
  }

  /** What comes with a stream, before anything of it was judged. */
  #beside({ request, response }: Streamed): Omit<Streamed, "stream"> {
    if (this.#strict) return {};
    return { ...(request === undefined ? {} : { request }), ...(response === undefined ? {} : { response }) };
  }
}

/** Reads a model's stream to its end. */
async function collect({ stream }: Streamed, signal: AbortSignal, all: Part[]): Promise<void> {
  const reader = stream.getReader();
  // Not waited for: it may take for ever.
  const leave = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave);
  try {
    for (let one = await reader.read(); !one.done; one = await reader.read()) all.push(partOf(one.value));
  } finally {
    signal.removeEventListener("abort", leave);
  }
  signal.throwIfAborted();
}

/** A copy of what a stream gave. What is no part is shown to guards as one, and nobody reads it. */
function partOf(value: unknown): Part {
  return typeof value === "object" && value !== null ? copyOf(plainOf(value)) as Part : { type: "unknown", value };
}

/** The context of a call to a model. */
function contextIn(params: Params): unknown {
  const options = ownOf(params, "providerOptions");
  const context = options && ownOf(options, "sallyport");
  return context === undefined ? Mark.of(params)?.context : context;
}

/** What a request shares with its caller. */
const SIGNAL: ReadonlySet<string> = new Set(["abortSignal"]);
const SIGNAL_AND_TOOLS: ReadonlySet<string> = new Set(["abortSignal", "tools"]);

/** A request that is a copy of its own: what is judged of it is what is sent. */
class PreparedRequest {
  /** What guards are shown. */
  request: Request = { messages: [] };
  /** Set once the model is called: nothing of the request can change after that. */
  isSent = false;
  readonly #session: Session;
  readonly #state: SessionState;
  readonly #definitions: boolean;
  /** The caller's, and once it was read, a copy, with the caller's bytes as long as nothing has to be waited for. */
  #own: Params;
  #isKept = false;
  #unreadable: unknown;
  #judging: string | undefined;

  constructor(params: Params, session: Session, state: SessionState, definitions: boolean) {
    this.#own = params;
    this.#session = session;
    this.#state = state;
    this.#definitions = definitions;
  }

  /** Reads the request. Where that fails, nothing is sent, and the gate says so. */
  read(model: string): Promise<void> | undefined {
    try {
      const { tools } = this.#own;
      const own = this.#own = this.#copied();
      const prompt = withoutRefused(own.prompt, tools, this.#session, model, this.#state.calls);
      if (prompt === own.prompt) return this.#show(own);
      if (!(prompt instanceof Promise)) return this.#show({ ...own, prompt });
      this.keep();
      return prompt.then((late) => this.#show({ ...this.#own, prompt: late })).catch((error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Makes bytes its own, unless they were sent already. Where that fails, nothing is sent. */
  keep(): void {
    if (this.isSent || this.#isKept || this.#unreadable !== undefined) return;
    this.#isKept = true;
    try {
      const tools = ownOf(this.#own, "tools");
      keepEach(this.#own, keepBytes, this.#definitions ? SIGNAL : SIGNAL_AND_TOOLS);
      if (tools !== undefined && !this.#definitions) {
        this.#own = { ...this.#own, tools: tools.map((tool) => ({ ...tool })) };
      }
    } catch {
      this.#unreadable = new Refusal("payload_not_plain", "The request could not be kept as it was judged");
    }
  }

  write(asked: Request, changed: boolean): Params {
    if (this.#unreadable !== undefined) throw this.#unreadable;
    const isAsJudged = !changed || isSame(asked?.definitions, this.request.definitions);
    if (this.#judging !== undefined && isAsJudged) this.#state.definitions.add(this.#judging);
    return changed ? writeRequest(this.#own, this.request, asked) : this.#own;
  }

  #copied(): Params {
    const given = this.#own;
    const own: Record<string, unknown> = { ...given };
    const symbols = Object.getOwnPropertySymbols(own);
    for (let at = 0; at < symbols.length; at++) delete (own as Record<symbol, unknown>)[symbols[at] as symbol];
    for (const key in own) {
      const value = own[key];
      // A polluted prototype has keys too, which nobody has.
      if (typeof value !== "object" || value === null || !Object.hasOwn(own, key)) continue;
      const isShared = (this.#definitions ? SIGNAL : SIGNAL_AND_TOOLS).has(key);
      if (isShared || key === "providerOptions") continue;
      own[key] = copyAround(key === "prompt" ? plainPrompt(value) : value);
    }
    const providerOptions = ownOf(own as Params, "providerOptions");
    if (providerOptions !== undefined) {
      const { sallyport: _way, ...options } = providerOptions;
      own["providerOptions"] = Object.keys(options).length === 0 ? undefined : copyOf(options);
    }
    return onlyTools(own as Params, this.#state.isOffered);
  }

  #show(own: Params): undefined {
    this.#own = own;
    let hasDefinitions = false;
    if (this.#definitions) {
      const text = JudgedDefinitions.textOf(readDefinitions(own));
      hasDefinitions = !this.#state.definitions.has(text);
      if (hasDefinitions) this.#judging = text;
    }
    this.request = readRequest(own, hasDefinitions);
    return undefined;
  }

  #fail(error: unknown): void {
    this.#unreadable = error ?? new TypeError("The request could not be read");
    this.request = Object.defineProperty({}, "messages", {
      enumerable: true,
      get: () => {
        throw new TypeError("The request could not be read");
      },
    });
  }
}
