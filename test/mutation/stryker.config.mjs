/**
 * What is mutated: the core and the guards. Every kind of mutant counts, those in the texts of messages too.
 *
 * Not counted are mutants in what runs once, when a file is loaded: tables and constants. Each would need a run of all
 * tests, and what is wrong in a table shows in the tests of what reads it.
 */
export default {
  testRunner: "vitest",
  plugins: ["@stryker-mutator/vitest-runner"],
  // Tells the sequencer which file is mutated.
  vitest: { configFile: "test/mutation/vitest.config.ts", related: true },
  mutate: ["src/{base,combine,guards,kernel,snapshot}/**/*.ts"],
  coverageAnalysis: "perTest",
  ignoreStatic: true,
  // What the tests need lies in the sandbox; the packages are linked.
  ignorePatterns: [".ci", ".github", ".out", "**/.out", "bench", "coverage", "dist", "test/frameworks", "test/package"],
  // Its rewriting of this file, which only matters to projects that extend others, needs the API of an older TypeScript.
  tsconfigFile: "none",
  // A mutant that never ends is one that is noticed; a busy machine is not.
  timeoutMS: 15_000,
  concurrency: 1,
  tempDirName: ".out/mutation/sandboxes",
  cleanTempDir: "always",
  incremental: true,
  incrementalFile: ".out/mutation/incremental.json",
  reporters: ["clear-text", "html", "json", "progress-append-only"],
  clearTextReporter: { logTests: false, reportTests: false },
  htmlReporter: { fileName: ".out/mutation/report.html" },
  jsonReporter: { fileName: ".out/mutation/report.json" },
  thresholds: { high: 95, low: 90, break: 85 },
};
