// Runs the portable cases against the built package (dist/) in real runtimes:
//   node test/runtimes/run.mjs node node20 node22 node24 node26 deno bun workerd chromium edge
// Runtimes that read TypeScript run the sources as well. `edge` is the example worker, in workerd. Prints a count for each, and
// "N passed, N failed" for all of them together.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { bundle, here, root } from "./bundle.mjs";
import { runChromium } from "./chromium.mjs";
import { runEdge } from "./edge/run.mjs";
import { nodeOf, NODES } from "./nodes.mjs";
import { startWorkerd } from "./workerd.mjs";

const wanted = process.argv.slice(2);
const total = { passed: 0, failed: 0 };

function count(what, passed, failed) {
  console.log(`${what}: ${passed} passed, ${failed} failed`);
  total.passed += passed;
  total.failed += failed;
}

function countAll(what, { passed, failures }) {
  for (const failure of failures) console.error(`FAILED ${failure}`);
  if (!Number.isInteger(passed) || passed + failures.length === 0) throw new Error("nothing was counted");
  count(what, passed, failures.length);
}

function runProcess(what, command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    timeout: 120_000,
    env: { ...process.env, NO_COLOR: "1" },
  });
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(stdout ?? "");
  if (stderr) process.stderr.write(stderr);
  if (counts === null || (status !== 0 && counts[2] === "0")) {
    console.error(
      `${what} ended with status ${status} and no usable count${error ? `: ${error.message}` : ""}\n${stdout ?? ""}`,
    );
    return count(what, 0, 1);
  }
  count(what, Number(counts[1]), Number(counts[2]));
}

const main = () => bundle("main.ts", "main.mjs", { external: ["node:process"] });
const sources = join(here, "main.ts");

async function runNode(command) {
  const version = spawnSync(command, ["--version"], { encoding: "utf8" }).stdout.trim().slice(1);
  runProcess(`node ${version} (dist)`, command, [await main()]);
  // 20 reads no TypeScript.
  if (Number.parseInt(version, 10) >= 22) runProcess(`node ${version} (sources)`, command, [sources]);
}

async function runWorkerd() {
  await bundle("worker.ts", "worker.mjs");
  const server = await startWorkerd();
  try {
    const answer = await (await fetch(server.url, { signal: AbortSignal.timeout(60_000) })).json();
    if (answer.runtime !== "Cloudflare-Workers") throw new Error(`Not workerd but ${answer.runtime} answered`);
    countAll("workerd (dist)", answer);
  } finally {
    await server.stop();
  }
}

const bin = (name) => join(root, "node_modules/.bin", process.platform === "win32" ? `${name}.cmd` : name);
const runners = {
  node: () => runNode(process.execPath),
  ...Object.fromEntries(Object.keys(NODES).map((name) => [name, async () => await runNode(nodeOf(name))])),
  deno: async () => {
    runProcess("deno (dist)", bin("deno"), ["run", "--no-config", await main()]);
    runProcess("deno (sources)", bin("deno"), ["run", "--check", sources]);
  },
  bun: async () => {
    runProcess("bun (dist)", bin("bun"), [await main()]);
    runProcess("bun (sources)", bin("bun"), [sources]);
  },
  workerd: runWorkerd,
  chromium: async () => {
    const result = await runChromium();
    countAll(`chromium ${result.version} (dist, ${result.modules} modules of it)`, result);
  },
  edge: async () => countAll("edge worker in workerd (dist)", await runEdge()),
};

// An end from outside is an end like any other, so that what was started is stopped.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
for (const name of wanted) {
  if (!Object.hasOwn(runners, name)) {
    throw new Error(`Unknown runtime "${name}": one of ${Object.keys(runners).join(", ")}`);
  }
}
for (const name of wanted) {
  await runners[name]().catch((error) => {
    console.error(`${name}: ${error.stack ?? error}`);
    count(name, 0, 1);
  });
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
