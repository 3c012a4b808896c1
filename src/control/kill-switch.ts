import { type Deny, deny, denyHere, isThenable } from "../base/decision.ts";
import { jsonText, ownField, pickOwn } from "../base/own.ts";
import type { Awaitable, StateEntry, StateStore } from "../state/store.ts";
import { canonicalAgentKey, isSameAgent } from "../crypto/did.ts";
import type { SessionHandle } from "../kernel/seam.ts";

interface Halt {
  readonly signal: "suspend" | "kill";
  readonly denial: Deny;
}

/** Where stops are kept, so that they outlive the process, and whom to tell. */
export interface KillSwitchOptions {
  readonly store: () => StateStore | undefined;
  /** An agent is stopped: from now on it is asked which. */
  readonly stopping: () => void;
  /** Visits the sessions in which anything can be aborted. */
  readonly sessions: (visit: (session: SessionHandle) => void) => void;
  readonly clock: () => number;
  readonly failed: (error: unknown) => void;
}

const TRIES = 8;

/** Stands for every agent: no agent can have this id. */
export const EVERYBODY = "*";

/**
 * Which agents may not act, under the one name of each: a killed one must not go on under the other DID of its key.
 */
export class KillSwitch {
  readonly #options: KillSwitchOptions;
  readonly #halted: Map<string, Halt> = new Map();

  constructor(options: KillSwitchOptions) {
    this.#options = options;
  }

  /** Stops an agent; a kill is final. */
  stop(name: string, signal: "suspend" | "kill", reason: string): void {
    const agent = canonicalAgentKey(name);
    const halt = this.#keep(agent, signal, reason);
    if (halt === undefined) return;
    this.#options.sessions((session) => {
      const { agentKey, agentId } = session.context;
      if (agent === EVERYBODY || isSameAgent(agentKey, agent) || isSameAgent(agentId, agent)) {
        session.halt(halt.denial);
      }
    });
    this.#write(agent, jsonText([signal, reason]));
  }

  #keep(agent: string, signal: "suspend" | "kill", reason: string): Halt | undefined {
    if (this.#halted.get(agent)?.signal === "kill") return undefined;
    const halt: Halt = {
      signal,
      denial: signal === "kill" ? deny("session_killed", reason) : deny("agent_suspended", reason),
    };
    this.#halted.set(agent, halt);
    this.#options.stopping();
    return halt;
  }

  /**
   * Lets a suspended agent act again, unless it was killed; answers whether there was anything to lift, as far as is
   * known here.
   */
  resume(name: string): boolean {
    const agent = canonicalAgentKey(name);
    if (this.#halted.get(agent)?.signal === "kill") return false;
    const isHere = this.#halted.delete(agent);
    this.#write(agent, "");
    return isHere || this.#options.store() !== undefined;
  }

  /**
   * Learns from the store whether an agent was stopped before this process began; answers why it may not act if that
   * can't be known.
   */
  load(agentKey: string, agentId: string): Awaitable<Deny | undefined> {
    const store = this.#options.store();
    if (store === undefined) return undefined;
    const agents = [...new Set([canonicalAgentKey(agentKey), canonicalAgentKey(agentId), EVERYBODY])];
    const unknown = (error: unknown): Deny =>
      denyHere("store_unavailable", "Whether the agent may act could not be read", error);
    try {
      const entries = agents.map((agent) => store.read(keyOf(agent)));
      if (!entries.some(isThenable)) return this.#learn(agents, entries as (StateEntry | undefined)[]);
      return Promise.all(entries).then((late) => this.#learn(agents, late)).catch(unknown);
    } catch (error) {
      return unknown(error);
    }
  }

  #learn(agents: readonly string[], entries: readonly (StateEntry | undefined)[]): undefined {
    entries.forEach((entry, index) => {
      const text = entry === undefined ? "" : ownField(entry, "value");
      if (text === "") return;
      const [signal, reason] = JSON.parse(String(text)) as [unknown, unknown];
      if ((signal !== "kill" && signal !== "suspend") || typeof reason !== "string") {
        throw new TypeError("A stop in the store is damaged");
      }
      this.#keep(agents[index] as string, signal, reason);
    });
  }

  /** Why an agent may not act. */
  of(agentKey: string, agentId: string): Deny | undefined {
    if (this.#halted.size === 0) return undefined;
    const halted = this.#halted;
    return (halted.get(canonicalAgentKey(agentKey)) ?? halted.get(canonicalAgentKey(agentId)) ?? halted.get(EVERYBODY))
      ?.denial;
  }

  /** Keeps a stop, or its end, in the store; a kill that is there already stays. */
  #write(agent: string, value: string, tries = TRIES): void {
    const { store: storeOf, clock, failed } = this.#options;
    const store = storeOf();
    if (store === undefined) return;
    const key = keyOf(agent);
    const put = (entry: StateEntry | undefined): Awaitable<boolean> => {
      const { value: old = "", version } = pickOwn(entry as StateEntry, ["value", "version"]);
      if (old.startsWith('["kill"') && !value.startsWith('["kill"')) return true;
      return store.put(key, value, { ifVersion: version, now: clock() });
    };
    const done = (isWritten: boolean): void => {
      if (isWritten) return;
      if (tries > 1) this.#write(agent, value, tries - 1);
      else failed(new Error(`The stop of an agent could not be kept in store "${store.name}"`));
    };
    try {
      const entry = store.read(key);
      const written = isThenable(entry) ? Promise.resolve(entry).then(put) : put(entry as StateEntry | undefined);
      if (isThenable(written)) Promise.resolve(written).then(done).catch(failed);
      else done(written as boolean);
    } catch (error) {
      failed(error);
    }
  }
}

function keyOf(agent: string): string {
  return jsonText(["halt", agent]);
}
