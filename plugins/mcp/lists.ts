import type { Decision, Session } from "../../mod.ts";
import { fieldOf, ownOf } from "../shared/own.ts";
import { isOfTheMoment, judgeError, judgeParams, judgeText, mustBeActive } from "./judging.ts";
import { violation } from "./denials.ts";
import type { KnownTools } from "./known-tools.ts";
import { actOf, LIST, LISTS, type ListShape, toolOf } from "./methods.ts";
import { within } from "./signals.ts";
import type { Fields, McpGrant } from "./types.ts";
import { fieldsCopy, isFields, saysAnything, symbolsOf, withoutCaching } from "./values.ts";

/** How a list is governed. */
export interface ListRules {
  readonly maxListEntries: number;
  readonly lists: "free" | "calls";
  /** Whether what it says marks the session tainted. */
  readonly untrusted: boolean;
  /** Whether what was filtered must not come out of a cache that others share. */
  readonly isCacheable: boolean;
}

/**
 * A list without what may not be called. Its params are judged, then each entry by name and as text, then the rest of
 * it.
 */
export async function governList(
  session: Session,
  method: string,
  params: unknown,
  fetch: (params: Fields | undefined, signal: AbortSignal) => unknown,
  known: KnownTools,
  rules: ListRules,
  signal: AbortSignal | undefined,
  grantFor: (params: Fields) => McpGrant | undefined,
): Promise<Fields> {
  mustBeActive(session);
  const name = actOf(method);
  const { untrusted } = rules;
  const safe = await judgeParams(session, name, params, false);
  const ask = (sent: Fields | undefined, own: AbortSignal): Promise<unknown> =>
    within([own, signal], (joined) => fetch(sent, joined));
  if (rules.lists === "free") {
    const answer = await ask(safe, session.context.signal)
      .catch((error: unknown) => judgeError(session, name, error, untrusted));
    return await filtered(session, method, safe, answer, known, rules);
  }
  let answer: unknown;
  await session.tool(
    { name, arguments: safe ?? {}, signal, grant: grantFor(safe ?? {}), metadata: { untrusted } },
    async (sent: Fields, own) => {
      answer = await ask(safe === undefined && Object.keys(sent).length === 0 ? undefined : sent, own);
    },
  );
  return await filtered(session, method, safe, answer, known, rules);
}

async function filtered(
  session: Session,
  method: string,
  params: Fields | undefined,
  answer: unknown,
  known: KnownTools,
  { maxListEntries, untrusted, isCacheable }: ListRules,
): Promise<Fields> {
  const shape = LISTS.get(method) as ListShape;
  const { items, rest } = partsOf(answer, shape);
  if (items.length > maxListEntries) {
    throw violation(
      "payload_too_large",
      `The list has more than ${maxListEntries} entries`,
      undefined,
      "post_tool_call",
    );
  }
  if (method === LIST) known.learn(fieldOf(params, "cursor"), items);
  const { said, caching } = withoutCaching(rest);
  const others = saysAnything(said) ? await judgeText(session, actOf(method), said, untrusted, method) : said;
  if (!isFields(others)) throw violation("guard_error", "A guard changed a list to something that is none");
  const judged = items.map((item) => entry(session, method, shape, item, known, untrusted));
  const waited = judged.some((one) => one instanceof Promise) ? await Promise.all(judged) : judged as Settled[];
  const shown = waited.filter((item) => item !== undefined);
  return {
    ...others,
    ...caching,
    [shape.items]: shown,
    // Another caller's list is another one.
    ...(isCacheable && shown.length < items.length ? { cacheScope: "private" } : {}),
    ...symbolsOf(answer as object),
  };
}

/** The entries of a list, and what stands beside them. */
function partsOf(answer: unknown, { items: key }: ListShape): { items: unknown[]; rest: Fields } {
  let copy: Fields | undefined;
  try {
    copy = fieldsCopy(answer);
  } catch {
    // Said below: it is none.
  }
  const { [key]: _, ...rest } = copy ?? {};
  const items = fieldOf(copy, key);
  if (!Array.isArray(items)) {
    throw violation("payload_not_plain", "The answer is no list", undefined, "post_tool_call");
  }
  return { items, rest };
}

/** An entry as it may be shown; `undefined` where it may not. */
type Settled = Fields | undefined;

/** Judges an entry, by its name and by what it says: at once where every guard answers at once. */
function entry(
  session: Session,
  callId: string,
  shape: ListShape,
  item: unknown,
  known: KnownTools,
  untrusted: boolean,
): Settled | Promise<Settled> {
  const { id } = shape;
  const act = ownOf(shape, "act");
  const mine = fieldOf(item, id);
  if (!isFields(item) || typeof mine !== "string") return undefined;
  const name = act?.name ?? toolOf(mine);
  const payload = act === undefined ? {} : { [act.argument]: mine };
  const tool = act === undefined ? known.identityOf(name, item) : undefined;
  const isHidden = (decision: Decision): boolean => decision.effect === "deny" && !isOfTheEntry(decision.code);
  const shown = (decision: Decision): Settled => {
    if (decision.effect !== "transform") return decision.allowed ? item : undefined;
    const changed = decision.payload;
    // Under another name it would be another one.
    return isFields(changed) && fieldOf(changed, id) === mine ? { ...changed } : undefined;
  };
  const read = (): Settled | Promise<Settled> => {
    const after = session.check({ stage: "post_tool_call", name, payload: item, callId, metadata: { untrusted } });
    return after instanceof Promise ? after.then(shown) : shown(after);
  };
  const before = session.check({ stage: "pre_tool_call", name, payload, callId, metadata: { tool }, limits: false });
  if (before instanceof Promise) return before.then((late) => isHidden(late) ? undefined : read());
  return isHidden(before) ? undefined : read();
}

/** Denials that a call could pass which a list cannot make: the moment's, and of arguments that are not there. */
function isOfTheEntry(code: string): boolean {
  return code !== "content_hash_mismatch" && isOfTheMoment(code);
}
