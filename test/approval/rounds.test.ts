import { describe, expect, test } from "vitest";
import {
  type ApprovalRequest,
  createKernel,
  defineGuard,
  escalate,
  grantApproval,
  isPolicyViolation,
  memoryStore,
  PolicyViolationError,
  transform,
} from "../../mod.ts";
import { asks, hmac, open, outcome, pay, question, signed } from "./helpers.ts";

const clerk = asks("clerk", "A payment");
const cfo = asks("cfo", "A payment of more than 1000", ({ amount }) => amount > 1000);
const reasonsOf = ({ escalations = [] }: ApprovalRequest): string[] => escalations.map(({ reason }) => reason);

describe("an approval answers what it showed", () => {
  test("asks anew, when another guard escalates with the same code after the answer", async () => {
    let isNight = false;
    const late = asks("late", "At night", () => isNight);
    const asked: string[][] = [];
    const approve = (request: ApprovalRequest): boolean => {
      asked.push(reasonsOf(request));
      isNight = true;
      return asked.length < 2;
    };
    expect(await outcome(open({ guards: [clerk, late], approve }), pay())).toBe("approval_denied");
    expect(asked).toEqual([["A payment"], ["A payment", "At night"]]);
  });

  test("asks anew, when the same guard escalates with another reason", async () => {
    let round = 0;
    const moving = defineGuard({
      name: "moving",
      stages: ["pre_tool_call"],
      check: () => escalate(round++ === 0 ? "A small one" : "A big one"),
    });
    const asked: string[][] = [];
    const approve = (request: ApprovalRequest): boolean => (asked.push(reasonsOf(request)), true);
    expect(await outcome(open({ guards: [moving], approve }), pay())).toEqual({ amount: 5 });
    expect(asked).toEqual([["A small one"], ["A big one"]]);
  });

  test("asks anew, when a second guard says the very same", async () => {
    let both = false;
    const twin = asks("clerk", "A payment", () => both);
    const asked: string[][] = [];
    const approve = (request: ApprovalRequest): boolean => {
      asked.push(reasonsOf(request));
      both = true;
      return true;
    };
    expect(await outcome(open({ guards: [clerk, twin], approve }), pay())).toEqual({ amount: 5 });
    expect(asked).toEqual([["A payment"], ["A payment", "A payment"]]);
  });

  test("does not ask again about what was answered, when guards ask by turns", async () => {
    let round = 0;
    const even = asks("even", "Even", () => round++ % 2 === 0);
    const odd = asks("odd", "Odd", () => round % 2 === 0);
    const asked: string[][] = [];
    const approve = (request: ApprovalRequest): boolean => (asked.push(reasonsOf(request)), true);
    expect(await outcome(open({ guards: [even, odd], approve }), pay())).toEqual({ amount: 5 });
    expect(asked).toEqual([["Even"], ["Odd"]]);
  });

  test("ends, when a guard asks something else each time", async () => {
    let round = 0;
    const endless = defineGuard({ name: "endless", check: () => escalate(`Question ${round++}`) });
    let asked = 0;
    const session = open({ guards: [endless], approve: () => (asked++, true) });
    expect(await outcome(session, pay())).toBe("approval_denied");
    expect(asked).toBeLessThan(20);
  });

  test("denies, when a listener objects to what is asked anew", async () => {
    let isNight = false;
    const late = defineGuard({
      name: "late",
      check: () => isNight ? escalate("At night", "late") : { effect: "allow", allowed: true },
    });
    let asked = 0;
    const kernel = createKernel({ guards: [clerk, late], approve: () => (isNight = true, asked++ === 0) });
    kernel.on("policy_check", () => {
      if (isNight) throw new PolicyViolationError("Not at night", { code: "night" });
    });
    expect(await outcome(kernel.session({ agentId: "a" }), pay())).toBe("night");
    expect(asked).toBe(1);
  });
});

describe("an edited call", () => {
  test("is asked about from the first guard: the clerk's edit to a million does not pass the guard that wants the CFO", async () => {
    const asked: string[][] = [];
    const approve = async (request: ApprovalRequest) => {
      asked.push(reasonsOf(request));
      return asked.length === 1
        ? await grantApproval(request, hmac, { approved: true, by: "clerk", payload: { amount: 1_000_000 } })
        : false;
    };
    expect(await outcome(open({ guards: [clerk, cfo], approve }), pay())).toBe("approval_denied");
    expect(asked).toEqual([["A payment"], ["A payment", "A payment of more than 1000"]]);
  });

  test("is asked about, though the guard and its reason are the same", async () => {
    const asked: string[] = [];
    const approve = async (request: ApprovalRequest) => {
      asked.push(request.text);
      return asked.length === 1
        ? await grantApproval(request, hmac, { approved: true, by: "clerk", payload: { amount: 6 } })
        : false;
    };
    expect(await outcome(open({ approve }), pay())).toBe("approval_denied");
    expect(asked).toEqual(['pay {"amount":5}', 'pay {"amount":6}']);
  });

  test.each<[string, (request: ApprovalRequest) => unknown]>([
    ["true", () => true],
    ["a grant of it", (request) => grantApproval(request, hmac, { approved: true, by: "cfo" })],
    [
      "a grant with the same edit",
      (request) => grantApproval(request, hmac, { approved: true, by: "cfo", payload: { amount: 2000 } }),
    ],
  ])("runs, and as changed, when the next question is answered with %s", async (_what, second) => {
    let asked = 0;
    const approve = async (request: ApprovalRequest) =>
      asked++ === 0
        ? await grantApproval(request, hmac, { approved: true, by: "clerk", payload: { amount: 2000 } })
        : await second(request) as boolean;
    const session = open({ guards: [clerk, cfo], approve });
    expect(await session.tool(pay(), (args, _signal, changed) => [args, changed])).toEqual([{ amount: 2000 }, true]);
    expect(asked).toBe(2);
  });

  test("runs at once, when no guard asks about it", async () => {
    const grant = await signed(await question(open({ guards: [cfo] }), pay(2000)), "ada", { payload: { amount: 10 } });
    expect(await outcome(open({ guards: [cfo] }), pay(2000, { grant }))).toEqual({ amount: 10 });
  });

  test("ends, when an approver edits each time", async () => {
    let asked = 0;
    const approve = (request: ApprovalRequest) =>
      grantApproval(request, hmac, { approved: true, by: "ada", payload: { amount: 100 + asked++ } });
    expect(await outcome(open({ approve }), pay())).toBe("approval_denied");
    expect(asked).toBeLessThan(20);
  });

  test("ends, when a guard changes what was edited, and the approver answers the same again", async () => {
    const half = defineGuard({
      name: "half",
      stages: ["pre_tool_call"],
      check: ({ payload }) => transform({ amount: (payload as { amount: number }).amount / 2 }, "halved"),
    });
    const approve = (request: ApprovalRequest) =>
      grantApproval(request, hmac, { approved: true, by: "ada", payload: { amount: 10 } });
    expect(await outcome(open({ guards: [half, clerk], approve }), pay(40))).toEqual({ amount: 5 });
    expect(await outcome(open({ guards: [half, clerk], approve }), pay(20))).toEqual({ amount: 10 });
  });

  test("is granted later, in other processes: with both grants, or asked for as it was edited", async () => {
    const store = memoryStore();
    const process = () => open({ guards: [clerk, cfo], store });
    const edit = await signed(await question(process()), "clerk", { payload: { amount: 2000 } });
    const error = await process().tool(pay(5, { grant: edit }), () => 1).catch((caught: unknown) => caught);
    if (!isPolicyViolation(error) || error.approval === undefined) throw error;
    expect(error.code).toBe("approval_required");
    expect(error.approval.text).toBe('pay {"amount":2000}');
    const second = await signed(error.approval, "cfo");
    expect(await outcome(process(), pay(5, { grant: second }))).toBe("approval_denied");
    expect(await outcome(process(), pay(5, { grant: [edit, second] }))).toEqual({ amount: 2000 });
    expect(await outcome(process(), pay(5, { grant: [edit, second] }))).toBe("approval_denied");
    const third = await signed(await question(process(), pay(2000)), "cfo");
    expect(await outcome(process(), pay(5, { grant: [edit, third] }))).toBe("approval_denied");
    expect(await outcome(process(), pay(2000, { grant: third }))).toEqual({ amount: 2000 });
  });

  test("spends every grant of the way there", async () => {
    const store = memoryStore();
    const grants = async () => [
      await signed(await question(open({ store })), "ada", { payload: { amount: 6 } }),
      await signed(await question(open({ store }), pay(6)), "bob", { payload: { amount: 7 } }),
      await signed(await question(open({ store }), pay(7)), "eve"),
    ];
    const [first, second] = [await grants(), await grants()];
    expect(await outcome(open({ store }), pay(5, { grant: first }))).toEqual({ amount: 7 });
    for (const at of [0, 1, 2]) {
      const grant = second.with(at, first[at]!);
      expect(await outcome(open({ store }), pay(5, { grant }))).toBe("approval_denied");
    }
    expect(await outcome(open({ store }), pay(5, { grant: second }))).toEqual({ amount: 7 });
  });

  test("cannot be edited to what a gate does not take", async () => {
    const request = await question(open());
    const grant = await signed(request, "ada", { payload: { note: "x".repeat(2_000_000) } });
    expect(await outcome(open(), pay(5, { grant }))).toBe("approval_denied");
  });

  test("stays with the framework's person, when the act is to be returned", async () => {
    let asked = 0;
    const session = open({ guards: [clerk, cfo], approve: () => (asked++, true) });
    const act = await session.begin({
      stage: "pre_tool_call",
      name: "pay",
      payload: { amount: 5 },
      approval: "return",
    });
    if (act.decision.effect !== "escalate" || act.decision.approval === undefined) throw new Error("no question");
    const edit = await signed(act.decision.approval, "clerk", { payload: { amount: 2000 } });
    expect(await act.resume(edit)).toMatchObject({ effect: "escalate", approval: { text: 'pay {"amount":2000}' } });
    expect(await act.resume(true)).toMatchObject({ allowed: true });
    expect([act.payload, act.changed, asked]).toEqual([{ amount: 2000 }, true, 0]);
  });
});

describe("after the wait", () => {
  test("trust is judged again", async () => {
    let isTrusted = true;
    const trust = defineGuard({
      name: "trust",
      check: () =>
        isTrusted
          ? { effect: "allow", allowed: true }
          : { effect: "deny", allowed: false, code: "trust_too_low", reason: "no" },
    });
    const session = open({ guards: [trust, clerk], approve: () => !(isTrusted = false) });
    expect(await outcome(session, pay())).toBe("trust_too_low");
  });

  test("the session's time is judged again", async () => {
    let now = 1000;
    const session = open({ clock: () => now, policy: { timeoutMs: 100 }, approve: () => (now = 1200, true) });
    expect(await outcome(session, pay())).toBe("timeout");
  });

  test.each(["suspend", "kill"] as const)("%s stops the act, and says so", async (stop) => {
    const kernel = createKernel({ guards: [clerk], approve: () => (kernel[stop]("a"), true) });
    expect(await outcome(kernel.session({ agentId: "a" }), pay())).toBe(
      stop === "kill" ? "session_killed" : "agent_suspended",
    );
  });

  test.each(["suspend", "kill"] as const)("%s ends an approve that never answers, and says so", async (stop) => {
    const kernel = createKernel({ guards: [clerk], approve: () => (kernel[stop]("a"), new Promise(() => {})) });
    expect(await outcome(kernel.session({ agentId: "a" }), pay())).toBe(
      stop === "kill" ? "session_killed" : "agent_suspended",
    );
  });

  test("a yes that comes too late is none", async () => {
    let now = 1000;
    const session = open({ clock: () => now, approvalTtlMs: 100, approve: () => (now = 1100, true) });
    expect(await outcome(session, pay())).toBe("approval_denied");
  });

  test("an approve that never answers ends with the act's signal, whose reason the call rejects with", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const session = open({ approve: () => (controller.abort(reason), new Promise(() => {})) });
    await expect(session.tool(pay(5, { signal: controller.signal }), () => "ran")).rejects.toBe(reason);
  });
});
