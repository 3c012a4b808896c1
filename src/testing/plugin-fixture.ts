import type { AbortSignalLike, ApprovalGrant, Coverage, Kernel, Session } from "../../mod.ts";

/** A gate of an entry point: what a session calls `run`, `model` and `tool`. */
export type PluginGate = "run" | "model" | "tool";

/** A tool that the kit plants: what runs, and with what, is what its promises are about. */
export interface KitTool {
  /** What models and policies call it. */
  readonly name: string;
  /** For models. */
  readonly description: string;
  /** The JSON schema of its arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Runs it. Pass on the signal that the framework gives its tools, where it gives one. */
  execute(args: unknown, signal?: AbortSignalLike): Promise<string>;
}

/** What a model answers: the mock model says it in the form of its provider. */
export interface Turn {
  /** What it says. */
  readonly text?: string;
  /** The calls that it proposes. */
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly arguments: unknown }[];
  /** What it says that it used. */
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
  /** The provider fails instead, as it does when it answers with a status of 500. */
  readonly fails?: true;
}

/** What one case of the kit plays with. Build everything anew from it: two scenes have nothing in common. */
export interface Scene {
  /** Governs what is built; without one build it ungoverned, on the framework alone. */
  readonly session?: Session;
  /** The session's kernel. */
  readonly kernel?: Kernel;
  /** What the user says. */
  readonly prompt: string;
  /** Aborts the whole drive: pass it on where the framework takes a signal. */
  readonly signal: AbortSignalLike;
  /** The agent's tools. */
  readonly tools: readonly KitTool[];
  /** For entries with `subAgents`: an agent that the first one calls by this name, and its tools. */
  readonly inner?: { readonly name: string; readonly tools: readonly KitTool[] };
  /** What whatever stands for a model asks for each turn, with all that the model reads. */
  model(request: unknown): Promise<Turn>;
  /** Takes each part of a stream as the caller gets it: a text as a string, anything else as it is. */
  part(part: unknown): void;
}

/** How a drive ended: with what the caller got. */
export interface Ending {
  /** What the caller got: data, without ids and times of the framework's own. */
  readonly value?: unknown;
  /** What the caller caught. A drive may reject with it as well. */
  readonly error?: unknown;
  /** There where a call waits for an answer. */
  readonly paused?: {
    /**
     * Answers, and drives on: in `elsewhere`, which stands for another process, where it is given. A plugin that takes
     * only signed grants treats a bare `true` as no answer.
     */
    resume(answer: boolean | ApprovalGrant, elsewhere?: Scene): Promise<Ending>;
  };
}

/** One way into a framework: call, stream, batch, or whatever else a user calls. */
export interface PluginEntry {
  /** The gates that acts on this way pass. */
  readonly gates: readonly PluginGate[];
  /** Builds what a user builds and drives it once: the prompt, the model's turns, its calls, its answer. */
  drive(scene: Scene): Promise<Ending>;
  /** Who reads the refusal of a tool call. Default: either. */
  readonly refusedTool?: "model" | "caller";
  /**
   * `"pause"`: where the kernel has no `approve`, the drive ends `paused` and takes a bare yes. `"await"`: it waits for
   * `approve`, and takes a grant later at most. Default `"await"`.
   */
  readonly approval?: "pause" | "await";
  /** Whether the caller gets parts, which the drive passes to `scene.part`. */
  readonly streams?: true;
  /** Whether the framework has agents that call agents: the drive then builds `scene.inner`. */
  readonly subAgents?: true;
}

/** A plugin under test: a framework with it, and without. */
export interface PluginFixture {
  /** Stands in titles. */
  readonly name: string;
  /** Every way in, by name. */
  readonly entries: Readonly<Record<string, PluginEntry>>;
  /** What the plugin says that it governs. */
  coverage(): Coverage;
  /** How long a drive may take, in ms, above 0. Default 10000. */
  readonly timeoutMs?: number;
  /**
   * What it cannot keep, by promise, `entry/promise` or either with its gate (`"told why (model)"`): why, and what its
   * coverage calls it, word for word. An entry that is kept after all fails.
   */
  readonly cannot?: Readonly<Record<string, { readonly because: string; readonly coverage: string }>>;
  /** Makes a governed object and its original, for plugins that give one. */
  object?(scene: Scene): {
    /** What the user gets. */
    readonly governed: object;
    /** What it governs. */
    readonly original: object;
    /** What else must not be reached: clients inside the original, functions of tools. */
    readonly secrets?: readonly object[];
    /** Ways that a user has of getting something from it: clones, chains, getters with arguments. */
    readonly ways?: Readonly<Record<string, (governed: object) => unknown>>;
  };
}
