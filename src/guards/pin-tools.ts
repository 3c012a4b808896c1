import { ownOptions, show, wrong } from "../base/check.ts";
import { onlyReads } from "../combine/guard-traits.ts";
import { allow, deny } from "../base/decision.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import { ownField } from "../base/own.ts";
import { liveTool, partText, type ToolIdentity } from "./tool-identity.ts";
import { toolNames } from "./tool-names.ts";

export type { ToolIdentity } from "./tool-identity.ts";

/** What becomes of tools that are not pinned. */
export interface PinToolsOptions {
  /** Whether a tool that is not pinned is denied. Default `true`: it may be a pinned one by another name. */
  readonly strict?: boolean;
}

/** What is pinned of a tool: functions as they are, everything else by what it says. */
type Pinned = ReadonlyMap<string, unknown>;

const WHERE = "pinTools()";
const FUNCTIONS: readonly (keyof ToolIdentity)[] = ["fn", "toModelOutput"];
const WORDS: readonly (keyof ToolIdentity)[] = [
  "description",
  "inputSchema",
  "title",
  "outputSchema",
  "annotations",
  "icons",
  "execution",
  "_meta",
  "inputExamples",
  "providerOptions",
];
const PARTS: readonly string[] = [...FUNCTIONS, ...WORDS];

/**
 * Denies calls of a tool that is no longer what it was when the guard was built.
 *
 * Of each tool the fields that are given are pinned: `fn` and `toModelOutput` by reference (a new closure of the same
 * text is another tool), all others of {@linkcode ToolIdentity} by what they say, in canonical JSON. What will run is
 * read from `request.metadata.tool`, where plugins put the tool that they are about to call; a call without it is
 * denied, since nothing shows what it would run. To change a tool on purpose, build a new guard.
 * Denies with `content_hash_mismatch` (`details.changed`: the fields that differ).
 *
 * @throws {TypeError} If a name is no tool's, or a tool pins nothing, or what cannot be compared: an unknown field, a
 * function that is none, words that are not plain JSON data.
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
  const { strict = true } = ownOptions(WHERE, options, ["strict"]);
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
  const given = Object.keys(tool).filter((key) => (tool as Record<string, unknown>)[key] !== undefined);
  if (given.length === 0) {
    throw new TypeError(`Cannot build ${WHERE}: "${field}" must have fn, description or inputSchema, and has none`);
  }
  const unknown = given.find((key) => !PARTS.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot build ${WHERE}: "${field}" must be of ${PARTS.join(", ")}, and has ${show(unknown)}`);
  }
  return new Map(given.map((key): readonly [string, unknown] => [key, pinPart(`${field}.${key}`, key, tool)]));
}

function pinPart(field: string, key: string, tool: ToolIdentity): unknown {
  const part: unknown = tool[key as keyof ToolIdentity];
  if (FUNCTIONS.some((one) => one === key)) {
    if (typeof part !== "function") throw wrong(WHERE, field, "a function", part);
    return part;
  }
  if ((key === "description" || key === "title") && typeof part !== "string") {
    throw wrong(WHERE, field, "a string", part);
  }
  try {
    return partText(part);
  } catch (cause) {
    const owner = field.slice(0, -key.length - 1);
    throw new TypeError(`Cannot build ${WHERE}: "${owner}" must be plain JSON data, and is not`, { cause });
  }
}

function changes(pinned: Pinned, live: ToolIdentity): readonly string[] {
  const isSame = (key: keyof ToolIdentity): boolean =>
    !pinned.has(key) ||
    (FUNCTIONS.includes(key) ? ownField(live, key) : textOf(ownField(live, key))) === pinned.get(key);
  return [...FUNCTIONS, ...WORDS].filter((key) => !isSame(key));
}

/** What can't be written down is not what was written down. */
function textOf(value: unknown): string | undefined {
  try {
    return partText(value);
  } catch {
    return undefined;
  }
}
