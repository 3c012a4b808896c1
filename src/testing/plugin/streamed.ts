import type { PluginEntry } from "../plugin-fixture.ts";
import { denyAt } from "./denied.ts";
import { ANSWER, REASON, saying } from "./markers.ts";
import { count, holdsText, lacksText, must, type PluginPromise } from "./promise.ts";
import { readable } from "./text.ts";
import { turns } from "./trial.ts";

const streamsText = ({ gates, streams }: PluginEntry): boolean => gates.includes("model") && streams === true;

/** What holds where the caller gets parts. */
export const STREAMED: readonly PluginPromise[] = [
  {
    name: "a refused stream",
    concerns: streamsText,
    async check(bench) {
      const plain = bench.trial({ governed: false, turns: [saying()] });
      await plain.drive();
      holdsText("what is streamed ungoverned", plain.streamed, ANSWER);
      const trial = bench.trial({ turns: [saying()], judge: denyAt("model", 1) });
      await trial.drive();
      lacksText("what was streamed", trial.streamed, ANSWER);
      const [ending] = trial.endings;
      must(
        ending?.error !== undefined || readable(trial.parts).includes(REASON),
        "neither a part nor an error ends the stream",
      );
    },
  },
  {
    name: "a reader may leave",
    concerns: streamsText,
    async check(bench) {
      const trial = bench.trial({
        turns: [saying()],
        onPart: () => {
          throw new Error("the reader has had enough");
        },
      });
      await trial.drive();
      must(trial.parts.length > 0, "nothing was streamed");
      await turns(3);
      count("parts that came after the reader had left", trial.parts.length, 1);
      count("reservations that are still held", trial.held, 0);
      count("denials", trial.denials.length, 0);
    },
  },
];
