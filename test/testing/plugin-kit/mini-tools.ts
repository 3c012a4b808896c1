/** How the plugin for the small framework governs its tools. */
import { type Act, type ApprovalGrant, type Decision, isPolicyViolation, type Session } from "../../../mod.ts";
import { Pause, type Tool } from "./mini.ts";
import { type Options, refusalOf } from "./mini-plugin.ts";

type ToolCall = Parameters<Tool["execute"]>[1];
type Run = (judged: unknown, signal: AbortSignal) => Promise<string>;
interface Refused {
  readonly code: string;
  readonly reason: string;
  readonly details?: unknown;
}

export function governTools(tools: readonly Tool[], session: Session, options: Options): readonly Tool[] {
  const { fault } = options;
  const acts = new Map<string, Act>();
  let isRefused = false;
  const heard = { ...options, onNo: () => void (isRefused = true), standing: { yes: false } };
  return tools.map((tool): Tool => {
    const runs = (args: unknown, call: ToolCall): Run => (judged, own) =>
      fault === "a no ends the turn" && isRefused
        ? Promise.resolve("refused")
        : runTool(tool, args, judged, call, own, options);
    const execute: Tool["execute"] = async (args, call) => {
      const { signal, answer } = call;
      if (fault === "judges calls twice") {
        await session.check({ stage: "pre_tool_call", name: tool.name, payload: args });
      }
      if (fault === "judges, and runs later") {
        const { allowed } = await session.check({ stage: "pre_tool_call", name: tool.name, payload: args });
        return allowed ? await runs(args, call)(args, signal) : "refused";
      }
      if (fault === "refuses a whole turn") {
        const { effect } = await session.check({ stage: "pre_tool_call", name: tool.name, payload: args });
        if (effect === "deny") isRefused = true;
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (isRefused) return "refused";
      }
      if (fault === "runs what has a grant" && typeof answer === "object") return await runs(args, call)(args, signal);
      try {
        return options.pauses
          ? await paused(tool, session, args, call, heard, acts, runs(args, call))
          : await awaited(tool, session, args, call, heard, runs(args, call));
      } catch (error) {
        if (fault === "wraps errors of tools" && !(error instanceof Pause)) {
          throw new Error("The tool failed", { cause: error });
        }
        throw error;
      }
    };
    return { name: tool.name, execute };
  });
}

async function runTool(
  tool: Tool,
  args: unknown,
  judged: unknown,
  call: ToolCall,
  own: AbortSignal,
  { fault }: Options,
): Promise<string> {
  const signal = fault === "passes no signal" ? new AbortController().signal : own;
  const given = { id: call.id, signal: fault === "nests without a signal" ? call.signal : signal };
  if (fault === "runs calls twice") await tool.execute(judged, given);
  const result = await tool.execute(fault === "runs the arguments as they were" ? args : judged, given);
  return fault === "marks results" ? `${result} (checked)` : result;
}

/** Where nobody pauses: the verb asks `approve`, and else denies. */
async function awaited(
  tool: Tool,
  session: Session,
  args: unknown,
  { id, signal, answer }: ToolCall,
  { fault, onNo, onRefused }: Options,
  run: Run,
): Promise<string> {
  let raw: string | undefined;
  const grant = typeof answer === "object" && fault !== "drops grants" ? answer as ApprovalGrant : undefined;
  const act = async (): Promise<string> =>
    await session.tool<string>(
      { name: tool.name, arguments: args, callId: id, grant, ...(fault === "passes no signal" ? {} : { signal }) },
      async (judged, own) => raw = await run(judged, own),
    );
  try {
    if (fault === "asks twice") {
      const asked = await session.begin({ stage: "pre_tool_call", name: tool.name, payload: args });
      asked.cancel();
    }
    const result = await act();
    return fault === "drops a changed result" ? raw as string : result;
  } catch (error) {
    if (!isPolicyViolation(error)) throw error;
    const { code, decision } = error;
    if (code === "approval_denied") onNo?.();
    if (code === "approval_required") onRefused?.({ id, name: tool.name, arguments: args });
    if (fault === "gives a refused result" && raw !== undefined) return raw;
    if (fault === "goes on when killed" && code === "session_killed") return raw ?? await run(args, signal);
    if (fault === "takes a no for a yes" && code === "approval_denied") return await run(args, signal);
    if (fault === "fails open" && code === "guard_error") return raw ?? await run(args, signal);
    return told(decision as Refused, fault);
  }
}

/** Where the framework pauses: the act stays open until somebody answers. */
async function paused(
  tool: Tool,
  session: Session,
  args: unknown,
  { id, signal, answer }: ToolCall,
  { fault, onNo, standing }: Options,
  acts: Map<string, Act>,
  run: Run,
): Promise<string> {
  const grant = typeof answer === "object" && fault !== "drops grants" ? answer as ApprovalGrant : undefined;
  const waiting = acts.get(id);
  acts.delete(id);
  const act = waiting ?? await session.begin({
    stage: "pre_tool_call",
    name: tool.name,
    payload: args,
    callId: id,
    grant,
    ...(fault === "passes no signal" ? {} : { signal }),
  });
  if (waiting !== undefined && answer !== undefined) {
    if (fault === "takes any answer for a yes") return await run(args, signal);
    if (fault !== "drops grants") await act.resume(answer as boolean | ApprovalGrant);
  }
  if (fault === "lets a yes stand" && standing !== undefined) {
    if (act.decision.effect === "escalate" && standing.yes) await act.resume(true);
    standing.yes ||= answer === true;
  }
  const { decision } = act;
  if (decision.effect === "escalate") {
    acts.set(id, act);
    throw new Pause();
  }
  if (!decision.allowed) {
    if (decision.code === "approval_denied") onNo?.();
    if (fault === "takes a no for a yes" && decision.code === "approval_denied") return await run(args, signal);
    if (fault === "fails open" && decision.code === "guard_error") return await run(args, signal);
    return told(decision, fault);
  }
  let result: string;
  try {
    result = await run(act.payload, act.signal);
  } catch (error) {
    if (fault === "leaves failed acts open") throw error;
    return told(await failed(act, error), fault);
  }
  const after = await act.end(result);
  if (fault === "gives a refused result") return result;
  if (!after.allowed) return told(after, fault);
  return after.effect === "transform" && fault !== "drops a changed result" ? after.payload as string : result;
}

/** What an error was denied with; an allowed one goes on as it is. */
async function failed(act: Act, error: unknown): Promise<Refused> {
  const decision: Decision = await act.fail(error);
  if (!decision.allowed) return decision;
  throw decision.effect === "transform" ? refusalOf({ code: "changed", reason: String(decision.payload) }) : error;
}

function told({ reason, details }: Refused, fault: Options["fault"]): string {
  if (fault === "tells nobody why a call was refused") return "refused";
  return fault === "tells the model all that it knows"
    ? `${reason} ${String(details)} ${JSON.stringify(details)}`
    : reason;
}
