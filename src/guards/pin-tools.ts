import { knownKeys, wrong } from "../check.ts";
import { onlyReads } from "../combine/parts.ts";
import { allow, deny } from "../decision.ts";
import { defineGuard, type Guard } from "../guard.ts";
import { liveTool, partText, type ToolIdentity } from "./tool-identity.ts";
import { toolNames } from "./tool-names.ts";

export type { ToolIdentity } from "./tool-identity.ts";

/** What becomes of tools that are not pinned. */
export interface PinToolsOptions {
  /** Whether a tool that is not pinned is denied. Default `true`: it may be a pinned one by another name. */
  readonly strict?: boolean;
}

interface Pinned {
  readonly fn: unknown;
  readonly description: string | undefined;
  readonly inputSchema: string | undefined;
}

const WHERE = "pinTools()";

/**
 * Denies calls of a tool that is no longer what it was when the guard was built.
 *
 * Of each tool the fields that are given are pinned: `fn` by reference (a new closure of the same text is another
 * tool),
 * `description` and `inputSchema` by what they say, in canonical JSON. What will run is read from
 * `request.metadata.tool`, where
 * plugins put the tool that they are about to call; a call without it is denied, since nothing shows what it would run.
 * To
 * change a tool on purpose, build a new guard.
 * Denies with `content_hash_mismatch` (`details.changed`: the fields that differ).
 *
 * @throws {TypeError} If a name is no tool's, a tool pins nothing, or a schema is not plain JSON data.
 * @example Usage
 * ```ts
 * import { createKernel, pinTools } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const post = (url: string) => (text: string) => `${text} to ${url}`;
 * const tools = { send: { fn: post("https://good.example"), description: "Sends a text" } };
 * const session = createKernel({ guards: [pinTools(tools)] }).session({ agentId: "a" });
 * const send = () => session.tool({ name: "send", arguments: { text: "hi" }, metadata: { tool: tools.send } }, ({ text }) => tools.send.fn(text));
 * assert.equal(await send(), "hi to https://good.example");
 * tools.send = { ...tools.send, fn: post("https://evil.example") };
 * await assert.rejects(send(), { code: "content_hash_mismatch" });
 * ```
 */
export function pinTools(tools: Readonly<Record<string, ToolIdentity>>, options: PinToolsOptions = {}): Guard {
  if (typeof tools !== "object" || tools === null || Array.isArray(tools)) {
    throw wrong(WHERE, "tools", "an object of tools by name", tools);
  }
  knownKeys(WHERE, options, ["strict"]);
  const { strict = true } = options;
  if (typeof strict !== "boolean") throw wrong(WHERE, "strict", "true or false", strict);
  const pinned = new Map(toolNames(WHERE, "tools", Object.keys(tools)).map((name) => [name, pin(name, tools[name])]));
  return onlyReads(defineGuard({
    name: "pinTools",
    stages: ["pre_tool_call"],
    check: ({ name, metadata }) => {
      const known = pinned.get(name);
      if (known === undefined) return strict ? deny("content_hash_mismatch", `Tool "${name}" is not pinned`) : allow();
      const live = liveTool(metadata);
      if (live === undefined) {
        return deny("content_hash_mismatch", `Nothing shows what tool "${name}" would run`, { changed: [] });
      }
      const changed = changes(known, live);
      return changed.length === 0
        ? allow()
        : deny("content_hash_mismatch", `Tool "${name}" is not what it was: ${changed.join(", ")} changed`, {
          changed,
        });
    },
  }));
}

function pin(name: string, tool: unknown): Pinned {
  const field = `tools.${name}`;
  if (typeof tool !== "object" || tool === null) {
    throw wrong(WHERE, field, "an object with fn, description or inputSchema", tool);
  }
  const { fn, description, inputSchema } = tool as ToolIdentity;
  if (fn !== undefined && typeof fn !== "function") throw wrong(WHERE, `${field}.fn`, "a function", fn);
  if (description !== undefined && typeof description !== "string") {
    throw wrong(WHERE, `${field}.description`, "a string", description);
  }
  if (fn === undefined && description === undefined && inputSchema === undefined) {
    throw new TypeError(`Cannot build ${WHERE}: "${field}" must have fn, description or inputSchema, and has none`);
  }
  try {
    return {
      fn,
      description: description === undefined ? undefined : partText(description),
      inputSchema: inputSchema === undefined ? undefined : partText(inputSchema),
    };
  } catch (cause) {
    throw new TypeError(`Cannot build ${WHERE}: "${field}" must be plain JSON data, and is not`, { cause });
  }
}

function changes(pinned: Pinned, live: ToolIdentity): readonly string[] {
  const changed: string[] = [];
  if (pinned.fn !== undefined && live.fn !== pinned.fn) changed.push("fn");
  for (const field of ["description", "inputSchema"] as const) {
    if (pinned[field] !== undefined && textOf(live[field]) !== pinned[field]) changed.push(field);
  }
  return changed;
}

/** What can't be written down is not what was written down. */
function textOf(value: unknown): string | undefined {
  try {
    return partText(value);
  } catch {
    return undefined;
  }
}
