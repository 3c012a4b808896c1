import { fileURLToPath } from "node:url";
import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { aiSdkFields } from "./ai-sdk/fields.ts";

const declarations = new URL("../../node_modules/@ai-sdk/provider/dist/index.d.ts", import.meta.url);
aiSdkFields("ai 6", { ai, Model: MockLanguageModelV3 }, fileURLToPath(declarations));
