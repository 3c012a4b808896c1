import { fileURLToPath } from "node:url";
import * as ai from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { aiSdkFields } from "../plugins/ai-sdk/fields.ts";

const declarations = new URL("./node_modules/@ai-sdk/provider/dist/index.d.ts", import.meta.url);
aiSdkFields("ai 7", { ai, Model: MockLanguageModelV4, isV4: true }, fileURLToPath(declarations));
