import type { Coverage, Session } from "../../mod.ts";
import { fieldOf, memberOf, ownOf } from "../shared/own.ts";
import { governCall, nameOf, partsOf } from "./calls.ts";
import { grantIn, isViolation, tell, toolError, violation } from "./denials.ts";
import { Inbound, type Listener } from "./inbound.ts";
import { judgeError, judgeParams, judgeText, mustBeActive } from "./judging.ts";
import { KnownTools, schemaCheckOf } from "./known-tools.ts";
import { governList, type ListRules } from "./lists.ts";
import { actOf, CALL, LISTS, READS, UPKEEP } from "./methods.ts";
import { within } from "./signals.ts";
import { surfaceOf } from "./surface.ts";
import type { Fields, McpClientOptions, McpGrant, Methods } from "./types.ts";
import { isFields, jsonCopy, saysAnything } from "./values.ts";

/** A client's methods that send a request, and which. */
const SENDS: ReadonlyMap<string, string> = new Map(Object.entries({
  callTool: CALL,
  readResource: "resources/read",
  subscribeResource: "resources/subscribe",
  getPrompt: "prompts/get",
  complete: "completion/complete",
  listTools: "tools/list",
  listPrompts: "prompts/list",
  listResources: "resources/list",
  listResourceTemplates: "resources/templates/list",
}));
/** A client's methods that keep the connection, and what their arguments are called. */
const KEEPS: ReadonlyMap<string, readonly [method: string, param?: string]> = new Map([
  ["ping", ["ping"]],
  ["discover", ["server/discover"]],
  ["setLoggingLevel", ["logging/setLevel", "level"]],
  ["unsubscribeResource", ["resources/unsubscribe"]],
]);
/** What a client knows of its server from its greeting, and the name that it is judged by. */
const GREETINGS: ReadonlyMap<string, string> = new Map(Object.entries({
  getInstructions: "server:instructions",
  getServerVersion: "server:info",
  getServerCapabilities: "server:capabilities",
  getDiscoverResult: "server:discover",
}));
/** A client's methods that do not act. */
const PASSED = new RegExp(`^(?:${
  [
    "setNotificationHandler",
    "removeNotificationHandler",
    "assert[A-Z].*",
    "registerCapabilities",
    "setVersionNegotiation",
    "getNegotiatedProtocolVersion",
    "getProtocolEra",
  ].join("|")
})$`);
/** What comes in by itself, where the plugin sees it. */
const INBOUND = ["elicitation/create", "notifications/*", "roots/list", "sampling/createMessage"];

/** What a client's options come to. */
export type ClientRules =
  & Required<Pick<McpClientOptions, "onDeny" | "untrusted" | "strict">>
  & { readonly grantOf: McpClientOptions["grantOf"]; readonly lists: ListRules };

const governedClients: WeakSet<object> = new WeakSet();

/** Which entry points of a client pass the gates. */
export function clientCoverage(target: Methods): Coverage {
  const names = [...surfaceOf(target).keys()].sort();
  const governed = names.filter((name) =>
    name === "request" || name === "connect" || SENDS.has(name) || KEEPS.has(name) || GREETINGS.has(name)
  );
  const passedThrough = names.filter((name) => name === "close" || PASSED.test(name));
  const others = names.filter((name) => !governed.includes(name) && !passedThrough.includes(name));
  return {
    governed: Inbound.canSee(target) ? [...governed, ...INBOUND] : governed,
    passedThrough,
    ungoverned: [...others, ...unseen(target)],
  };
}

/** What comes to the client's user round the governed client. */
function unseen(target: Methods): readonly string[] {
  const heard = ownOf(target as Fields, "_notificationHandlers");
  const relists =
    ["_listChangedConfig", "_pendingListChangedConfig"].some((name) => ownOf(target, name) !== undefined) ||
    (heard instanceof Map && [...heard.keys()].some((method) => String(method).endsWith("/list_changed")));
  return [
    ...(Inbound.canSee(target) ? [] : INBOUND),
    ...(relists ? ["listChanged"] : []),
  ];
}

/** Makes the governed client. */
export function governClient(target: Methods, session: Session, rules: ClientRules): object {
  if (typeof memberOf(target, "callTool") !== "function" || typeof memberOf(target, "request") !== "function") {
    throw new TypeError("Cannot wrap an MCP client: it must have callTool() and request(), and has not");
  }
  if (governedClients.has(target)) throw new TypeError("Cannot wrap an MCP client: it is governed already");
  if (rules.strict) {
    const open = unseen(target);
    if (open.length > 0) {
      throw new TypeError(
        `Cannot wrap an MCP client strictly: what it does with ${open.join(", ")} cannot be governed`,
      );
    }
  }
  const isSecond = typeof memberOf(target, "getProtocolEra") === "function";
  const known = new KnownTools(rules.lists.maxListEntries * 10, schemaCheckOf(target));
  const listener: Listener = { session, known, untrusted: rules.untrusted, grantOf: rules.grantOf };
  const inbound = Inbound.of(target);
  inbound.add(listener);
  const sender = new Sender(target, listener, rules);
  const greetings = new Greetings(target, session, rules.untrusted);
  const governed: Methods = {};
  for (const [name, isMethod] of surfaceOf(target)) {
    const method = SENDS.get(name);
    const keeps = KEEPS.get(name);
    const optionsAt = name === "callTool" && !isSecond ? 1 : 0; // in 1.x after a result schema
    if (method !== undefined) {
      governed[name] = (params, ...rest) =>
        sender.send(method, params, rest, optionsAt, (sent, after) => target[name]?.(sent, ...after));
    } else if (keeps !== undefined) {
      const [request, param] = keeps;
      governed[name] = (...args) => sender.keep(request, param, args, (sent) => target[name]?.(...sent));
    } else if (GREETINGS.has(name)) governed[name] = () => greetings.read(name);
    else if (PASSED.test(name)) governed[name] = (...args) => target[name]?.(...args);
    else if (isMethod) {
      governed[name] = () => {
        throw tell(session, actOf(name), violation("ungoverned_method", `${name}() does not pass the gates`));
      };
    }
  }
  governed["request"] = async (request, ...rest) => await sender.request(request, rest, isSecond);
  governed["connect"] = async (...args) => {
    try {
      mustBeActive(session);
    } catch (error) {
      throw tell(session, "initialize", error);
    }
    inbound.add(listener);
    const answer = await target["connect"]?.(...args);
    await greetings.hear();
    return answer;
  };
  governed["close"] = async (...args) => {
    try {
      return await target["close"]?.(...args);
    } finally {
      inbound.remove(listener);
    }
  };
  for (const name of ["connect", "close"]) if (memberOf(target, name) === undefined) delete governed[name];
  governedClients.add(governed);
  return Object.freeze(governed);
}

/** Sends the requests of one governed client. */
class Sender {
  readonly #target: Methods;
  readonly #listener: Listener;
  readonly #rules: ClientRules;

  constructor(target: Methods, listener: Listener, rules: ClientRules) {
    this.#target = target;
    this.#listener = listener;
    this.#rules = rules;
  }

  /** Sends a request that `go` takes with what comes after its params; `optionsAt`: where in that its options are. */
  async send(
    method: string,
    params: unknown,
    rest: readonly unknown[],
    optionsAt: number,
    go: (params: Fields | undefined, rest: readonly unknown[]) => unknown,
  ): Promise<unknown> {
    const given = rest[optionsAt];
    const options: Fields = isFields(given) ? { ...given } : {};
    const signal = ownOf(options, "signal") as AbortSignal | undefined;
    const { untrusted, onDeny, grantOf, lists } = this.#rules;
    const { session, known } = this.#listener;
    const sendOn = (sent: Fields | undefined, own: AbortSignal): unknown =>
      go(sent, Object.assign([...rest], { [optionsAt]: { ...options, signal: own } }));
    try {
      if (LISTS.has(method)) {
        const grantFor = (all: Fields): McpGrant | undefined =>
          grantIn(() => grantOf?.({ method, name: actOf(method), params: all }));
        return await governList(session, method, params, sendOn, known, lists, signal, grantFor);
      }
      if (ownOf(options, "task") !== undefined) throw violation("ungoverned_method", "A task does not pass the gates");
      const { name, given: all } = partsOf(method, params);
      const grant = grantIn(() => grantOf?.({ method, name, params: all }));
      return await governCall(
        { session, method, params: all, signal, grant, untrusted, known },
        sendOn,
        (own, run) => within([own], run),
      );
    } catch (reason) {
      const error = tell(session, nameOf(method, params), reason);
      if (method !== CALL || onDeny === "throw" || !isViolation(error)) throw error;
      const isModern = memberOf(this.#target, "getProtocolEra")?.call(this.#target) === "modern";
      return { ...toolError(error), ...(isModern ? { resultType: "complete" } : {}) };
    }
  }

  /** Sends what keeps the connection, as long as the session is open. */
  async keep(
    method: string,
    param: string | undefined,
    args: readonly unknown[],
    go: (args: readonly unknown[]) => unknown,
  ): Promise<unknown> {
    const { session } = this.#listener;
    try {
      mustBeActive(session);
      const sent = [...args];
      const [first] = args;
      // The methods without params have their options first.
      if (method === "logging/setLevel" || method === "resources/unsubscribe") {
        const params = param === undefined ? first : { [param]: first };
        const safe = await judgeParams(session, actOf(method), params, false);
        sent[0] = param === undefined ? safe : safe?.[param];
      }
      return await this.#kept(method, () => go(sent));
    } catch (error) {
      throw tell(session, actOf(method), error);
    }
  }

  /** Sends any request. */
  async request(request: unknown, rest: readonly unknown[], isSecond: boolean): Promise<unknown> {
    const { session } = this.#listener;
    if (!isFields(request) || typeof ownOf(request, "method") !== "string") {
      throw tell(session, "method:", violation("invalid_arguments", "A request must be an object with a method"));
    }
    const { method, params: _, ...others } = request as { method: string; params?: unknown };
    const params = ownOf(request, "params");
    const go = (sent: unknown, after: readonly unknown[]): unknown =>
      this.#target["request"]?.({ ...others, method, ...(sent === undefined ? {} : { params: sent }) }, ...after);
    if (method === CALL || READS.has(method) || LISTS.has(method)) {
      return await this.send(method, params, rest, isSecond && !isSchema(rest[0]) ? 0 : 1, go);
    }
    try {
      if (!UPKEEP.has(method) || method === "initialize") {
        throw violation("ungoverned_method", `The method ${JSON.stringify(method)} does not pass the gates`);
      }
      mustBeActive(session);
      const safe = await judgeParams(session, actOf(method), params, false);
      return await this.#kept(method, () => go(safe, rest));
    } catch (error) {
      throw tell(session, actOf(method), error);
    }
  }

  /** What a request that keeps the connection comes to, as text from outside. */
  async #kept(method: string, go: () => unknown): Promise<unknown> {
    const { session, untrusted } = this.#listener;
    const name = actOf(method);
    const answer = await within([session.context.signal], go)
      .catch((error: unknown) => judgeError(session, name, error, untrusted));
    return saysAnything(answer) ? await judgeText(session, name, answer, untrusted) : answer;
  }
}

/** What a server said of itself, judged as text from outside once for each thing that it said. */
class Greetings {
  readonly #target: Methods;
  readonly #session: Session;
  readonly #untrusted: boolean;
  readonly #heard: Map<string, { readonly text: string; readonly judged: Promise<void>; value: unknown }> = new Map();

  constructor(target: Methods, session: Session, untrusted: boolean) {
    this.#target = target;
    this.#session = session;
    this.#untrusted = untrusted;
  }

  /** Reads one; `undefined` where it may not be told, or a guard still thinks. */
  read(method: string): unknown {
    if (this.#session.context.signal.aborted) return undefined;
    const said = memberOf(this.#target, method)?.call(this.#target);
    if (said === undefined || said === null) return said;
    const text = JSON.stringify(said);
    const known = this.#heard.get(method);
    if (known?.text === text) return known.value;
    const payload = jsonCopy(said);
    // Only what a host puts before a model brings foreign words in.
    const metadata = { untrusted: this.#untrusted && method === "getInstructions" };
    const decision = this.#session.check({
      stage: "post_tool_call",
      name: GREETINGS.get(method) as string,
      payload: isFields(payload) ? payload : { text: payload },
      metadata,
    });
    const valueOf = (judged: Awaited<typeof decision>): unknown => {
      if (!judged.allowed) return undefined;
      if (judged.effect !== "transform") return payload;
      return isFields(payload) ? judged.payload : fieldOf(judged.payload, "text");
    };
    const entry: { text: string; judged: Promise<void>; value: unknown } = {
      text,
      judged: Promise.resolve(),
      value: undefined,
    };
    if (decision instanceof Promise) {
      entry.judged = decision.then((late) => void (entry.value = valueOf(late)), () => undefined);
    } else entry.value = valueOf(decision);
    this.#heard.set(method, entry);
    return entry.value;
  }

  /** Has all of them judged. */
  async hear(): Promise<void> {
    for (const method of GREETINGS.keys()) this.read(method);
    const { signal } = this.#session.context;
    for (const { judged } of this.#heard.values()) await within([signal], () => judged).catch(() => undefined);
  }
}

const isSchema = (value: unknown): boolean =>
  typeof value === "object" && value !== null &&
  ["~standard", "_def", "_zod"].some((key) => memberOf(value as Fields, key) !== undefined);
