/** Calls a tool. */
export const CALL = "tools/call";
/** Lists the tools. */
export const LIST = "tools/list";

/** Requests that read, or ask to be told: judged by their own name, with their params. */
export const READS: ReadonlySet<string> = new Set([
  "resources/read",
  "resources/subscribe",
  "prompts/get",
  "completion/complete",
]);

/** Where a list has its entries, what tells them apart, and what reading one would be. */
export interface ListShape {
  readonly items: string;
  readonly id: string;
  /** Name and argument of the act that an entry is for; of a tool it is the entry's own name. */
  readonly act?: { readonly name: string; readonly argument: string };
}

/** Requests for lists. */
export const LISTS: ReadonlyMap<string, ListShape> = new Map([
  ["tools/list", { items: "tools", id: "name" }],
  ["prompts/list", { items: "prompts", id: "name", act: { name: "prompts:get", argument: "name" } }],
  ["resources/list", { items: "resources", id: "uri", act: { name: "resources:read", argument: "uri" } }],
  ["resources/templates/list", {
    items: "resourceTemplates",
    id: "uriTemplate",
    act: { name: "resources:read", argument: "uri" },
  }],
]);

/** Requests that open a connection: they come before anybody is known. */
export const OPENING: ReadonlySet<string> = new Set(["initialize", "server/discover", "ping"]);

/** Requests that keep a connection, and do nothing else. */
export const UPKEEP: ReadonlySet<string> = new Set([...OPENING, "logging/setLevel", "resources/unsubscribe"]);

/** Requests of tasks, whose results would come another way, and of subscriptions that nobody could filter. */
export const isUngoverned = (method: string): boolean =>
  method.startsWith("tasks/") || method === "subscriptions/listen";

const SERVER_REQUESTS: ReadonlySet<string> = new Set(["sampling/createMessage", "elicitation/create", "roots/list"]);
const ENTITIES =
  /^(?:client|completion|elicitation|logging|method|notifications|prompts|resources|roots|sampling|server|tools):/i;

/** The name that policies know a request by: `resources:read`, or `method:files/delete` for one of a server's own. */
export function actOf(method: string): string {
  if (LISTS.has(method) || READS.has(method) || UPKEEP.has(method) || SERVER_REQUESTS.has(method)) {
    return method.replaceAll("/", ":");
  }
  return method.startsWith("notifications/") ? method.replaceAll("/", ":") : `method:${method}`;
}

/**
 * The name that policies know a tool by. A tool that is named like a request, to be called by whoever may send that,
 * has a name that no gate lets through.
 */
export function toolOf(name: unknown): string {
  return typeof name !== "string" || ENTITIES.test(name) ? "" : name;
}
