// Installs this folder's packages, checks the types of the tests and runs them. Arguments go to the test runner.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { install, root, run } from "../installed.mjs";

const here = dirname(fileURLToPath(import.meta.url));

install(here);
run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", here]);
run(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", join(here, "vitest.config.ts"), ...process.argv.slice(2)]);
