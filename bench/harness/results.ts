import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, type Figure, isMet, shown } from "./record.ts";

/** What a question came to. */
export interface Outcome {
  readonly question: string;
  readonly answers: readonly Answer[];
  /** Whether the question could be asked at all. */
  readonly isDone: boolean;
}

/** The runtime that was measured: `name` is its file's, `title` is for people. */
export interface Runtime {
  readonly name: string;
  readonly title: string;
}

/** What is kept of a run. */
export interface Results {
  readonly date: string;
  readonly runtime: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly system: string;
  };
  /** The measured package's and the peers' versions. */
  readonly packages: Readonly<Record<string, string>>;
  readonly answers: readonly (Answer & { readonly question: string })[];
}

/** Names a runtime by its versions: Node by its major one, of which each has an engine of its own. */
export function runtimeOf(versions: Readonly<Record<string, string | undefined>>): Runtime {
  const { node, deno, bun } = versions;
  if (bun !== undefined) return { name: "bun", title: `Bun ${bun}` };
  if (deno !== undefined) return { name: "deno", title: `Deno ${deno}` };
  return { name: `node-${node?.split(".")[0]}`, title: `Node ${node}` };
}

/** What was measured, on what, and when. Nothing that tells one machine from another of its kind. */
export function resultsOf(runtime: Runtime, outcomes: readonly Outcome[]): Results {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const own = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { name: string; version: string };
  const peers = JSON.parse(readFileSync(`${root}bench/package.json`, "utf8")) as {
    dependencies: Record<string, string>;
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    runtime: runtime.title,
    machine: {
      cpu: os.cpus()[0]?.model.trim() ?? "unknown",
      cores: os.cpus().length,
      memoryGb: Math.round(os.totalmem() / 2 ** 30),
      system: `${os.type()} ${os.release().split(/[-+]/)[0]}, ${os.arch()}`,
    },
    packages: { [own.name]: own.version, ...peers.dependencies },
    answers: outcomes.flatMap(({ question, answers }) => answers.map((answer) => ({ question, ...answer }))),
  };
}

/** Writes results so that a change of one figure is a change of one line. */
export function writeResults(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  const round = (
    _key: string,
    value: unknown,
  ): unknown => (typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value);
  const met = {
    ...results,
    answers: results.answers.map((answer) => ({
      ...answer,
      promises: answer.promises.map((verdict) => ({ ...verdict, isMet: isMet(verdict) })),
    })),
  };
  const text = JSON.stringify(met, round, 2).replaceAll(
    /\{\n\s+"(name|of)": [^{}]*\}/g,
    (entry) => entry.replaceAll(/\s*\n\s*/g, " "),
  );
  writeFileSync(file, `${text}\n`);
}

/** How much a median must move to be worth a line: less is what two runs of the same code differ by. */
const NOISE = 0.1;

/** Says what moved beyond the noise: out of both runs' quartiles, and by more than a tenth. */
export function moved(before: Results, now: Results): readonly string[] {
  const known = new Map<string, Figure>();
  const key = (answer: { readonly title: string }, { name }: Figure): string => `${answer.title}\0${name}`;
  for (const answer of before.answers) for (const figure of answer.figures) known.set(key(answer, figure), figure);
  const lines: string[] = [];
  for (const answer of now.answers) {
    for (const figure of answer.figures) {
      const last = known.get(key(answer, figure));
      if (last === undefined) continue;
      const isOut = figure.low > last.high || figure.high < last.low;
      const change = figure.median / last.median - 1;
      if (!isOut || Math.abs(change) <= NOISE) continue;
      lines.push(
        `${change > 0 ? "slower" : "faster"} ${(change * 100).toFixed(0).padStart(5)} %  ${
          shown(last.median, answer.unit)
        } -> ${shown(figure.median, answer.unit)}  ${figure.name} (${answer.title})`,
      );
    }
  }
  return lines;
}
