import * as ai from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { aiSdkAttacks } from "../plugins/ai-sdk/attacks.ts";

aiSdkAttacks("ai 7", { ai, Model: MockLanguageModelV4, isV4: true });
