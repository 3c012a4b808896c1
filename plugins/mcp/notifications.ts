import type { Session } from "../../mod.ts";
import { fieldOf, memberOf, ownOf } from "../shared/own.ts";
import { replace } from "./inside.ts";
import { judgeNotification, type Told } from "./judging.ts";
import type { Fields, Methods } from "./types.ts";
import { isFields } from "./values.ts";

/** Who judges what comes in by itself. */
export interface Judge {
  readonly session: Session;
  /** Whether it marks the session tainted. */
  readonly untrusted: boolean;
}

/**
 * Has the notifications that an SDK's object gets judged, by whom `judgesOf` names, and handed on with what may be
 * told, in the order in which they came. The answer puts everything back.
 */
export function governNotifications(
  target: Methods,
  judgesOf: (method: string, params: unknown) => readonly Judge[],
): () => void {
  const notify = memberOf(target, "_onnotification");
  if (typeof notify !== "function") return () => {};
  /** The last one, as long as a guard thinks about it. */
  let waiting: Promise<void> | undefined;
  const hear = (raw: unknown, ...rest: unknown[]): void => {
    const method = fieldOf(raw, "method"), params = fieldOf(raw, "params");
    const tell = (told: unknown): unknown => notify.call(target, told, ...rest);
    if (typeof method !== "string") return void tell(raw);
    const judges = judgesOf(method, params);
    const settle = (told: Told | undefined): void => {
      if (told !== undefined) tell(told.params === params ? raw : { ...(raw as Fields), params: told.params });
      // What ends a request must arrive; its reason need not.
      else if (method === "notifications/cancelled" && isFields(params)) {
        tell({ ...(raw as Fields), params: { requestId: ownOf(params, "requestId") } });
      }
    };
    const judged = waiting === undefined
      ? judgedBy(judges, 0, method, { params })
      : waiting.then(() => judgedBy(judges, 0, method, { params }));
    if (!(judged instanceof Promise)) return settle(judged);
    const done: Promise<void> = judged.then(settle).catch((error: unknown) => {
      memberOf(target, "onerror")?.call(target, error);
    }).then(() => {
      if (waiting === done) waiting = undefined;
    });
    waiting = done;
  };
  return replace(target, "_onnotification", hear);
}

/** Asks one after the other; `undefined` as soon as one says no. */
function judgedBy(
  judges: readonly Judge[],
  from: number,
  method: string,
  given: Told,
): Told | undefined | Promise<Told | undefined> {
  let told = given;
  for (let at = from; at < judges.length; at++) {
    const { session, untrusted } = judges[at] as Judge;
    const judged = judgeNotification(session, method, told.params, untrusted);
    if (judged instanceof Promise) return judged.then((one) => one && judgedBy(judges, at + 1, method, one));
    if (judged === undefined) return undefined;
    told = judged;
  }
  return told;
}
