/** Runs the portable cases where there is a process to exit: Node, Deno and Bun. */
import process from "node:process";
import { runCases } from "./portable.ts";

const { passed, failures } = await runCases();
for (const failure of failures) console.error(`FAILED ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;
