/** A framework as small as one can be that has everything: agents that loop, streams, pauses, agents as tools. */

export interface Message {
  readonly role: string;
  readonly content: string;
  readonly calls?: readonly Call[];
}

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: unknown;
}

export interface Request {
  readonly messages: readonly Message[];
  readonly tools: readonly string[];
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Answer {
  readonly text: string;
  readonly calls: readonly Call[];
  readonly usage: Usage;
}

export interface Model {
  complete(request: Request, signal: AbortSignal): Promise<Answer>;
  /** The text in pieces, and then the whole answer. */
  stream(request: Request, signal: AbortSignal): AsyncIterable<string | Answer>;
}

export interface Tool {
  readonly name: string;
  execute(
    args: unknown,
    call: { readonly id: string; readonly signal: AbortSignal; readonly answer?: unknown },
  ): Promise<string>;
}

/** A tool throws it where a person must answer first; the call is made again with the answer. */
export class Pause extends Error {}

/** Where an agent stands. */
export interface State {
  readonly messages: Message[];
  /** Calls of the last turn that have no result yet. */
  readonly open: readonly Call[];
}

export interface Outcome {
  readonly text?: string;
  readonly paused?: State;
}

export interface Agent {
  readonly model: Model;
  readonly tools: readonly Tool[];
}

/** Starts an agent. */
export async function run(
  agent: Agent,
  prompt: string,
  signal: AbortSignal,
  onText?: (text: string) => void,
): Promise<Outcome> {
  return await loop(agent, { messages: [{ role: "user", content: prompt }], open: [] }, signal, onText);
}

/** Goes on with a paused one: its open calls are made again. */
export async function resume(agent: Agent, state: State, answer: unknown, signal: AbortSignal): Promise<Outcome> {
  const paused = await act(agent, state, signal, answer);
  return paused ?? await loop(agent, { messages: state.messages, open: [] }, signal);
}

async function loop(
  agent: Agent,
  { messages }: State,
  signal: AbortSignal,
  onText?: (text: string) => void,
): Promise<Outcome> {
  for (;;) {
    signal.throwIfAborted();
    const request = { messages: [...messages], tools: agent.tools.map(({ name }) => name) };
    const { text, calls } = onText === undefined
      ? await agent.model.complete(request, signal)
      : await streamed(agent.model.stream(request, signal), onText);
    messages.push({ role: "assistant", content: text, ...(calls.length === 0 ? {} : { calls }) });
    if (calls.length === 0) return { text };
    const paused = await act(agent, { messages, open: calls }, signal);
    if (paused !== undefined) return paused;
  }
}

async function streamed(parts: AsyncIterable<string | Answer>, onText: (text: string) => void): Promise<Answer> {
  for await (const part of parts) {
    if (typeof part !== "string") return part;
    onText(part);
  }
  throw new Error("The stream ended without an answer");
}

async function act(
  agent: Agent,
  { messages, open }: State,
  signal: AbortSignal,
  answer?: unknown,
): Promise<Outcome | undefined> {
  const waiting: Call[] = [];
  const results = await Promise.all(open.map(async (call) => {
    try {
      signal.throwIfAborted();
      const tool = agent.tools.find(({ name }) => name === call.name);
      if (tool === undefined) throw new Error(`There is no tool ${call.name}`);
      return await tool.execute(call.arguments, { id: call.id, signal, ...(answer === undefined ? {} : { answer }) });
    } catch (error) {
      if (error instanceof Pause) {
        waiting.push(call);
        return undefined;
      }
      return `failed: ${(error as Error).message}`;
    }
  }));
  signal.throwIfAborted();
  for (const result of results) if (result !== undefined) messages.push({ role: "tool", content: result });
  return waiting.length === 0 ? undefined : { paused: { messages, open: waiting } };
}
