// Runs the portable cases against the built package (dist/) in real runtimes: node test/runtimes/run.mjs node deno bun workerd
// Deno and Bun, which read TypeScript, run the sources as well. Prints "N passed, N failed" for all of them together.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = join(root, "test/runtimes");
const out = join(root, "test/.out/runtimes");
const wanted = process.argv.slice(2);
const total = { passed: 0, failed: 0 };

function count(what, passed, failed) {
  console.log(`${what}: ${passed} passed, ${failed} failed`);
  total.passed += passed;
  total.failed += failed;
}

/** Bundles an entry point with the built core in the place of the sources. */
async function bundle(entry, outfile) {
  if (!existsSync(join(root, "dist/mod.js"))) throw new Error("dist/mod.js is missing: run `npm run build` first");
  mkdirSync(out, { recursive: true });
  const built = { name: "built", setup: (b) => b.onResolve({ filter: /\/mod\.ts$/ }, () => ({ path: join(root, "dist/mod.js") })) };
  const { metafile } = await build({
    absWorkingDir: root, entryPoints: [join(here, entry)], outfile: join(out, outfile), bundle: true, format: "esm", target: "es2023",
    platform: "neutral", external: ["node:process"], plugins: [built], metafile: true, logLevel: "error",
  });
  const sources = Object.keys(metafile.inputs).filter((path) => path.startsWith("src/"));
  if (sources.length > 0) throw new Error(`The bundle took sources instead of dist/: ${sources.join(", ")}`);
  return join(out, outfile);
}

function runProcess(what, command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: "utf8", timeout: 120_000, env: { ...process.env, NO_COLOR: "1" } });
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(stdout ?? "");
  if (stderr) process.stderr.write(stderr);
  if (counts === null || (status !== 0 && counts[2] === "0")) {
    console.error(`${what} ended with status ${status} and no usable count${error ? `: ${error.message}` : ""}\n${stdout ?? ""}`);
    return count(what, 0, 1);
  }
  count(what, Number(counts[1]), Number(counts[2]));
}

/** Starts the real workerd on a free port of this machine, asks it once and stops it. */
async function runWorkerd() {
  await bundle("worker.ts", "worker.mjs");
  cpSync(join(here, "workerd.capnp"), join(out, "workerd.capnp"));
  const binary = createRequire(import.meta.url)("workerd").default;
  const server = spawn(binary, ["serve", "--control-fd=3", join(out, "workerd.capnp")], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  try {
    const port = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("workerd did not listen within 30 s")), 30_000);
      server.once("error", reject);
      server.once("exit", (code) => reject(new Error(`workerd exited with ${code}`)));
      let text = "";
      server.stdio[3].setEncoding("utf8").on("data", (data) => {
        text += data;
        const match = /\{[^}\n]*"event":\s*"listen"[^}\n]*"port":\s*(\d+)[^}\n]*\}/.exec(text);
        if (match === null) return;
        clearTimeout(late);
        resolve(Number(match[1]));
      });
    });
    const answer = await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(60_000) })).json();
    for (const failure of answer.failures) console.error(`FAILED ${failure}`);
    if (answer.runtime !== "Cloudflare-Workers") throw new Error(`Not workerd but ${answer.runtime} answered`);
    count("workerd (dist)", answer.passed, answer.failures.length);
  } finally {
    server.kill();
  }
}

const bin = (name) => join(root, "node_modules/.bin", process.platform === "win32" ? `${name}.cmd` : name);
const runners = {
  node: async () => runProcess(`node ${process.versions.node} (dist)`, process.execPath, [await bundle("main.ts", "main.mjs")]),
  deno: async () => {
    runProcess("deno (dist)", bin("deno"), ["run", "--no-config", await bundle("main.ts", "main.mjs")]);
    runProcess("deno (sources)", bin("deno"), ["run", "--check", join(here, "main.ts")]);
  },
  bun: async () => {
    runProcess("bun (dist)", bin("bun"), [await bundle("main.ts", "main.mjs")]);
    runProcess("bun (sources)", bin("bun"), [join(here, "main.ts")]);
  },
  workerd: runWorkerd,
};

for (const name of wanted) {
  if (!Object.hasOwn(runners, name)) throw new Error(`Unknown runtime "${name}": one of ${Object.keys(runners).join(", ")}`);
  await runners[name]().catch((error) => {
    console.error(`${name}: ${error.message}`);
    count(name, 0, 1);
  });
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
