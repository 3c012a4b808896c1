// Installs this folder's tools and runs the mutation tests of everything, or of the folders and files that are named:
//   npm run mutation
//   npm run mutation -- src/guards src/combine/any.ts
// Arguments that begin with "--" go to Stryker, `--concurrency=4` or `--force` for example.
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { install, root, run } from "../installed.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith("--"));
const mutated = given.filter((argument) => !argument.startsWith("--")).map((path) =>
  statSync(join(root, path)).isDirectory() ? `${path.replace(/\/$/, "")}/**/*.ts` : path
);
if (mutated.length > 0) options.push("--mutate", mutated.join(","));

install(here);
run(process.execPath, [
  join(here, "node_modules/@stryker-mutator/core/bin/stryker.js"),
  "run",
  join(here, "stryker.config.mjs"),
  ...options,
]);
