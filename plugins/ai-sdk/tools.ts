/**
 * Tools whose calls pass the gates.
 *
 * @module
 */
import type { Session } from "../../mod.ts";
import { deniedCall, isDeniedCall } from "./denied.ts";
import { untilAborted } from "./ending.ts";
import { inputText, isOfArguments } from "./history.ts";
import { governHooks } from "./hooks.ts";
import { identityOf, standsFor } from "./identity.ts";
import { copyOf, graft, holdsBytes, shown } from "./plain.ts";
import { isAsProposed } from "./proposed.ts";
import { memberOf, ownOf } from "../shared/own.ts";
import { contextOf, isRefusal, type Sessions } from "./state.ts";
import type { Part, Tool, ToolOptions } from "./types.ts";

/** Whether a tool runs here, so that it can be governed. */
export function isTool(value: unknown): value is Tool {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || isBoundBySdk(value)) return false;
  return typeof memberOf(value as Partial<Tool>, "execute") === "function";
}

const TOOL_SEARCH = Symbol.for("vercel.ai.toolSearch");

/** Whether the SDK (`ai` 7) puts a function of its own in place of a tool's: that of `toolSearch`. */
export function isBoundBySdk(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, TOOL_SEARCH);
}

/** Tells what runs in place of tools, for all copies of the package. */
const GOVERNED: unique symbol = Symbol.for("sallyport.governed");

function isGoverned(execute: Tool["execute"]): boolean {
  return Object.hasOwn(execute, GOVERNED);
}

/** A copy of a tool whose every call passes the gates. */
export function governTool(sessions: Sessions, name: string, tool: Tool): Tool {
  if (isGoverned(tool.execute)) {
    throw new TypeError(`Cannot govern tools: "${name}" is governed already`);
  }
  const copy = copyOfTool(tool);
  const start = (input: unknown, options?: ToolOptions): Call => {
    const call = new Call(sessions, name, tool, copy);
    call.start(input, options ?? {});
    return call;
  };
  const execute = executeLike(tool.execute, start);
  Object.defineProperty(execute, GOVERNED, { value: true });
  define(copy, "execute", execute);
  for (const [key, hook] of Object.entries(governHooks(sessions, name, tool as unknown as Part))) {
    define(copy, key, standsFor(hook as object, tool[key as keyof Tool]));
  }
  governCaller(sessions, name, tool, copy);
  const { toModelOutput } = tool;
  if (typeof toModelOutput === "function") {
    define(copy, "toModelOutput", standsFor(orDenied(tool, toModelOutput as ToModelOutput), toModelOutput));
  }
  return copy;
}

/** A copy that can be changed, also of a frozen tool. */
function copyOfTool(tool: Tool): Tool {
  const fields = Object.getOwnPropertyDescriptors(tool) as Record<PropertyKey, PropertyDescriptor>;
  for (const key of Reflect.ownKeys(fields)) {
    const field = fields[key] as PropertyDescriptor;
    field.configurable = true;
    if (Object.hasOwn(field, "value")) field.writable = true;
  }
  return Object.create(Object.getPrototypeOf(tool) as object | null, fields) as Tool;
}

/** What a tool that calls other tools is bound to (`ai` 7) runs in its place, so that is governed as well. */
function governCaller(sessions: Sessions, name: string, tool: Tool, copy: Tool): void {
  const caller = memberOf(tool, "experimental_toolCaller") as Partial<Caller> | undefined;
  if (caller === undefined || typeof memberOf(caller, "bind") !== "function") return;
  const bind = (tools: object): unknown => {
    const bound = (caller as Caller).bind(tools);
    return isTool(bound) && !isGoverned(bound.execute) ? governTool(sessions, name, bound) : bound;
  };
  // The SDK's own is not enumerable: a copy of the tool by its fields is no caller.
  Object.defineProperty(copy, "experimental_toolCaller", {
    value: standsFor({ ...caller, bind }, caller),
    writable: true,
    configurable: true,
  });
}

interface Caller {
  bind(tools: object): unknown;
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

/** The SDK takes the answers of a generator one by one, and that of a function as one: each stays what it is. */
function executeLike(
  original: Tool["execute"],
  start: (input: unknown, options?: ToolOptions) => Call,
): Tool["execute"] {
  const kind = Object.prototype.toString.call(original);
  if (kind === "[object AsyncGeneratorFunction]") {
    return async function* execute(input: unknown, options?: ToolOptions): AsyncGenerator<unknown, void, undefined> {
      yield* await start(input, options).answers;
    };
  }
  return function execute(input: unknown, options?: ToolOptions): unknown {
    const call = start(input, options);
    const last = call.answers.then((answers) => answers.at(-1));
    if (!call.isIterable || kind === "[object AsyncFunction]") return last;
    // The SDK looks for an iterable, and who calls the tool by hand awaits its last answer.
    last.catch(() => undefined);
    // oxlint-disable-next-line no-thenable -- awaiting it is what it is for
    return Object.defineProperty(each(call.answers), "then", { value: last.then.bind(last) });
  };
}

async function* each(answers: Promise<readonly unknown[]>): AsyncGenerator<unknown, void, undefined> {
  yield* await answers;
}

type ToModelOutput = (options: { readonly output: unknown }) => unknown;

/** What makes a text of the tool's results knows nothing of refusals. */
function orDenied(tool: Tool, toModelOutput: ToModelOutput): ToModelOutput {
  return (options) =>
    isDeniedCall(options.output) ? { type: "json", value: options.output } : toModelOutput.call(tool, options);
}

/** One call of a tool. */
class Call {
  /** All that it answered, in its order: one value, unless the tool answers an iterable. */
  answers: Promise<readonly unknown[]> = Promise.resolve([]);
  /** Whether the tool answered an iterable; known at once where no guard had to be waited for. */
  isIterable = false;
  readonly #sessions: Sessions;
  readonly #name: string;
  readonly #tool: Tool;
  /** What models were told, and the SDK calls. */
  readonly #copy: Tool;
  readonly #execute: Tool["execute"];
  #isMany = false;
  /** Puts the bytes back that guards saw as what they are. */
  #restore = (result: unknown): unknown => result;

  constructor(sessions: Sessions, name: string, tool: Tool, copy: Tool) {
    this.#sessions = sessions;
    this.#name = name;
    this.#tool = tool;
    this.#copy = copy;
    this.#execute = tool.execute;
  }

  start(input: unknown, options: ToolOptions): void {
    const { identity, late } = identityOf(this.#copy, this.#execute);
    const go = (): Promise<readonly unknown[]> => this.#run(input, options, identity);
    this.answers = late === undefined ? go() : late.then(go);
  }

  /** No async function, so that what runs at once is known at once. */
  #run(input: unknown, options: ToolOptions, tool: object): Promise<readonly unknown[]> {
    const callId = ownOf(options, "toolCallId");
    const [name, context] = [this.#name, contextOf(options)];
    let session: Session;
    let grant: Grant;
    try {
      session = this.#sessions.find({ kind: "tool", name, context });
      grant = this.#sessions.grantOf({ kind: "tool", name, context, callId });
    } catch (error) {
      return Promise.reject(error);
    }
    if (!this.#sessions.isStrict || callId === undefined || grant !== undefined) {
      return this.#judge(session, input, options, tool, grant);
    }
    const isProposed = isAsProposed(
      this.#sessions.stateOf(session).proposed.find(callId),
      name,
      input,
      this.#tool.inputSchema,
    );
    const go = (isGiven: boolean): Promise<readonly unknown[]> => {
      const denied = isGiven ? undefined : refuseUnproposed(session, name, input, callId);
      return denied === undefined ? this.#judge(session, input, options, tool, grant) : denied;
    };
    return isProposed instanceof Promise ? isProposed.then(go) : go(isProposed);
  }

  #judge(
    session: Session,
    input: unknown,
    options: ToolOptions,
    tool: object,
    grant: Grant,
  ): Promise<readonly unknown[]> {
    const callId = ownOf(options, "toolCallId"), signal = ownOf(options, "abortSignal");
    const name = this.#name;
    let answered: Promise<unknown>;
    try {
      answered = session.tool<unknown>(
        { name, arguments: input, callId, signal, grant, metadata: { tool } },
        (args, own) => this.#call(args, options, own),
      );
    } catch (error) {
      return Promise.reject(error);
    }
    const { calls, proposed } = this.#sessions.stateOf(session);
    return answered.then(
      (result) => {
        proposed.delete(callId);
        calls.add(callId, name, inputText(input), false);
        const restored = this.#restore(result);
        return this.#isMany && Array.isArray(restored) ? restored : [restored];
      },
      (error: unknown) => {
        if (!isRefusal(error)) throw error;
        const isBefore = error.stage === "pre_tool_call";
        if (!isBefore) calls.add(callId, name, inputText(input), false);
        else if (isOfArguments(error.code)) calls.add(callId, name, inputText(input), true);
        return [deniedCall(error)];
      },
    );
  }

  #call(args: unknown, options: ToolOptions, signal: AbortSignal): unknown {
    const given = { ...options, abortSignal: signal };
    const output = this.#execute.call(this.#tool, args, given) as Partial<AsyncIterable<unknown>> | null | undefined;
    this.isIterable = typeof output?.[Symbol.asyncIterator] === "function";
    return this.#whole(output, signal);
  }

  async #whole(output: unknown, signal: AbortSignal): Promise<unknown> {
    const result = await untilAborted(
      this.isIterable ? this.#gathered(output as AsyncIterable<unknown>, signal) : Promise.resolve(output),
      signal,
    );
    if (!holdsBytes(result)) return result;
    const own = copyOf(result);
    const seen = shown(own);
    this.#restore = (judged) => restored(own, seen, judged);
    return seen;
  }

  async #gathered(output: AsyncIterable<unknown>, signal: AbortSignal): Promise<unknown> {
    const all: unknown[] = [];
    for await (const one of output) {
      // The act has ended: nobody is told what comes, and nobody else would end the iterable.
      signal.throwIfAborted();
      all.push(one);
    }
    this.#isMany = all.length > 1;
    return this.#isMany ? all : all[0];
  }
}

type Grant = ReturnType<Sessions["grantOf"]>;

/** Refuses a call that no governed model proposed; `undefined` where the kernel only watches. */
function refuseUnproposed(
  session: Session,
  name: string,
  input: unknown,
  callId: string,
): Promise<readonly unknown[]> | undefined {
  const denial = { code: "ungoverned_method", reason: "No governed model proposed this call" };
  try {
    const decision = session.check({ stage: "pre_tool_call", name, payload: input, callId, denial });
    if (decision instanceof Promise) {
      return Promise.reject(new TypeError("A denial that no guard made was not told at once"));
    }
    return decision.effect === "deny" ? Promise.resolve([{ denied: true, ...denial }]) : undefined;
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A result with its bytes; one that a guard gave another shape is what the guard made it. */
function restored(own: unknown, seen: unknown, judged: unknown): unknown {
  try {
    return graft(own, seen, judged);
  } catch {
    return judged;
  }
}
