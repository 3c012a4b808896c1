import { fileURLToPath } from "node:url";
import { aiSdkHttpCases } from "./ai-sdk/http.ts";

aiSdkHttpCases("ai 6", fileURLToPath(new URL("..", import.meta.url)));
