import {
  type ApprovalRequest,
  createKernel,
  type Decision,
  defineGuard,
  type DenialEvent,
  type GovernedRequest,
  type Kernel,
  type KernelOptions,
  type Session,
  type Stage,
} from "../../../mod.ts";
import type { Ending, KitTool, PluginEntry, Scene, Turn } from "../plugin-fixture.ts";
import {
  AGENT,
  INNER_AGENT,
  INNER_TOOL,
  OTHER_RESULT,
  OTHER_TOOL,
  PROMPT,
  RESULT,
  saying,
  TOOL,
  usualTurns,
} from "./markers.ts";
import { canonical, leaving, readable } from "./text.ts";

/** A drive that does not end is the plugin's fault, and no ending. */
export class Late extends Error {}

const BEFORE: readonly Stage[] = ["input", "pre_model_call", "pre_tool_call"];

/** What a tool of the kit's does. */
type ToolAct = (args: unknown, signal: AbortSignal | undefined) => unknown;

/** What a trial does otherwise than usual. */
export interface TrialInit {
  /** `false`: the framework alone. */
  readonly governed?: false;
  readonly turns?: readonly Turn[];
  /** What the tools do, by name; the call and the signal that it got. */
  readonly tools?: Readonly<Record<string, ToolAct>>;
  /** What the kit's guard says; nothing is an allowance. */
  readonly judge?: (request: GovernedRequest) => Decision | Promise<Decision> | undefined;
  readonly kernel?: KernelOptions;
  readonly sessionId?: string;
  readonly signal?: AbortSignal;
  /** Called with each part of a stream; what it throws ends the reading. */
  readonly onPart?: (part: unknown) => void;
  /** Called when the model is asked, before it answers. */
  readonly onModel?: (turn: number) => void | Promise<void>;
}

/** What a guard was shown. */
export interface Seen {
  readonly stage: Stage;
  readonly name: string;
  readonly payload: unknown;
  readonly text: string;
  readonly callId: string;
}

/** A call that ran. */
export interface Ran {
  readonly name: string;
  readonly arguments: unknown;
  readonly signal: AbortSignal | undefined;
}

/** One play: a scene, and all that happened in it. */
export class Trial {
  readonly scene: Scene;
  readonly kernel: Kernel | undefined;
  /** What models read, whole and as text. */
  readonly requests: { readonly form: string; readonly text: string }[] = [];
  readonly ran: Ran[] = [];
  readonly parts: unknown[] = [];
  readonly endings: Ending[] = [];
  readonly seen: Seen[] = [];
  readonly denials: DenialEvent[] = [];
  readonly asked: ApprovalRequest[] = [];
  /** The gates at which acts ended: `output` and `post_…`. */
  readonly completed: Stage[] = [];
  /** Reservations that are neither settled nor given back. */
  held = 0;
  readonly #session: Session | undefined;
  readonly #entry: PluginEntry;
  readonly #timeoutMs: number;

  constructor(entry: PluginEntry, timeoutMs: number, init: TrialInit = {}) {
    this.#entry = entry;
    this.#timeoutMs = timeoutMs;
    if (init.governed !== false) {
      this.kernel = this.#open(init);
      const { sessionId } = init;
      this.#session = this.kernel.session({ agentId: AGENT, ...(sessionId === undefined ? {} : { sessionId }) });
    }
    const turns = init.turns ?? usualTurns(entry.gates);
    const tools = [TOOL, OTHER_TOOL].map((name) => this.#tool(name, init.tools?.[name]));
    this.scene = {
      ...(this.#session === undefined ? {} : { session: this.#session, kernel: this.kernel as Kernel }),
      prompt: PROMPT,
      signal: init.signal ?? new AbortController().signal,
      tools: entry.gates.includes("tool") ? tools : [],
      ...(entry.subAgents === true
        ? { inner: { name: INNER_AGENT, tools: [this.#tool(INNER_TOOL, init.tools?.[INNER_TOOL])] } }
        : {}),
      model: async (request) => {
        const turn = this.requests.push({ form: canonical(request), text: readable(request) }) - 1;
        await init.onModel?.(turn);
        return turns[turn] ?? saying();
      },
      part: (part) => {
        this.parts.push(part);
        init.onPart?.(part);
      },
    };
  }

  /** The session of a governed trial. */
  get session(): Session {
    if (this.#session === undefined) throw new TypeError("This trial is not governed");
    return this.#session;
  }

  /** Drives the entry once. What it rejects with is an ending too. */
  drive(): Promise<Ending> {
    return this.end(() => this.#entry.drive(this.scene));
  }

  /** Waits for an ending, no longer than the fixture allows, and for what comes after it. */
  async end(start: () => Promise<Ending>): Promise<Ending> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `it has not ended within ${this.#timeoutMs} ms`;
      timer = setTimeout(() => reject(new Late(message)), this.#timeoutMs);
    });
    let ending: Ending;
    try {
      ending = await Promise.race([start(), late]);
    } catch (error) {
      if (error instanceof Late) throw error;
      ending = { error };
    } finally {
      clearTimeout(timer);
    }
    this.endings.push(ending);
    await turns(3);
    return ending;
  }

  /** All that the caller got: endings and parts. */
  get got(): string {
    return `${readable(this.#outcomes)}\n${this.streamed}`;
  }

  /** What of that leaves a process. */
  get told(): string {
    return leaving([this.#outcomes, this.parts]);
  }

  /** What a stream brought: its texts joined, and then what else came. */
  get streamed(): string {
    const texts = this.parts.filter((part) => typeof part === "string");
    return `${texts.join("")}\n${readable(this.parts)}`;
  }

  get #outcomes(): unknown {
    return this.endings.map(({ value, error }) => [value, error]);
  }

  /** What models read. */
  get read(): string {
    return this.requests.map(({ text }) => text).join("\n");
  }

  /** The calls of a tool that ran. */
  ranOf(name: string): readonly Ran[] {
    return this.ran.filter((one) => one.name === name);
  }

  /** What guards were shown at a stage. */
  seenAt(stage: Stage): readonly Seen[] {
    return this.seen.filter((one) => one.stage === stage);
  }

  #tool(name: string, act: ToolAct | undefined): KitTool {
    return {
      name,
      description: `The kit's tool ${name}`,
      parameters: { type: "object", properties: { q: { type: "string" } } },
      execute: async (args, signal) => {
        this.ran.push({ name, arguments: args, signal });
        const answer = await act?.(args, signal);
        return typeof answer === "string" ? answer : name === OTHER_TOOL ? OTHER_RESULT : RESULT;
      },
    };
  }

  #open({ judge, kernel: options }: TrialInit): Kernel {
    const guard = defineGuard({
      name: "kit",
      check: (request, _context, taking) => {
        const { stage, name, payload, callId } = request;
        this.seen.push({ stage, name, payload, text: readable(payload), callId });
        if (!taking.dry && BEFORE.includes(stage)) {
          this.held++;
          const free = (): void => void this.held--;
          taking.take(free, free);
        }
        return judge?.(request) ?? { effect: "allow", allowed: true };
      },
    });
    const kernel = createKernel({ ...options, guards: [guard] });
    for (const type of ["policy_violation", "tool_call_blocked"] as const) {
      kernel.on(type, (event) => void this.denials.push(event));
    }
    kernel.on("approval_requested", ({ approval }) => void this.asked.push(approval));
    kernel.on("call_completed", ({ stage }) => void this.completed.push(stage));
    return kernel;
  }
}

/** Lets timers run that many times: what was started, and is not waited for, has then happened. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void setTimeout(resolve, 0));
}
