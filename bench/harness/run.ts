/**
 * Runs every question in a process of its own, keeps the answers, and says what moved since those that were kept last.
 *
 *     npm run bench                      every question; writes results/<runtime>.json and results/chart.svg
 *     npm run bench -- tool compose      the named ones; writes nothing
 *     npm run bench -- --quick           fewer rounds; writes nothing
 *     npm run bench -- --no-peers        without other projects' packages; writes nothing
 *     npm run bench -- --node <path>     on another Node
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { drawChart } from "./chart.ts";
import { type Answer, BROKEN, isMet, promised, shown } from "./record.ts";
import { moved, type Outcome, type Results, resultsOf, runtimeOf, writeResults } from "./results.ts";

const bench = fileURLToPath(new URL("../", import.meta.url));
const out = `${bench}.out/`;
const results = `${bench}results/`;
/** It takes minutes, and runs only when it is named. */
const NAMED_ONLY: readonly string[] = ["soak"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    "no-peers": { type: "boolean", default: false },
    node: { type: "string" },
  },
});
const all = readdirSync(bench).filter((file) => file.endsWith(".ts")).map((file) => file.slice(0, -3)).sort();
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`There is no benchmark ${unknown.join(", ")}; there are ${all.join(", ")}`);
const named = positionals.length > 0 ? positionals : all.filter((name) => !NAMED_ONLY.includes(name));
const isWhole = positionals.length === 0 && !values.quick && !values["no-peers"];

// Said before minutes are spent: every question about peers would fail.
if (isWhole && !existsSync(`${bench}node_modules`)) {
  throw new Error('The peers are not installed: run "npm ci --prefix bench", or leave them out with --no-peers');
}

const isDeno = process.versions["deno"] !== undefined;
const isBun = process.versions["bun"] !== undefined;
if (values.node !== undefined && !existsSync(values.node)) throw new Error(`There is no Node at ${values.node}`);
const binary = values.node ?? process.execPath;
const flags = values.node === undefined && isDeno
  ? ["run", "-A", "--v8-flags=--expose-gc"]
  : values.node === undefined && isBun
  ? []
  : ["--expose-gc"];
const versions = values.node === undefined ? process.versions : JSON.parse(
  execFileSync(binary, ["-p", "JSON.stringify(process.versions)"], { encoding: "utf8" }),
) as NodeJS.ProcessVersions;
const runtime = runtimeOf(versions);
const kept = `${results}${runtime.name}.json`;
const before = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) as Results : undefined;

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else if (line !== "") process.stderr.write(`${line}\n`);
}

/**
 * How often a question is asked whose process an engine's own fault has ended: V8 of Node 20 has one, in its
 * deoptimizer.
 */
const TURNS = 3;

/** Runs one question and answers what it recorded, and whether it failed. */
async function answer(name: string): Promise<Outcome> {
  await build({
    entryPoints: [`${bench}${name}.ts`],
    outfile: `${out}${name}.mjs`,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
  const file = `${out}${name}.jsonl`;
  const env = {
    ...process.env,
    BENCH_OUT: file,
    BENCH_QUICK: values.quick ? "1" : "0",
    BENCH_PEERS: values["no-peers"] ? "0" : "1",
    BENCH_RUN: String(process.pid),
  };
  let code: number | string = 1;
  for (let turn = 1; turn <= TURNS; turn++) {
    rmSync(file, { force: true });
    const child = spawn(binary, [...flags, `${out}${name}.mjs`], { env, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => void (printed += text));
    }
    code = await new Promise<number | string>((resolve, reject) =>
      child.on("error", reject).on("close", (status, signal) => resolve(status ?? signal ?? 1))
    );
    progress("");
    console.log(printed.trimEnd());
    if (typeof code === "number") break;
    console.log(`${name} was ended by ${code}, turn ${turn} of ${TURNS}`);
  }
  const answers = existsSync(file)
    ? readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line) as Answer)
    : [];
  const isDone = code === 0 || code === BROKEN;
  if (!isDone) console.log(`${name} ended with code ${code}`);
  return { question: name, answers, isDone };
}

mkdirSync(out, { recursive: true });
const started = performance.now();
const outcomes: Outcome[] = [];
for (const [at, name] of named.entries()) {
  progress(`[${at + 1}/${named.length}] ${name}, ${Math.round((performance.now() - started) / 1000)} s so far`);
  outcomes.push(await answer(name));
}
progress("");

const now = resultsOf(runtime, outcomes);
if (before !== undefined) {
  const lines = moved(before, now);
  console.log(
    `\nAgainst the results of ${before.date}${
      before.machine.cpu === now.machine.cpu ? "" : `, which another machine gave (${before.machine.cpu})`
    }:`,
  );
  console.log(lines.length === 0 ? "  nothing moved beyond the noise" : lines.map((line) => `  ${line}`).join("\n"));
}
const verdicts = outcomes.flatMap(({ answers }) => answers.flatMap(({ promises }) => promises));
const missed = verdicts.filter((verdict) => !isMet(verdict));
const broken = missed.filter(({ reported }) => reported !== true);
const failed = outcomes.filter(({ isDone }) => !isDone).map(({ question }) => question);
console.log(
  `\n${verdicts.length - missed.length} of ${verdicts.length} promises kept on ${runtime.title}, in ${
    Math.round((performance.now() - started) / 1000)
  } s`,
);
for (const verdict of missed) {
  console.log(
    `  ${verdict.reported === true ? "over, and only told" : "broken"}: ${promised(verdict)}: ${
      shown(verdict.found, verdict.unit)
    }`,
  );
}
if (failed.length > 0) console.log(`  could not run: ${failed.join(", ")}`);
if (isWhole && failed.length === 0) {
  writeResults(kept, now);
  drawChart(results);
  console.log(`wrote results/${runtime.name}.json and results/chart.svg`);
}
if (broken.length > 0 || failed.length > 0) process.exitCode = 1;
