import { type Decision, deny, type GovernedRequest } from "../../../mod.ts";
import type { PluginGate } from "../plugin-fixture.ts";
import {
  ANSWER,
  calling,
  INTERNAL,
  OTHER_RESULT,
  OTHER_TOOL,
  PROMPT,
  QUERY,
  REASON,
  RESULT,
  saying,
  STAGES,
  TOOL,
} from "./markers.ts";
import { type Bench, count, GATES, has, holdsText, lacksText, must, type PluginPromise } from "./promise.ts";
import { readable } from "./text.ts";
import type { Trial } from "./trial.ts";

/** What holds where something is denied. */
export const DENIED: readonly PluginPromise[] = [
  {
    name: "denied does not run",
    gates: GATES,
    async check(bench, gate) {
      checkHasNotRun(await denied(bench, gate), gate);
    },
  },
  {
    name: "denied once",
    gates: GATES,
    async check(bench, gate) {
      for (const side of [0, 1] as const) {
        const trial = await denied(bench, gate, side);
        count(`denials at ${STAGES[gate][side]}`, trial.denials.length, 1);
      }
    },
  },
  {
    name: "told why",
    gates: GATES,
    async check(bench, gate) {
      for (const side of [0, 1] as const) checkIsTold(await denied(bench, gate, side), bench, gate);
    },
  },
  {
    name: "nothing internal",
    gates: GATES,
    async check(bench, gate) {
      for (const side of [0, 1] as const) {
        for (const judge of [denyAt(gate, side), breakAt(gate, side), breakLaterAt(gate, side)]) {
          const trial = bench.trial({ judge });
          await trial.drive();
          must(trial.denials.length > 0, `nothing was denied at ${STAGES[gate][side]}`);
          lacksText("what the model reads", trial.read, INTERNAL);
          lacksText("what the caller can pass on", trial.told, INTERNAL);
        }
      }
    },
  },
  {
    name: "a broken guard denies",
    gates: GATES,
    async check(bench, gate) {
      for (const judge of [breakAt(gate, 0), breakLaterAt(gate, 0)]) {
        const trial = bench.trial({ judge });
        await trial.drive();
        checkHasNotRun(trial, gate);
        must(trial.denials[0]?.code === "guard_error", "there is no denial with guard_error");
      }
      const after = bench.trial({ judge: breakAt(gate, 1) });
      await after.drive();
      checkIsWithheld(after, gate);
    },
  },
  {
    name: "a refused result is withheld",
    gates: GATES,
    async check(bench, gate) {
      const trial = await denied(bench, gate, 1);
      if (gate === "tool") count("calls of the tool that ran", trial.ran.length, 1);
      checkIsWithheld(trial, gate);
    },
  },
  {
    name: "a denied sibling",
    concerns: has("tool"),
    async check(bench) {
      for (const calls of [[TOOL, OTHER_TOOL], [OTHER_TOOL, TOOL]]) {
        const trial = bench.trial({
          turns: [calling(...calls.map((name) => [name, { q: QUERY }] as const)), saying()],
          judge: denyAt("tool"),
        });
        await trial.drive();
        count("denied calls that ran", trial.ranOf(TOOL).length, 0);
        count("allowed calls beside it that ran", trial.ranOf(OTHER_TOOL).length, 1);
        count("denials", trial.denials.length, 1);
        if (bench.entry.refusedTool === "model") {
          holdsText("what the model reads of the call that ran", trial.read, OTHER_RESULT);
          holdsText("what the caller gets in the end", trial.got, ANSWER);
        }
      }
    },
  },
];

/** Denies the acts of a gate, before or after they run; of several results only the one that tells something. */
export function denyAt(gate: PluginGate, side: 0 | 1 = 0): (request: GovernedRequest) => Decision | undefined {
  return (request) => isAt(request, gate, side) ? deny("kit_denial", REASON, { [INTERNAL]: INTERNAL }) : undefined;
}

function breakAt(gate: PluginGate, side: 0 | 1): (request: GovernedRequest) => Decision | undefined {
  return (request) => {
    if (isAt(request, gate, side)) throw new Error(INTERNAL, { cause: new Error(INTERNAL) });
    return undefined;
  };
}

function breakLaterAt(gate: PluginGate, side: 0 | 1): (request: GovernedRequest) => Promise<Decision> | undefined {
  return (request) =>
    isAt(request, gate, side) ? Promise.resolve().then(() => Promise.reject(new Error(INTERNAL))) : undefined;
}

/** Whether a request is the one that the kit is about: what else a plugin has judged is let through. */
export function isAt({ stage, name, payload }: GovernedRequest, gate: PluginGate, side: 0 | 1): boolean {
  if (stage !== STAGES[gate][side]) return false;
  if (gate === "tool") return name === TOOL && (side === 0 || readable(payload).includes(RESULT));
  return readable(payload).includes(side === 0 ? PROMPT : "kit-answer");
}

/** Plays the entry with a gate that denies. */
async function denied(bench: Bench, gate: PluginGate, side: 0 | 1 = 0): Promise<Trial> {
  const trial = bench.trial({ judge: denyAt(gate, side) });
  await trial.drive();
  must(trial.denials.length > 0, `nothing was denied at ${STAGES[gate][side]}`);
  return trial;
}

/** Throws where the act of a gate that denied has run. */
function checkHasNotRun(trial: Trial, gate: PluginGate): void {
  must(trial.denials.length > 0, `nothing was denied at ${STAGES[gate][0]}`);
  count("calls of the tool that ran", trial.ranOf(TOOL).length, 0);
  if (gate !== "tool") count("how often the model was asked", trial.requests.length, 0);
}

/** Throws unless whoever reads a refusal can read why. */
function checkIsTold(trial: Trial, { entry }: Bench, gate: PluginGate): void {
  const whom = gate === "tool" ? entry.refusedTool : "caller";
  if (whom === "caller") return holdsText("what the caller gets", trial.got, REASON);
  if (whom === undefined) {
    return holdsText("what the model reads or the caller gets", `${trial.read}\n${trial.got}`, REASON);
  }
  holdsText("what the model reads", trial.read, REASON);
  holdsText("what the caller gets in the end", trial.got, ANSWER);
}

function checkIsWithheld(trial: Trial, gate: PluginGate): void {
  if (gate === "tool") lacksText("what the model reads", trial.read, RESULT);
  lacksText("what the caller gets", trial.got, gate === "tool" ? RESULT : ANSWER);
}
