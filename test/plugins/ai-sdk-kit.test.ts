import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { describe, test } from "vitest";
import { testPlugin } from "../../src/testing/mod.ts";
import { aiSdkFixture } from "./ai-sdk/kit.ts";

describe("aiSdk() keeps what the kit asks, when", () => {
  for (const { title, run } of testPlugin(aiSdkFixture("ai 6", { ai, Model: MockLanguageModelV3 }))) test(title, run);
});
