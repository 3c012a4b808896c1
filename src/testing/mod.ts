// The published test kits, `sallyport/testing`.

/**
 * Kits that test what others write for sallyport, with any test runner, and a clock for tests.
 *
 * @example Usage
 * ```ts
 * import { memoryStore } from "@sallyport/sallyport";
 * import { storeKit } from "@sallyport/sallyport/testing";
 * import assert from "node:assert/strict";
 *
 * const store = memoryStore();
 * const cases = storeKit({ create: () => store });
 * for (const { run } of cases) await run(); // with a test runner: for (const { title, run } of cases) test(title, run);
 * assert.ok(store.size > 0);
 * ```
 * @module
 */
export { type FakeClock, fakeClock } from "./fake-clock.ts";
export {
  type Ending,
  type KitTool,
  type PluginEntry,
  type PluginFixture,
  type PluginGate,
  pluginPromises,
  type Scene,
  testPlugin,
  type Turn,
} from "./plugin-kit.ts";
export { type ConformanceCase, storeKit, type StoreKitOptions } from "./store-kit.ts";
