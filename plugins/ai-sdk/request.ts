/**
 * What a model is asked, as guards see it.
 *
 * @module
 */
import type { GovernancePolicy } from "../../mod.ts";
import { readDefinitions, writeDefinitions } from "./definitions.ts";
import { partsOf, readParts, textIn, writeParts } from "./parts.ts";
import { graft, shown } from "./plain.ts";
import { ownOf } from "../shared/own.ts";
import { broken, type Params, type Part, type Request } from "./types.ts";

/** A request as guards see it. */
export function readRequest(params: Params, hasDefinitions: boolean): Request {
  const messages = params.prompt.map((message) => {
    const { role, content } = message;
    const providerOptions = ownOf(message, "providerOptions");
    const read = { role, ...readParts(partsOf(content)) };
    return providerOptions === undefined ? read : { ...read, providerOptions: shown(providerOptions) };
  });
  const tools = ownOf(params, "tools");
  return {
    messages,
    ...(tools === undefined ? {} : { tools: tools.map(({ name }) => ({ name })) }),
    ...(hasDefinitions ? { definitions: readDefinitions(params) } : {}),
  };
}

/**
 * The request with what a guard changed.
 *
 * @throws {TypeError} If the SDK cannot take the change.
 */
export function writeRequest(params: Params, before: Request, after: Request | null | undefined): Params {
  const messages = after?.messages;
  if (!Array.isArray(messages) || messages.length !== params.prompt.length) {
    throw broken("messages that were added or taken away");
  }
  const prompt = params.prompt.map((message, index) =>
    writeMessage(message, before.messages?.[index], messages[index])
  );
  const written = before.definitions === undefined
    ? params
    : writeDefinitions(params, before.definitions, after?.definitions);
  const names = ownOf(params, "tools") === undefined ? undefined : namesIn(after?.tools);
  return { ...(names === undefined ? written : onlyTools(written, (name) => names.has(name))), prompt };
}

type Message = NonNullable<Request["messages"]>[number];

function writeMessage(message: Part, before: Message | undefined, after: Message | undefined): Part {
  if (before === undefined || after === null || typeof after !== "object" || after.role !== message["role"]) {
    throw broken("a message of another role");
  }
  const { content } = message;
  const written = writeParts(partsOf(content), before, after);
  const options = graft(message["providerOptions"], before.providerOptions, after.providerOptions);
  return {
    ...message,
    content: typeof content === "string" ? textIn(written) : written,
    ...(options === undefined ? {} : { providerOptions: options }),
  };
}

function namesIn(tools: unknown): ReadonlySet<unknown> {
  return new Set(Array.isArray(tools) ? tools.map((tool: Part | null) => tool?.["name"]) : []);
}

/** The request with fewer tools; one that must be called and is not offered any more need not be. */
export function onlyTools(params: Params, isOffered: (name: unknown) => boolean): Params {
  const tools = ownOf(params, "tools"), toolChoice = ownOf(params, "toolChoice");
  if (tools === undefined || tools.every(({ name }) => isOffered(name))) return params;
  const left = tools.filter(({ name }) => isOffered(name));
  if (left.length === 0) {
    const { tools: _tools, toolChoice: _choice, ...rest } = params;
    return rest as Params;
  }
  const { type, toolName } = (toolChoice ?? {}) as Part;
  const isMoot = type === "tool" && !left.some(({ name }) => name === toolName);
  return { ...params, tools: left, ...(isMoot ? { toolChoice: { type: "auto" } } : {}) };
}

/** Tells the tools that a policy does not deny whatever their arguments: a model is offered no others. */
export function offeredBy(policy: GovernancePolicy): (name: unknown) => boolean {
  const { deniedTools } = policy;
  const allowedTools = ownOf(policy, "allowedTools");
  const allowed = allowedTools === undefined ? undefined : new Set<unknown>(allowedTools);
  const denied = new Set(deniedTools.map((name) => name.toLowerCase()));
  return (name) =>
    typeof name !== "string" ||
    ((allowed === undefined || allowed.has(name)) && (denied.size === 0 || !denied.has(name.toLowerCase())));
}
