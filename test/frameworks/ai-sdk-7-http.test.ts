import { fileURLToPath } from "node:url";
import { aiSdkHttpCases } from "../plugins/ai-sdk/http.ts";

aiSdkHttpCases("ai 7", fileURLToPath(new URL(".", import.meta.url)));
