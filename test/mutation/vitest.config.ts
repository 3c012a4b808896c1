import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { alias } from "../../vitest.config.ts";
import { NearestFirst } from "./nearest-first.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The tests that a mutant of the core or a guard has to get past: those of their rooms, and of the tools that they
 * use. The core's own tests should notice what is wrong in it, so those of extensions and plugins are left out; that
 * can only lower the score.
 */
export default defineConfig({
  root: at("../.."),
  resolve: { alias },
  test: {
    include: ["test/{base,combine,guards,intercept,kernel,preset,snapshot,state}/**/*.test.ts", "test/*.test.ts"],
    // They build, start processes, or read the repository's files, and look at no code of the core.
    exclude: ["test/{architecture,demo,manifests,readme,workflows}.test.ts"],
    setupFiles: [at("../setup.ts")],
    // Files share their modules: to load them anew would take most of the time of thousands of runs.
    isolate: false,
    sequence: { sequencer: NearestFirst },
    testTimeout: 60_000,
  },
});
