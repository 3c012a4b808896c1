/** Runs the portable cases where there is only a request: workerd. */
import { runCases } from "./portable.ts";

export default {
  async fetch(): Promise<Response> {
    return Response.json({ ...(await runCases()), runtime: navigator.userAgent });
  },
};
