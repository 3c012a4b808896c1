/** A plugin for the small framework that keeps every promise, and one that breaks any of them on demand. */
import { type Act, type Coverage, isPolicyViolation, type Session } from "../../../mod.ts";
import type { Agent, Answer, Call, Model, Request } from "./mini.ts";
import { governTools } from "./mini-tools.ts";

/** What may be wrong with it. */
export type Fault = string | undefined;

export interface Options {
  readonly fault?: Fault;
  /** Whether a call that needs a person pauses the agent; otherwise it is refused, and may come again with a grant. */
  readonly pauses: boolean;
  /** Told that a person has said no. */
  readonly onNo?: () => void;
  /** What a fault remembers of answers. */
  readonly standing?: { yes: boolean };
  /** Told of a call that may come again with a grant. */
  readonly onRefused?: (call: Call) => void;
}

/** Sessions that a plugin with a fault does not keep apart. */
let first: WeakRef<Session> | undefined;

/** Forgets what a fault has kept. */
export function forget(): void {
  first = undefined;
}

export function govern(agent: Agent, given: Session, options: Options): Agent {
  const { fault } = options;
  if (fault === "keeps the first session") first ??= new WeakRef(given);
  const session = fault === "keeps the first session" ? first?.deref() ?? given : given;
  const model = fault === "does not govern models" ? agent.model : governModel(agent.model, session, fault);
  return { model, tools: fault === "does not govern tools" ? agent.tools : governTools(agent.tools, session, options) };
}

const usageOf = ({ usage }: Answer) => usage;
const asAnswer = (payload: any, { usage }: Answer): Answer => ({
  text: payload.content,
  calls: payload.toolCalls,
  usage,
});

function governModel(model: Model, session: Session, fault: Fault): Model {
  const view = {
    read: ({ text, calls }: Answer) => ({ content: text, toolCalls: calls }),
    write: (answer: Answer, payload: any) => fault === "drops a changed answer" ? answer : asAnswer(payload, answer),
  };
  const complete: Model["complete"] = async (request, signal) => {
    if (fault === "judges models twice") {
      await session.check({ stage: "pre_model_call", name: "mini", payload: request });
    }
    let raw: Answer | undefined;
    try {
      return await session.model<Answer>(
        {
          model: "mini",
          request: fault === "shows prompts as they like" ? JSON.stringify(request) : request,
          ...(fault === "passes no signal" ? {} : { signal }),
        },
        async (judged: Request, own) => {
          const sent = fault === "sends the request as it was" || fault === "shows prompts as they like"
            ? request
            : judged;
          if (fault === "retries past the gate") {
            try {
              return await model.complete(sent, own);
            } catch {
              return await model.complete(sent, own);
            }
          }
          return raw = await model.complete(sent, fault === "nests without a signal" ? signal : own);
        },
        fault === "reports no usage" ? undefined : usageOf,
        view,
      );
    } catch (error) {
      if (fault === "gives a refused answer") return raw ?? Promise.reject(error);
      if (fault === "goes on when killed" && isPolicyViolation(error) && error.code === "session_killed") {
        return await model.complete(request, signal);
      }
      if (fault === "wraps errors of models") {
        throw new Error(`The model failed: ${(error as Error).message}`, { cause: error });
      }
      if (fault === "tells nobody why a model was refused" && isPolicyViolation(error)) {
        throw refusalOf({ code: "refused", reason: "refused" });
      }
      throw error;
    }
  };
  return {
    complete,
    async *stream(request, signal) {
      const act = await session.begin({ stage: "pre_model_call", name: "mini", payload: request, signal });
      if (!act.decision.allowed) throw refusal(act);
      const parts = model.stream(act.payload, act.signal);
      if (fault === "streams before it is judged") {
        let whole: Answer | undefined;
        for await (const part of parts) {
          if (typeof part === "string") yield part;
          else whole = part;
        }
        const { text, calls, usage } = whole as Answer;
        const decision = await act.end({ content: text, toolCalls: calls }, usage);
        if (!decision.allowed) throw new Error("refused");
        yield whole as Answer;
        return;
      }
      let whole: Answer | undefined;
      try {
        for await (const part of parts) if (typeof part !== "string") whole = part;
      } catch (error) {
        await act.fail(error);
        throw error;
      }
      const answer = whole as Answer;
      if (fault === "forgets a reader that leaves") yield answer.text;
      const decision = await act.end(view.read(answer), fault === "reports no usage" ? undefined : answer.usage);
      if (!decision.allowed) throw refusalOf(decision as { code: string; reason: string });
      const judged = decision.effect === "transform" ? view.write(answer, decision.payload) : answer;
      if (judged.text !== "") yield judged.text;
      yield judged;
    },
  };
}

function refusal({ decision }: Act): Error {
  return refusalOf(decision as unknown as { code: string; reason: string });
}

export function refusalOf({ code, reason }: { readonly code: string; readonly reason: string }): Error {
  return Object.assign(new Error(reason), { code });
}

/** What it says of the small framework's object. */
export const COVERAGE: Coverage = {
  governed: ["ask", "call"],
  passedThrough: ["describe"],
  ungoverned: ["the weather"],
};
