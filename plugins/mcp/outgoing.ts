import type { Session } from "../../mod.ts";
import { fieldOf, memberOf, ownOf } from "../shared/own.ts";
import { tell, violation } from "./denials.ts";
import { handlersOf, replace } from "./inside.ts";
import { exchange, judgeNotification, mustBeActive } from "./judging.ts";
import { actOf, OPENING } from "./methods.ts";
import type { Fields, McpGrant, Methods } from "./types.ts";
import { isFields, saysAnything } from "./values.ts";

/** Where a major sends from, and where in its arguments the message and the options are. */
const NOTIFIES = [["_notificationViaCodec", 1, 2], ["notification", 0, 1]] as const;
const REQUESTS = [["_requestWithSchemaViaCodec", 1, 3], ["request", 0, 2]] as const;
const SENT = ["elicitation/create", "notifications/*", "roots/list", "sampling/createMessage"];

/** What is known of the requests that a server is at. */
export interface UnderWay {
  sessionOf(requestId: unknown): Session | undefined;
  grantOf(requestId: unknown): McpGrant | undefined;
}

/**
 * What a governed server sends by itself: notifications (logs, progress) and requests to its client. Judged in the
 * session of the request that it belongs to, or in that of the server; where there is neither it goes unjudged, and
 * `strict` refuses it.
 */
export class Outgoing {
  readonly governed: readonly string[];
  readonly #isSeen: boolean;

  constructor(inner: Methods, underWay: UnderWay, strict: boolean) {
    const notifies = NOTIFIES.find(([name]) => typeof memberOf(inner, name) === "function");
    const requests = REQUESTS.find(([name]) => typeof memberOf(inner, name) === "function");
    // What is no server of either major has its own ways.
    this.#isSeen = handlersOf(inner) !== undefined && notifies !== undefined && requests !== undefined;
    this.governed = this.#isSeen ? SENT : [];
    if (!this.#isSeen || notifies === undefined || requests === undefined) return;
    const idIn = (options: unknown): unknown => isFields(options) ? ownOf(options, "relatedRequestId") : undefined;
    const sessionFor = (options: unknown, message: unknown): Session | undefined => {
      const session = underWay.sessionOf(idIn(options));
      if (session === undefined && strict && saysAnything(fieldOf(message, "params"))) {
        throw violation("ungoverned_method", "Nothing shows whose session this belongs to");
      }
      return session;
    };
    const [notify, noteAt, noteOptionsAt] = notifies;
    const notification = inner[notify] as Methods[string];
    replace(inner, notify, async (...args: unknown[]) => {
      const message = args[noteAt] as Fields;
      const session = sessionFor(args[noteOptionsAt], message);
      if (session === undefined) return await notification.apply(inner, args);
      const judged = judgeNotification(session, String(message["method"]), fieldOf(message, "params"), false);
      const told = judged instanceof Promise ? await judged : judged;
      if (told === undefined) return undefined;
      const sent = told.params === undefined ? message : { ...message, params: told.params };
      return await notification.apply(inner, args.with(noteAt, sent));
    });
    const [ask, askAt, askOptionsAt] = requests;
    const request = inner[ask] as Methods[string];
    replace(inner, ask, async (...args: unknown[]) => {
      const message = args[askAt] as Fields;
      const session = sessionFor(args[askOptionsAt], message);
      const method = String(message["method"]);
      if (session === undefined) return await request.apply(inner, args);
      try {
        mustBeActive(session);
      } catch (error) {
        throw tell(session, actOf(method), error);
      }
      if (OPENING.has(method)) return await request.apply(inner, args);
      return await exchange(
        session,
        actOf(method),
        fieldOf(message, "params"),
        (params) => request.apply(inner, args.with(askAt, params === undefined ? message : { ...message, params })),
        true,
        () => underWay.grantOf(idIn(args[askOptionsAt])),
      );
    });
  }

  /** What is not judged; `hasSession`: whether the server has one for all its requests. */
  ungoverned(hasSession: boolean): readonly string[] {
    if (!this.#isSeen) return SENT;
    return hasSession ? [] : SENT.map((name) => `${name} (outside of a request)`);
  }
}
