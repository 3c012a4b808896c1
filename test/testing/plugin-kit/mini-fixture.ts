/** The small framework with its plugin, as the kit takes it. */
import type { Session } from "../../../mod.ts";
import { type Ending, type PluginFixture, type Scene } from "../../../src/testing/mod.ts";
import {
  type Agent,
  type Answer,
  type Call,
  type Model,
  type Outcome,
  type Request,
  resume,
  run,
  type Tool,
} from "./mini.ts";
import { COVERAGE, type Fault, forget, govern, type Options } from "./mini-plugin.ts";

/** A model that says what the kit wants. */
function modelOf(scene: Scene): Model {
  const complete = async (request: Request): Promise<Answer> => {
    const { text = "", calls = [], usage, fails } = await scene.model(request);
    if (fails === true) throw new Error("The provider is down");
    return { text, calls, usage };
  };
  return {
    complete,
    async *stream(request) {
      const answer = await complete(request);
      for (let at = 0; at < answer.text.length; at += 4) yield answer.text.slice(at, at + 4);
      yield answer;
    },
  };
}

function agentOf(scene: Scene, options: Options): Agent {
  const { session, inner } = scene;
  const toolsOf = (tools: Scene["tools"]): Tool[] =>
    tools.map(({ name, execute }) => ({ name, execute: (args, { signal }) => execute(args, signal) }));
  const governed = (agent: Agent): Agent => session === undefined ? agent : govern(agent, session, options);
  const tools = toolsOf(scene.tools);
  if (inner !== undefined) {
    const own: Agent = { model: modelOf(scene), tools: toolsOf(inner.tools) };
    const agent = options.fault === "does not govern sub-agents" ? own : governed(own);
    const execute: Tool["execute"] = async (_args, { signal }) => (await run(agent, "go", signal)).text ?? "";
    tools.push({ name: inner.name, execute });
  }
  return governed({ model: modelOf(scene), tools });
}

function endingOf(outcome: Outcome, agent: Agent, scene: Scene, options: Options): Ending {
  const { text, paused } = outcome;
  if (paused === undefined) return { value: text };
  return {
    paused: {
      resume: async (answer, elsewhere) => {
        const [there, where] = elsewhere === undefined ? [agent, scene] : [agentOf(elsewhere, options), elsewhere];
        const open = options.fault === "runs finished siblings again"
          ? paused.messages.findLast(({ calls }) => calls !== undefined)?.calls ?? []
          : paused.open;
        const next = await resume(there, structuredClone({ ...paused, open }), answer, where.signal);
        return endingOf(next, there, where, options);
      },
    },
  };
}

/** The first call of a turn, once more with a grant: what a plugin gives where its framework has no pause. */
function again(scene: Scene, options: Options, calls: readonly Call[]): Ending["paused"] {
  const [call] = calls;
  if (call === undefined) return undefined;
  return {
    resume: async (answer, elsewhere) => {
      const where = elsewhere ?? scene;
      const tool = agentOf(where, options).tools.find(({ name }) => name === call.name) as Tool;
      return { value: await tool.execute(call.arguments, { id: call.id, signal: where.signal, answer }) };
    },
  };
}

/** An agent under the run gate, whose refused calls are kept to be made again. */
async function ask(scene: Scene, options: Options): Promise<Ending> {
  const refused: Call[] = [];
  const agent = agentOf(scene, { ...options, onRefused: (call) => void refused.push(call) });
  const start = async (prompt: string, signal: AbortSignal): Promise<string> =>
    (await run(agent, prompt, signal)).text ?? "";
  const { session, prompt, signal } = scene;
  const value = session === undefined || options.fault === "does not govern runs"
    ? await start(prompt, signal)
    : await session.run(prompt, (input, own) =>
      start(
        options.fault === "runs the prompt as it was" ? prompt : input,
        options.fault === "nests without a signal" ? signal : own,
      ), { signal });
  const waiting = session === undefined ? undefined : again(scene, options, refused);
  return waiting === undefined ? { value } : { value, paused: waiting };
}

class Facade {
  readonly #agent: Agent;
  readonly weather = "fine";

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  async ask(prompt: string): Promise<string> {
    return (await run(this.#agent, prompt, new AbortController().signal)).text ?? "";
  }

  call(name: string): string {
    return `called ${name}`;
  }

  describe(): object {
    return { kind: "facade" };
  }
}

function wrapFacade(original: Facade, session: Session, fault: Fault): object {
  if (fault === "gives the original back") return original;
  if (fault === "changes the original") Object.assign(original, { ask: () => session });
  if (fault === "changes the original's class") {
    Facade.prototype.describe = () => ({ kind: "governed facade" });
  }
  const governed = {
    ask: (prompt: string) => session.run(prompt, (input) => original.ask(input)),
    call: (name: string) => session.tool({ name, arguments: {} }, () => original.call(name)),
    describe: () => fault === "hands out the original" ? { of: original } : original.describe(),
  };
  if (fault === "has a method that nobody names") Object.assign(governed, { forecast: () => "rain" });
  return fault === "holds the original" ? { ...governed, [Symbol("inner")]: new Map([["it", original]]) } : governed;
}

/** The fixture; with a fault, one promise of the plugin's is broken. */
export function miniFixture(fault?: Fault): PluginFixture {
  forget();
  const [pausing, awaiting] = [{ fault, pauses: true }, { fault, pauses: false }];
  return {
    name: "mini",
    timeoutMs: 5000,
    entries: {
      ask: { gates: ["run", "model", "tool"], refusedTool: "model", drive: (scene) => ask(scene, awaiting) },
      loop: {
        gates: ["model", "tool"],
        refusedTool: "model",
        approval: "pause",
        ...(fault === "says nothing of sub-agents" ? {} : { subAgents: true }),
        drive: async (scene) => {
          const agent = agentOf(scene, pausing);
          return endingOf(await run(agent, scene.prompt, scene.signal), agent, scene, pausing);
        },
      },
      stream: {
        gates: ["model", "tool"],
        refusedTool: "model",
        approval: "pause",
        streams: true,
        drive: async (scene) => {
          const agent = agentOf(scene, pausing);
          const outcome = await run(agent, scene.prompt, scene.signal, (text) => scene.part(text));
          return endingOf(outcome, agent, scene, pausing);
        },
      },
    },
    coverage: () => fault === "names something twice" ? { ...COVERAGE, ungoverned: ["the weather", "ask"] } : COVERAGE,
    object: ({ session }) => {
      const original = new Facade({ model: {} as Model, tools: [] });
      return { governed: session === undefined ? original : wrapFacade(original, session, fault), original };
    },
  };
}
