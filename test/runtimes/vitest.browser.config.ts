/**
 * Runs tests of the main suite inside headless Chromium: `node test/runtimes/suite.mjs chromium` names those that can.
 */
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { alias } from "../../vitest.config.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at("../.."),
  resolve: { alias },
  // Only what is named: a package that is first met during the run makes the page load again, and loses tests.
  optimizeDeps: {
    noDiscovery: true,
    include: (process.env["TEST_PACKAGES"] ?? "").split(" ").filter((name) => name !== ""),
  },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: [at("browser-setup.ts")],
    allowOnly: false,
    // One page for all files: one for each takes three times as long, and no test relies on it.
    isolate: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
          args: [
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
});
