import type { Session } from "../../mod.ts";
import { fieldOf, ownOf } from "../shared/own.ts";
import { isViolation } from "./denials.ts";
import { judgeText } from "./judging.ts";
import type { Fields } from "./types.ts";
import { isFields } from "./values.ts";

const VERSION = /^\d{4}-\d\d-\d\d$/;
/** What the protocol calls what a client can do: nothing else is said by it. */
const CAPABILITIES: ReadonlySet<string> = new Set(
  ("sampling context tools elicitation form url applyDefaults roots listChanged tasks list cancel requests " +
    "createMessage create call").split(" "),
);

/**
 * What a client says of itself, judged as text from outside. What may not be told is left out, since without an
 * introduction there is no connection: its name, and whatever the protocol does not know.
 */
export async function judgeIntroduction(session: Session, said: Fields): Promise<Fields> {
  try {
    const judged = await judgeText(session, "client:info", said, false);
    if (isFields(judged)) return judged;
  } catch (error) {
    if (!isViolation(error)) throw error;
  }
  return Object.fromEntries(
    Object.entries(said).flatMap(([key, value]): [string, unknown][] => {
      if (/(?:^|\/)protocolVersion$/.test(key) && VERSION.test(String(value))) return [[key, value]];
      if (/(?:^|\/)clientInfo$/.test(key)) return [[key, { name: "withheld", version: "0" }]];
      return /(?:^|\/)(?:clientC|c)apabilities$/.test(key) ? [[key, known(value)]] : [];
    }),
  );
}

/** The parts of what a client can do that the protocol knows. */
function known(value: unknown): unknown {
  if (!isFields(value)) return typeof value === "boolean" ? value : {};
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => CAPABILITIES.has(key)).map(([key, item]) => [key, known(item)]),
  );
}

/** What a server says of itself: its instructions are left out where they may not be told. */
export async function greeting(session: Session, answer: unknown): Promise<unknown> {
  if (!isFields(answer) || ownOf(answer, "instructions") === undefined) return answer;
  const { instructions, ...others } = answer;
  try {
    const judged = await judgeText(session, "server:instructions", { text: instructions }, false);
    return { ...others, instructions: fieldOf(judged, "text") };
  } catch {
    return others;
  }
}
