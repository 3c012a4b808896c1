import { transform } from "../../../mod.ts";
import { ANSWER, MASK, PROMPT, QUERY, RESULT, STAGES } from "./markers.ts";
import { count, GATES, holdsText, lacksText, must, type PluginPromise } from "./promise.ts";
import { isAt } from "./denied.ts";
import { canonical, swapped } from "./text.ts";

/** What holds where a guard changes something. */
export const CHANGED: readonly PluginPromise[] = [
  {
    name: "a change goes in",
    gates: GATES,
    async check(bench, gate) {
      const from = gate === "tool" ? QUERY : PROMPT;
      const trial = bench.trial({
        judge: (request) =>
          isAt(request, gate, 0) ? transform(swapped(request.payload, from, MASK), "changed") : undefined,
      });
      await trial.drive();
      count("denials", trial.denials.length, 0);
      if (gate === "tool") {
        count("calls of the tool that ran", trial.ran.length, 1);
        const found = canonical(trial.ran[0]?.arguments);
        must(found === canonical({ q: MASK }), `the tool got ${found}`);
        return;
      }
      must(trial.requests.length > 0, "the model was not asked");
      holdsText("what the model reads", trial.read, MASK);
      lacksText("what the model reads", trial.read, PROMPT);
    },
  },
  {
    name: "a change comes out",
    gates: GATES,
    async check(bench, gate) {
      const from = gate === "tool" ? RESULT : ANSWER;
      const trial = bench.trial({
        judge: (request) =>
          isAt(request, gate, 1) ? transform(swapped(request.payload, from, MASK), "changed") : undefined,
      });
      await trial.drive();
      must(trial.seenAt(STAGES[gate][1]).length > 0, `nothing was judged at ${STAGES[gate][1]}`);
      count("denials", trial.denials.length, 0);
      const heard = gate === "tool" ? trial.read : trial.got;
      const who = gate === "tool" ? "what the model reads" : "what the caller gets";
      holdsText(who, heard, MASK);
      lacksText(who, heard, from);
    },
  },
];
