import * as ai from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { aiSdkWays } from "../plugins/ai-sdk/ways.ts";

aiSdkWays("ai 7", { ai, Model: MockLanguageModelV4, isV4: true });
