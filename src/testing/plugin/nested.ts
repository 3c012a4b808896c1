import { deny } from "../../../mod.ts";
import { ANSWER, calling, INNER_AGENT, INNER_TOOL, QUERY, REASON, saying } from "./markers.ts";
import { count, holdsText, must, type PluginPromise } from "./promise.ts";

/** The outer model calls the inner agent, whose model calls a tool; then both answer. */
const NESTED = [
  calling([INNER_AGENT, { q: QUERY }]),
  { ...calling([INNER_TOOL, { q: QUERY }]), calls: [{ id: "kit-inner-1", name: INNER_TOOL, arguments: { q: QUERY } }] },
  saying("kit-inner-4711"),
  saying(),
];

/** What holds where acts begin in acts. */
export const NESTING: readonly PluginPromise[] = [
  {
    name: "sub-agents are governed",
    concerns: ({ subAgents }) => subAgents === true,
    async check(bench) {
      const plain = bench.trial({ governed: false, turns: NESTED });
      await plain.drive();
      count("calls of the inner agent's tool that ran ungoverned", plain.ranOf(INNER_TOOL).length, 1);
      const allowed = bench.trial({ turns: NESTED });
      await allowed.drive();
      count("calls of the inner agent's tool that ran", allowed.ranOf(INNER_TOOL).length, 1);
      holdsText("what the caller gets", allowed.got, ANSWER);
      const denied = bench.trial({
        turns: NESTED,
        judge: ({ stage, name }) =>
          stage === "pre_tool_call" && name === INNER_TOOL ? deny("kit_denial", REASON) : undefined,
      });
      await denied.drive();
      count("denied calls of the inner agent's tool that ran", denied.ranOf(INNER_TOOL).length, 0);
      count("denials", denied.denials.length, 1);
      holdsText("what the models read or the caller gets", `${denied.read}\n${denied.got}`, REASON);
    },
  },
  {
    name: "nested acts wait for nobody",
    concerns: ({ gates, subAgents }) => subAgents === true || (gates.includes("run") && gates.length > 1),
    async check(bench) {
      const turns = bench.entry.subAgents === true ? { turns: NESTED } : {};
      const plain = bench.trial({ governed: false, ...turns });
      await plain.drive();
      const trial = bench.trial({ ...turns, kernel: { policy: { maxConcurrent: 1, backpressureThreshold: 1 } } });
      await trial.drive();
      count("denials under a limit of one act at a time", trial.denials.length, 0);
      must(trial.requests.length === plain.requests.length, "the model was not asked as often as ungoverned");
      holdsText("what the caller gets", trial.got, ANSWER);
    },
  },
];
