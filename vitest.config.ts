import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The package under both of its names, so that examples run as they stand. */
export const alias: { find: RegExp; replacement: string }[] = [
  { find: /^(?:@sallyport\/)?sallyport$/, replacement: at("./mod.ts") },
  { find: /^(?:@sallyport\/)?sallyport\/core$/, replacement: at("./src/core.ts") },
  { find: /^(?:@sallyport\/)?sallyport\/audit$/, replacement: at("./src/audit/mod.ts") },
  { find: /^(?:@sallyport\/)?sallyport\/testing$/, replacement: at("./src/testing/mod.ts") },
  { find: /^(?:@sallyport\/)?sallyport\/plugins\/(.+)$/, replacement: at("./plugins/$1.ts") },
];

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.out/**", "test/frameworks/**", "test/package/**"],
    setupFiles: [at("./test/setup.ts")],
    allowOnly: false,
    // No test measures time: this only ends what hangs, on a machine that is busy with other things too.
    testTimeout: 60_000,
    typecheck: {
      enabled: true,
      include: ["test/**/*.test-d.ts"],
      exclude: ["**/node_modules/**", "test/frameworks/**"],
      tsconfig: at("./tsconfig.json"),
    },
    coverage: {
      provider: "v8",
      include: ["src/**"],
      reporter: ["text-summary", "json-summary"],
      thresholds: { lines: 95, branches: 95 },
    },
  },
});
