import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { alias } from "../../vitest.config.ts";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at("."),
  resolve: { alias },
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    setupFiles: [at("../setup.ts")],
    allowOnly: false,
  },
});
