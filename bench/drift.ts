/**
 * What does it cost to score an output's drift, how does that grow with its length, and is the score right?
 *
 * A tenth of the words changed, and another text of the same words; every measure of words is held to the score of the
 * plain definition.
 * The bounds are shares of what the Python original takes on the same kind of machine, which is right at no length.
 */
import { createKernel, sequenceSimilarity, wordSimilarity } from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { UNLIMITED } from "./harness/scenario.ts";

interface Texts {
  readonly baseline: string;
  readonly output: string;
}

/** The textbook's table over words, a row at a time. */
function table({ baseline, output }: Texts): number {
  const left = baseline.split(/\s+/).filter((word) => word !== "");
  const right = output.split(/\s+/).filter((word) => word !== "");
  let above = new Int32Array(right.length + 1);
  for (const word of left) {
    const row = new Int32Array(right.length + 1);
    for (let at = 0; at < right.length; at++) {
      row[at + 1] = word === right[at]
        ? (above[at] as number) + 1
        : Math.max(above[at + 1] as number, row[at] as number);
    }
    above = row;
  }
  return left.length + right.length === 0 ? 1 : (2 * (above[right.length] as number)) / (left.length + right.length);
}

const vocabulary = Array.from(
  { length: 66 },
  (_, at) => `${"abcdefghijklmnopqrstuvwxyz".slice(at % 20, (at % 20) + 2 + (at % 9))}${at % 7}`,
);

function salad(characters: number, seed: number): string[] {
  const words: string[] = [];
  let state = seed;
  for (let length = 0; length < characters; length += (words.at(-1) as string).length + 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    words.push(vocabulary[(state >>> 8) % vocabulary.length] as string);
  }
  return words;
}

/** Of the original, in ns, and how many times faster is promised. */
const LENGTHS = [[200, 133e3, 40], [2000, 4.33e6, 140], [20_000, 277e6, 250]] as const;

/** How far the score of a tenth of the words may be from a tenth. */
const CLOSE = 0.02;
const rounded = (score: number): number => Number(score.toFixed(9));
for (const [characters, original, faster] of LENGTHS) {
  const words = salad(characters, 7);
  const baseline = words.join(" ");
  const near: Texts = { baseline, output: words.map((word, at) => (at % 10 === 5 ? `changed${at}` : word)).join(" ") };
  const far: Texts = { baseline, output: salad(characters, 8).join(" ") };
  const score = 1 - wordSimilarity(near.baseline, near.output);
  if (!(Math.abs(score - 0.1) < CLOSE)) {
    throw new Error(`${characters} characters: a tenth of the words changed must score 0.1, and scores ${score}`);
  }
  for (
    const [what, texts] of [["a tenth of the words changed", near], ["other text of the same words", far]] as const
  ) {
    const contestants: Record<string, Contestant<Texts, number>> = {
      "wordSimilarity": {
        run: ({ baseline: a, output: b }) => wordSimilarity(a, b),
        read: (found) => rounded(found as number),
      },
      "the table of the textbook": { run: table, read: (found) => rounded(found as number) },
    };
    // Quadratic in the characters: only of texts of which many fit in the time.
    if (characters < 20_000) {
      contestants["sequenceSimilarity"] = {
        run: ({ baseline: a, output: b }) => sequenceSimilarity(a, b),
        read: (found) => (typeof found === "number" && found > 0 && found < 1 ? rounded(table(texts)) : NaN),
      };
    }
    await ask<Texts, number>({
      title: `drift of ${characters} characters, ${what}`,
      cases: [[texts, rounded(table(texts))]],
      against: "wordSimilarity",
      contestants,
      promises: texts === near
        ? [{
          of: "wordSimilarity",
          most: original / faster,
          what: `drift of ${characters} characters, a ${faster}th of the original's time`,
        }]
        : [],
      pace: { rounds: 9 },
    });
  }
}

/** Two texts in turn: a session measures the same text once. */
const outputsOf = (characters: number): readonly string[] =>
  [5, 6].map((changed) =>
    salad(characters, 7).map((word, at) => (at % 10 === changed ? `changed${at}` : word)).join(" ")
  );
const heard = { drifts: 0 };
const kernel = createKernel({ policy: { ...UNLIMITED, driftThreshold: 0.05 } });
kernel.on("drift_detected", () => void heard.drifts++);
await ask<number, boolean>({
  title: "postExecute of an output that drifts from a baseline, by characters",
  isAwaited: true,
  cases: [[0, true], [1, true]],
  inputs: [0, 1],
  against: "200 characters",
  contestants: Object.fromEntries(LENGTHS.map(([characters]) => {
    const session = kernel.session({ agentId: "bench", baseline: salad(characters, 7).join(" ") });
    const outputs = outputsOf(characters);
    const read = (): boolean => {
      const { drifts } = heard;
      heard.drifts = 0;
      return drifts === 1;
    };
    return [`${characters} characters`, { run: (at: number) => session.postExecute(outputs[at] as string), read }];
  })),
  pace: { rounds: 9 },
});
