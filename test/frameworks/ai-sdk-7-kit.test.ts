import * as ai from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { describe, test } from "vitest";
import { testPlugin } from "../../src/testing/mod.ts";
import { aiSdkFixture } from "../plugins/ai-sdk/kit.ts";

describe("aiSdk() keeps what the kit asks, when", () => {
  for (const { title, run } of testPlugin(aiSdkFixture("ai 7", { ai, Model: MockLanguageModelV4, isV4: true }))) {
    test(title, run);
  }
});
