import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { aiSdkWays } from "./ai-sdk/ways.ts";

aiSdkWays("ai 6", { ai, Model: MockLanguageModelV3 });
