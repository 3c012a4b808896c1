/** Runs tests of the main suite inside workerd: `node test/runtimes/suite.mjs workerd` names those that can. */
import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { alias } from "../../vitest.config.ts";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { alias },
  plugins: [cloudflareTest({ miniflare: { compatibilityDate: "2026-10-01" } })],
  // One worker for all files: one for each takes six times as long, and no test relies on it.
  test: { include: ["test/**/*.test.ts"], allowOnly: false, isolate: false },
});
