import { describe, expect, test } from "vitest";
import { killSwitch, memoryStore } from "../../mod.ts";
import { createKernel, type Plugin } from "../../src/core.ts";

describe("killSwitch()", () => {
  test("stops the agents of its kernel, and lets the suspended ones go on", async () => {
    const agents = killSwitch();
    const kernel = createKernel({ plugins: [agents], clock: () => 7 });
    const signals: unknown[] = [];
    kernel.on("agent_signal", (event) => void signals.push(event));
    const session = kernel.session({ agentId: "a" });
    const other = kernel.session({ agentId: "b" });
    const { signal } = session.context;
    agents.suspend("a");
    expect(signal.aborted).toBe(true);
    await expect(session.run("hi", () => 1)).rejects.toMatchObject({ code: "agent_suspended" });
    expect(await other.run("hi", () => 1)).toBe(1);
    agents.resume("a");
    expect(await session.run("hi", () => 1)).toBe(1);
    agents.kill("a", "Enough");
    agents.resume("a");
    await expect(session.run("hi", () => 1)).rejects.toMatchObject({ code: "session_killed", reason: "Enough" });
    expect(signals).toEqual([
      { agent: "a", signal: "suspend", reason: "The agent is suspended", timestamp: 7 },
      { agent: "a", signal: "resume", reason: "", timestamp: 7 },
      { agent: "a", signal: "kill", reason: "Enough", timestamp: 7 },
    ]);
  });

  test("keeps a stop in the kernel's store, whichever plugin brings it, and in whichever order", async () => {
    const store = memoryStore();
    const brings: Plugin = { name: "store", setup: (host) => host.store(store) };
    const agents = killSwitch();
    createKernel({ plugins: [agents, brings] });
    agents.kill("a");
    const next = createKernel({ plugins: [killSwitch(), brings] }).session({ agentId: "a" });
    await expect(next.run("hi", () => 1)).rejects.toMatchObject({ code: "session_killed" });
  });

  test.each(
    [["suspend", []], ["resume", []], ["kill", []], ["kill", ["a", 5]], ["suspend", [""]], ["kill", [" a"]], [
      "suspend",
      ["a b"],
    ], [
      "kill",
      ["a*"],
    ], ["resume", ["agent:a"]]] as const,
  )(
    "throws, when %s is given %o",
    (verb, given) => {
      const agents = killSwitch();
      createKernel({ plugins: [agents] });
      const [agent, reason] = given as readonly unknown[];
      expect(() => agents[verb](agent as string, reason as string)).toThrow(`Cannot build ${verb}()`);
    },
  );

  test("throws, when it is in no kernel, or is given to a second one", () => {
    const agents = killSwitch();
    expect(() => agents.kill("a")).toThrow("Cannot kill an agent: the kill switch is in no kernel");
    createKernel({ plugins: [agents] });
    expect(() => createKernel({ plugins: [agents] })).toThrow("A kill switch is for one kernel");
    expect(() => createKernel({ plugins: [killSwitch(), killSwitch()] })).toThrow('cannot emit "agent_signal"');
  });
});
