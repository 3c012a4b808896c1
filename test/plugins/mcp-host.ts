/** A host that lives through every way in which MCP is denied: run in a process of its own, which must not end early. */
import { createKernel, defineGuard, deny } from "../../mod.ts";
import { createMcpClient, governMcpServer } from "../../plugins/mcp.ts";

/** What a major brings. */
export interface HostMajor {
  server(): any;
  connect(server: any, prepare?: (client: any) => void): Promise<any>;
  /** Lets go of what connecting took. */
  done?(): Promise<void>;
  notify(context: any, method: string, params: object): Promise<void>;
  ask(context: any, method: string, params: object): Promise<any>;
}

/** Runs the host; prints what it came to. */
export async function host(major: HostMajor): Promise<void> {
  const outcomes: string[] = [];
  const errors: unknown[] = [];
  const say = async (what: string, run: () => Promise<any>): Promise<void> => {
    try {
      const answer = await run();
      outcomes.push(`${what}: ${answer?.isError === true ? "denied" : "ok"}`);
    } catch {
      outcomes.push(`${what}: refused`);
    }
  };
  const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const broken = defineGuard({
    name: "broken",
    check: async ({ name }) => {
      await tick();
      if (name === "breaks") throw new Error("guard");
      return name === "late" ? deny("late", "Late") : { effect: "allow", allowed: true };
    },
  });
  for (const side of ["client", "server"]) {
    const kernel = createKernel({ policy: { blockedPatterns: ["hunter2"], maxToolCalls: 1000 }, guards: [broken] });
    const session = kernel.session({ agentId: side });
    const server = major.server();
    let fail: (error: Error) => void = () => {};
    for (const name of ["fine", "breaks", "late"]) {
      server.registerTool(name, {}, () => ({ content: [{ type: "text", text: "ok" }] }));
    }
    server.registerTool("leaks", {}, () => ({ content: [{ type: "text", text: "hunter2" }] }));
    server.registerTool("throws", {}, () => Promise.reject(new Error("hunter2")));
    server.registerTool("hangs", {}, () => new Promise((_, reject) => (fail = reject)));
    server.registerTool("talks", {}, async (context: any) => {
      await major.notify(context, "notifications/message", { level: "error", data: "hunter2" });
      void major.ask(context, "elicitation/create", {
        message: "hunter2",
        requestedSchema: { type: "object", properties: {} },
      })
        .catch(() => {});
      return { content: [] };
    });
    if (side === "server") governMcpServer(server, session);
    const raw = await major.connect(server);
    const report = { onerror: (error: unknown) => errors.push(error) };
    Object.assign(raw, report);
    Object.assign(server.server, report);
    const client: any = side === "client" ? kernel.wrap(raw, createMcpClient(), session) : raw;
    for (const name of ["fine", "breaks", "late", "leaks", "throws", "talks"]) {
      await say(`${side} ${name}`, () => client.callTool({ name }));
    }
    await say(`${side} list`, () => client.listTools({ cursor: "hunter2" }));
    await say(`${side} read`, () => client.readResource({ uri: "a:hunter2" }));
    const hanging = say(`${side} hangs`, () => client.callTool({ name: "hangs" }));
    for (let i = 0; i < 50; i++) await tick();
    kernel.suspend(side);
    await hanging;
    fail(new Error("too late for anybody"));
    await say(`${side} suspended`, () => client.callTool({ name: "fine" }));
    kernel.resume(side);
    await say(`${side} again`, () => client.callTool({ name: "fine" }));
    kernel.kill(side);
    await say(`${side} killed`, () => client.listTools());
    await raw.close();
    await major.done?.();
    for (let i = 0; i < 50; i++) await tick();
  }
  console.log(JSON.stringify(outcomes));
}

/** What it comes to. */
export const OUTCOMES: readonly string[] = ["client", "server"].flatMap((side) => [
  `${side} fine: ok`,
  `${side} breaks: denied`,
  `${side} late: denied`,
  `${side} leaks: denied`,
  `${side} throws: denied`,
  `${side} talks: ok`,
  `${side} list: refused`,
  `${side} read: refused`,
  `${side} hangs: denied`,
  `${side} suspended: denied`,
  `${side} again: ok`,
  `${side} killed: refused`,
]);
