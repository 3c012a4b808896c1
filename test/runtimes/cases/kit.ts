/** What the portable cases are written with: no test runner, and nothing that only some runtimes have. */
import * as sallyport from "../../../mod.ts";

/** One behaviour. It throws, or rejects, when the runtime does otherwise. */
export interface Case {
  /** What is checked. */
  readonly name: string;
  /** Checks it. */
  run(): void | Promise<void>;
}

/** Writes data as text that is equal exactly where the data is: `undefined`, `NaN`, `-0` and bytes are told apart. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(show).join(",")}]`;
  if (ArrayBuffer.isView(value)) {
    return `bytes ${new Uint8Array(value.buffer, value.byteOffset, value.byteLength).join(" ")}`;
  }
  const object = value as Record<string, unknown>;
  return `{${Object.keys(object).sort().map((key) => `${JSON.stringify(key)}:${show(object[key])}`).join(",")}}`;
}

/** Throws unless two values are the same data. */
export function same(actual: unknown, wanted: unknown, what = "value"): void {
  const [a, w] = [show(actual), show(wanted)];
  if (a !== w) throw new Error(`${what}: wanted ${w}, got ${a}`);
}

/** Throws unless building throws an error for a mistake in the configuration. */
export function throwsTypeError(build: () => unknown, what: string): void {
  try {
    build();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return;
    throw error;
  }
  throw new Error(`${what}: wanted a TypeError, and nothing was thrown`);
}

/** The error that a promise rejects with; throws if it resolves. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("wanted a rejection, and the promise resolved");
}

/** The code of the denial that a promise rejects with, or `allowed`. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (sallyport.isPolicyViolation(error)) return error.code;
    throw error;
  }
  return "allowed";
}

/** The code of a decision that stops, else its effect. */
export function codeIn(decision: sallyport.Decision): string {
  return decision.effect === "deny" || decision.effect === "escalate" ? decision.code : decision.effect;
}

/** Who acts. */
export const agent = { agentId: "portable" };

/** A call of the tool `search`. */
export function toolCall(args: unknown = {}): { name: string; arguments: unknown } {
  return { name: "search", arguments: args };
}

/** A session of a new kernel. */
export function open(options: sallyport.KernelOptions = {}, init: sallyport.SessionInit = agent): sallyport.Session {
  return sallyport.createKernel(options).session(init);
}

/** What a policy says to one tool call. */
export async function checkCode(policy: sallyport.PolicyInit, payload: unknown, name = "search"): Promise<string> {
  return codeIn(await open({ policy }).check({ stage: "pre_tool_call", name, payload }));
}

/** Resolves after a turn of the runtime's timers. */
export function turn(ms = 0): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** Asks until something holds, for a second at most: what garbage and other machines do is not waited for. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns === 200) throw new Error(`${what}: did not happen`);
    await turn(5);
  }
}
