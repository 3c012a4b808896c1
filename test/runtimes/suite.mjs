// Runs the project's own test suite inside another runtime, under the same test runner as in Node:
//   node test/runtimes/suite.mjs deno|bun|node20|node22|node24|node26|workerd|chromium
// Where there is no Node, the tests that need it are left out; how many that are is printed.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { chromiumPath } from "./chromium.mjs";
import { nodeOf, NODES } from "./nodes.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name) => join(root, "node_modules/.bin", process.platform === "win32" ? `${name}.cmd` : name);
const vitest = ["node_modules/vitest/vitest.mjs", "run"];
const here = "test/runtimes";

/** Tests of the repository itself, which start Node, and the one that asks its garbage collector. */
const NODE_ONLY = [
  "test/pollution/pollution.test.ts",
  "test/pollution/plugins.test.ts",
  "test/base/inspect.test.ts",
  "test/architecture.test.ts",
  "test/effects.test.ts",
  "test/readme.test.ts",
  "test/testing/runners.test.ts",
  "test/kernel/memory.test.ts",
  "test/workflows.test.ts",
  "test/manifests.test.ts",
  "test/plugins/ai-sdk-http.test.ts",
  "test/audit/crash.test.ts",
];
/** Plain functions held against their plain meaning at length, which no runtime changes: once, by `npm test`. */
const LAWS = ["test/rules/laws.test.ts", "test/policy/order.test.ts", "test/audit/tamper.test.ts"];
/** Folders with runners of their own. */
const APART = ["test/frameworks", "test/mutation", "test/package", here, "test/.out"];

function testsUnder(folder) {
  if (APART.includes(folder)) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return testsUnder(path);
    return path.endsWith(".test.ts") ? [path] : [];
  });
}

/** A test file's text, with that of the files under test/ that it imports. */
function textOf(path, seen = new Set()) {
  if (seen.has(path) || !path.startsWith("test/")) return "";
  seen.add(path);
  const text = readFileSync(join(root, path), "utf8");
  const imported = [...text.matchAll(/(?:from|import) "(\.[^"]+\.ts)"/g)].map(([, to]) =>
    posix.join(dirname(path), to)
  );
  return [text, ...imported.map((one) => textOf(one, seen))].join("\n");
}

/** Whether a test does with these modules and globals of Node. */
function doesWith(path, modules, globals) {
  const text = textOf(path);
  const needed = [...text.matchAll(/(?:from|import) "(node:[^"]+)"/g)].map(([, name]) => name);
  return needed.every((name) => modules.includes(name)) &&
    ["Buffer", "process", "require"].every((name) =>
      globals.includes(name) || !new RegExp(`\\b(?<!")${name}[.(]`).test(text)
    );
}

/** The packages that tests import, and what they import imports. */
function packagesOf(paths) {
  const named = paths.flatMap((path) =>
    [...textOf(path).matchAll(/^import (?!type )[^"]*"([^."][^"]*)"/gm)].map(([, name]) => name)
  );
  return [...new Set(named)].filter((name) => !/^(?:node:|vitest|(?:@sallyport\/)?sallyport)/.test(name)).sort();
}

const all = testsUnder("test").filter((path) => !LAWS.includes(path)).sort();
const portable = all.filter((path) => !NODE_ONLY.includes(path));
const typesApart = "--typecheck.enabled=false";
const inNode = (name) => ({ command: nodeOf(name), args: [...vitest, typesApart], files: all });
const runtimes = {
  deno: () => ({ command: bin("deno"), args: ["run", "-A", ...vitest, typesApart], files: portable }),
  bun: () => ({ command: bin("bun"), args: ["--bun", ...vitest, typesApart], files: portable }),
  ...Object.fromEntries(Object.keys(NODES).map((name) => [name, () => inNode(name)])),
  workerd: () => ({
    command: process.execPath,
    args: [...vitest, "--config", `${here}/vitest.workerd.config.ts`],
    files: portable.filter((path) => doesWith(path, ["node:crypto", "node:util"], ["Buffer"])),
  }),
  chromium: () => {
    const files = portable.filter((path) => doesWith(path, [], []));
    const env = { CHROMIUM: chromiumPath(), TEST_PACKAGES: packagesOf(files).join(" ") };
    return { command: process.execPath, args: [...vitest, "--config", `${here}/vitest.browser.config.ts`], env, files };
  },
};

const [runtime = ""] = process.argv.slice(2);
if (!Object.hasOwn(runtimes, runtime)) {
  throw new Error(`Unknown runtime "${runtime}": one of ${Object.keys(runtimes).join(", ")}`);
}
const { command, args, files, env = {} } = runtimes[runtime]();
if (files.length === 0) throw new Error("There is no test to run");
console.log(
  `${files.length} of ${all.length} test files in ${runtime}${
    files.length === all.length ? "" : "; the others need Node"
  }`,
);
const { status, error } = spawnSync(command, [...args, ...files], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", WRANGLER_SEND_METRICS: "false", ...env },
});
if (error) throw error;
process.exitCode = status ?? 1;
