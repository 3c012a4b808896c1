import { describe, expect, test } from "vitest";
import { createKernel, type PolicyInit, type Session } from "../../mod.ts";

const policy: PolicyInit = {
  rules: [{ id: "who", tools: "send", require: { to: { known: true } } }],
  trustedTools: ["crm_*"],
  untrustedTools: ["web_*", "CRM_raw"],
};
const kernel = () => createKernel({ policy: { ...policy, untrustedTools: ["web_*"] } });
const open = (): Session => kernel().session({ agentId: "a" });
const send = async (session: Session, to: unknown) =>
  await session.tool({ name: "send", arguments: { to } }, () => "sent")
    .then((sent) => sent, (error: { code: string }) => error.code);
const use = (session: Session, name: string, result: unknown, metadata = {}) =>
  session.tool({ name, arguments: {}, metadata }, () => result);

describe("what is known to rules", () => {
  test("is what the input of a run says, while it runs and after", async () => {
    const session = open();
    expect(await send(session, "ada@example.com")).toBe("rule_denied");
    const inside = await session.run("Please write to ada@example.com.", () => send(session, "ada@example.com"));
    expect([inside, await send(session, "ADA@example.com"), await send(session, "eve@example.com")])
      .toEqual(["sent", "sent", "rule_denied"]);
  });

  test("is what session.inform was given, and nothing of what was only checked or denied", async () => {
    const session = open();
    await session.check({ stage: "input", name: "execute", payload: "ada@example.com" });
    await session.run("ada@example.com", () => 1, { metadata: { untrusted: true } });
    expect(await send(session, "ada@example.com")).toBe("rule_denied");
    session.inform("it is ada@example.com");
    expect(await send(session, "ada@example.com")).toBe("sent");
    expect(() => session.inform(7 as never)).toThrow(TypeError);
  });

  test("is what trusted tools answered, and not what others did, or failed with", async () => {
    const session = open();
    await use(session, "read", { mail: "bob@example.com" });
    await use(session, "crm_read", { rows: [{ mail: "ada@example.com" }] });
    await session.tool({ name: "crm_read", arguments: {} }, () => {
      throw new Error("no eve@example.com");
    }).catch(() => undefined);
    expect([await send(session, "ada@example.com"), await send(session, "bob@example.com")]).toEqual([
      "sent",
      "rule_denied",
    ]);
    expect(await send(session, "eve@example.com")).toBe("rule_denied");
  });

  test("is known to a child, whose own input is not", async () => {
    const session = open();
    session.inform("ada@example.com");
    const child = session.child({ agentId: "b" });
    await child.run("write to eve@example.com", () => 1);
    expect([await send(child, "ada@example.com"), await send(child, "eve@example.com")]).toEqual([
      "sent",
      "rule_denied",
    ]);
    expect(await send(session, "eve@example.com")).toBe("rule_denied");
  });
});

describe("taint", () => {
  test("comes with a call of an untrusted tool, well or not", async () => {
    const [well, ill, other] = [open(), open(), open()];
    await use(well, "Web_Fetch", "page");
    await ill.tool({ name: "web_fetch", arguments: {} }, () => Promise.reject(new Error("down"))).catch(() =>
      undefined
    );
    await use(other, "read", "file");
    expect([well, ill, other].map(({ context }) => context.tainted)).toEqual([true, true, false]);
  });

  test("comes with a run that is marked, before it runs", async () => {
    const session = open();
    const seen = await session.run("mail text", () => session.context.tainted, { metadata: { untrusted: true } });
    expect(seen).toBe(true);
  });

  test("of a session is one of its children, and of a child one of its parents", async () => {
    const session = open();
    const [one, two] = [session.child({ agentId: "b" }), session.child({ agentId: "c" })];
    await use(one, "web_fetch", "page");
    expect([session, one, two].map(({ context }) => context.tainted)).toEqual([true, true, true]);
  });
});

test("a tool is not trusted and untrusted at once", () => {
  expect(() => createKernel({ policy })).toThrow('"untrustedTools[1]" must be none of the trustedTools');
});

test("a plugin's listener of inputs that throws denies the run, and the process lives", async () => {
  const broken = {
    name: "broken",
    setup: (host: import("../../mod.ts").PluginHost) =>
      host.input(() => {
        throw new Error("x");
      }),
  };
  const session = createKernel({ plugins: [broken] }).session({ agentId: "a" });
  let ran = false;
  await expect(session.run("x", () => (ran = true))).rejects.toMatchObject({ code: "guard_error" });
  expect(ran).toBe(false);
  expect((await session.begin({ stage: "input", name: "x", payload: "x" })).decision.allowed).toBe(false);
});
