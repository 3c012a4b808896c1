import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { aiSdkAttacks } from "./ai-sdk/attacks.ts";

aiSdkAttacks("ai 6", { ai, Model: MockLanguageModelV3 });
