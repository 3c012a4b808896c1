import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { createKernel, type Session } from "../../mod.ts";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;

test("a session is not kept by its kernel or its guards, when nobody else holds it and its acts are over", async () => {
  const kernel = createKernel({ policy: { blockedPatterns: ["x"], deniedTools: ["y"] } });
  const use = async (): Promise<WeakRef<Session>> => {
    const session = kernel.session({ agentId: "a" });
    await session.tool({ name: "search", arguments: {} }, (_args, signal) => signal.aborted);
    await session.model({ model: "m", request: "hi" }, () => "hi");
    return new WeakRef(session);
  };
  const ref = await use();
  for (let round = 0; round < 10 && ref.deref() !== undefined; round++) {
    await new Promise((resolve) => setTimeout(resolve));
    collect();
  }
  expect(ref.deref()).toBeUndefined();
  kernel.kill("a");
});
