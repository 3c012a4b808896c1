import { describe, expect, test } from "vitest";
import { type ApprovalOptions, type ApprovalRequest, approvals, grantApproval, memoryStore } from "../../mod.ts";
import { createKernel, type Plugin, requireApproval, type Session } from "../../src/core.ts";

const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
const pay = { name: "pay", arguments: { amount: 5 } };

function session(options: ApprovalOptions, ...plugins: readonly Plugin[]): Session {
  return createKernel({ guards: [requireApproval()], plugins: [approvals(options), ...plugins] })
    .session({ agentId: "a", sessionId: "s" });
}

describe("approvals()", () => {
  test.each<[object, RegExp]>([
    [{ approve: true }, /"approve"/],
    [{ approvalKey: {} }, /"approvalKey"/],
    [{ approvalTtlMs: NaN }, /"approvalTtlMs"/],
    [{ approvalQuorum: 0 }, /"approvalQuorum"/],
    [{ aprove: () => true }, /"aprove" must be one of the known options/],
  ])("throws and names the field, when given %o", (options, message) => {
    expect(() => approvals(options)).toThrow(message);
  });

  test.each([[true, undefined], [false, "approval_denied"], ["yes", "approval_denied"]])(
    "asks, and the answer is %o",
    async (answer, code) => {
      const call = session({ approve: () => answer as boolean }).tool(pay, ({ amount }) => amount);
      if (code === undefined) expect(await call).toBe(5);
      else await expect(call).rejects.toMatchObject({ code });
    },
  );

  test("denies with approval_required and the question, when there is nobody to ask", async () => {
    await expect(session({}).tool(pay, () => 1)).rejects.toMatchObject({
      code: "approval_required",
      decision: { approval: { name: "pay", agentKey: "a" } },
    });
  });

  test("spends a grant in the kernel's store, or else in memory of its own", async () => {
    for (const store of [undefined, memoryStore()]) {
      const asked: ApprovalRequest[] = [];
      const brings: Plugin = { name: "store", setup: (host) => void (store === undefined || host.store(store)) };
      const own = session({ approvalKey: key }, brings);
      const act = await own.begin({ stage: "pre_tool_call", name: "pay", payload: {}, approval: "return" });
      if (act.decision.effect === "escalate") asked.push(act.decision.approval as ApprovalRequest);
      const grant = await grantApproval(asked[0] as ApprovalRequest, key, { approved: true });
      act.cancel();
      expect(await own.tool({ name: "pay", arguments: {}, grant }, () => "paid")).toBe("paid");
      await expect(own.tool({ name: "pay", arguments: {}, grant }, () => 1)).rejects.toMatchObject({
        code: "approval_denied",
      });
    }
  });
});
