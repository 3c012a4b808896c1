/**
 * What a tool does with the arguments of a call before it is executed: it may show them, and say whether a person has
 * to approve.
 *
 * @module
 */
import { checkCall, inputText, isOfArguments } from "./history.ts";
import { isAsProposed } from "./proposed.ts";
import { ownOf } from "../shared/own.ts";
import { contextOf, type Sessions } from "./state.ts";
import type { Part, ToolOptions } from "./types.ts";

/** Functions of a tool that the SDK calls with arguments before its gate. */
export const HOOKS = ["needsApproval", "onInputStart", "onInputDelta", "onInputAvailable"] as const;

// deno-lint-ignore no-explicit-any -- each has parameters of its own
type Hook = (...args: any[]) => unknown;

/**
 * The functions of a tool as they are called only where the gate would not refuse the call for its arguments; a call
 * that it refuses needs no person.
 */
export function governHooks(sessions: Sessions, name: string, tool: Part): Part {
  const governed: Record<string, unknown> = {};
  for (const key of HOOKS) {
    const hook = tool[key];
    if (typeof hook !== "function") continue;
    governed[key] = async (...args: unknown[]): Promise<unknown> => {
      const [options, input] = key === "needsApproval" ? [args[1], args[0]] : [args[0], (args[0] as Part)["input"]];
      const isKnown = key === "needsApproval" || key === "onInputAvailable";
      const given = (options ?? {}) as ToolOptions;
      const isRefused = await refuses(sessions, name, given, isKnown, input, tool["inputSchema"]);
      return isRefused ? (key === "needsApproval" ? false : undefined) : await (hook as Hook).apply(tool, args);
    };
  }
  return governed;
}

/** Whether the gate would refuse a call; one whose input is not known yet is looked up in what its model proposed. */
async function refuses(
  sessions: Sessions,
  name: string,
  options: ToolOptions,
  isKnown: boolean,
  input: unknown,
  inputSchema: unknown,
): Promise<boolean> {
  const toolCallId = ownOf(options, "toolCallId");
  const context = contextOf(options);
  const session = sessions.find({ kind: "tool", name, context });
  const { calls, proposed } = sessions.stateOf(session);
  const known = proposed.find(toolCallId);
  // A model that is not governed streams its input before anybody has it whole.
  if (!isKnown && known?.["toolName"] !== name) return sessions.isStrict;
  if (isKnown && sessions.isStrict && toolCallId !== undefined) {
    const isGiven = await isAsProposed(known, name, input, inputSchema);
    if (!isGiven && sessions.grantOf({ kind: "tool", name, context, callId: toolCallId }) === undefined) return true;
  }
  const call = { toolCallId, toolName: name, input: isKnown ? input : parsed(known?.["input"]) };
  const text = inputText(call.input);
  const before = calls.find(toolCallId, name, text);
  if (before !== undefined) return before;
  const decision = await checkCall(session, call);
  const denial = decision?.effect === "deny" ? decision : undefined;
  const isRefused = decision === undefined || denial !== undefined;
  if (!isRefused || isOfArguments(denial?.code)) calls.add(toolCallId, name, text, isRefused);
  return isRefused;
}

function parsed(input: unknown): unknown {
  try {
    return JSON.parse(String(input));
  } catch {
    return input;
  }
}
