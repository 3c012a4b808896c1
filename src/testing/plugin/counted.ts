import { calling, FAILING, QUERY, saying, STAGES, TOOL } from "./markers.ts";
import { count, has, must, type PluginPromise } from "./promise.ts";

const CALLS = 5;
const MOST = 2;

/** What holds of limits and counts. */
export const COUNTED: readonly PluginPromise[] = [
  {
    name: "parallel calls keep a limit",
    concerns: has("tool"),
    async check(bench) {
      const calls = Array.from({ length: CALLS }, (_, index) => [TOOL, { q: `${QUERY} ${index}` }] as const);
      const trial = bench.trial({
        turns: [calling(...calls), saying()],
        kernel: { policy: { maxToolCalls: MOST } },
        tools: { [TOOL]: () => new Promise((resolve) => void setTimeout(() => resolve(undefined), 0)) },
      });
      await trial.drive();
      count(`calls of ${CALLS} that ran under a limit of ${MOST}`, trial.ran.length, MOST);
      must(trial.denials.length > 0, "nothing was denied");
    },
  },
  {
    name: "usage is counted",
    concerns: has("model"),
    async check(bench) {
      const trial = bench.trial();
      await trial.drive();
      const asked = trial.requests.length;
      must(asked > 0, "the model was not asked");
      count("model calls that the session counts", trial.session.context.modelCallCount, asked);
      count("tokens that the session counts", trial.session.context.totalTokens, asked * 15);
    },
  },
  {
    name: "a failed attempt counts",
    concerns: has("model"),
    async check(bench) {
      const trial = bench.trial({ turns: [FAILING, saying()] });
      await trial.drive();
      const asked = trial.requests.length;
      must(asked > 0, "the model was not asked");
      count("model calls that the session counts", trial.session.context.modelCallCount, asked);
      count("tokens that the session counts", trial.session.context.totalTokens, (asked - 1) * 15);
      count("acts that ended", trial.completed.filter((stage) => stage === STAGES.model[1]).length, asked);
    },
  },
];
