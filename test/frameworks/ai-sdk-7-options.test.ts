import * as ai from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { aiSdkOptions } from "../plugins/ai-sdk/options.ts";

aiSdkOptions("ai 7", { ai, Model: MockLanguageModelV4, isV4: true });
