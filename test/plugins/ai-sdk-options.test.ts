import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { aiSdkOptions } from "./ai-sdk/options.ts";

aiSdkOptions("ai 6", { ai, Model: MockLanguageModelV3 });
