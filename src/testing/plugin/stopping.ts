import { AGENT, ANSWER, calling, QUERY, RESULT, saying, TOOL } from "./markers.ts";
import { type Bench, count, has, lacksText, must, type PluginPromise } from "./promise.ts";
import { type Trial, type TrialInit, turns } from "./trial.ts";

const TWICE = [calling([TOOL, { q: QUERY }]), calling([TOOL, { q: QUERY }]), saying()];

/** What holds where an agent is stopped in the midst of its work. */
export const STOPPING: readonly PluginPromise[] = [
  {
    name: "abort stops it",
    async check(bench) {
      const { entry } = bench;
      const duringModel = new AbortController();
      const first = bench.trial({
        signal: duringModel.signal,
        turns: entry.gates.includes("tool") ? TWICE : [saying()],
        onModel: async () => {
          duringModel.abort();
          await turns(2);
        },
      });
      await first.drive();
      count("calls that ran after an abort while the model was asked", first.ran.length, 0);
      if (entry.gates.includes("model")) count("how often the model was asked", first.requests.length, 1);
      if (!entry.gates.includes("tool")) return;
      const ungoverned = await abortedInTool(bench.trial, { governed: false });
      const governed = await abortedInTool(bench.trial, {});
      count("calls that ran, where the first one was aborted", governed.ran.length, 1);
      if (entry.gates.includes("model")) count("how often the model was asked", governed.requests.length, 1);
      const [before, after] = [ungoverned.ran[0]?.signal?.aborted, governed.ran[0]?.signal?.aborted];
      must(before !== true || after === true, "the tool's signal does not abort, as it does ungoverned");
    },
  },
  {
    name: "a killed agent stops",
    async check(bench) {
      const inTool = has("tool")(bench.entry);
      const kill = async (): Promise<void> => {
        trial.kernel?.kill(AGENT);
        await turns(2);
      };
      const trial: Trial = bench.trial(inTool ? { turns: TWICE, tools: { [TOOL]: kill } } : { onModel: kill });
      await trial.drive();
      must(trial.requests.length > 0, "the model was not asked");
      if (!inTool) return lacksText("what the caller gets of a killed agent", trial.got, ANSWER);
      count("calls that ran", trial.ran.length, 1);
      lacksText("what the model reads", trial.read, RESULT);
      lacksText("what the caller gets", trial.got, RESULT);
      if (has("model")(bench.entry)) count("how often the model was asked", trial.requests.length, 1);
    },
  },
];

/** Plays an entry whose first call is aborted while it runs, and ends then as a tool that listens does. */
async function abortedInTool(
  make: Bench["trial"],
  init: TrialInit,
): Promise<Trial> {
  const controller = new AbortController();
  const trial = make({
    ...init,
    signal: controller.signal,
    turns: TWICE,
    tools: {
      [TOOL]: async (_args: unknown, signal: AbortSignal | undefined) => {
        controller.abort();
        await turns(2);
        if (signal?.aborted === true) throw signal.reason;
      },
    },
  });
  await trial.drive();
  return trial;
}
