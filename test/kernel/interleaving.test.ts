import fc from "fast-check";
import { expect, test } from "vitest";
import { allow, any, createKernel, defineGuard, deny, escalate, type Session } from "../../mod.ts";

type Kind = "end" | "fail" | "cancel" | "deny" | "yes" | "no" | "twice" | "leave" | "withheld";
const KINDS: readonly Kind[] = ["end", "fail", "cancel", "deny", "yes", "no", "twice", "leave", "withheld"];
type Stop = "none" | "close" | "child" | "kill" | "suspend";

test(
  "any order of begin, end, fail, cancel, resume, close and kill runs at most the limit, and leaves the right number over",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom<Stop>("none", "none", "close", "child", "kill", "suspend"),
        fc.boolean(),
        async (scheduler, kinds, limit, stop, inChild) => {
          const wait = (): Promise<void> => scheduler.schedule(Promise.resolve());
          const judge = defineGuard({
            name: "judge",
            stages: ["pre_tool_call", "post_tool_call"],
            check: async ({ stage, payload, before }) => {
              await wait();
              const { kind } = (stage === "pre_tool_call" ? payload : before) as { kind: Kind };
              if (stage === "post_tool_call") return kind === "withheld" ? deny("withheld", "Withheld") : allow();
              return kind === "deny"
                ? deny("denied", "Denied")
                : kind === "yes" || kind === "no" || kind === "twice" || kind === "leave"
                ? escalate("?")
                : allow();
            },
          });
          const kernel = createKernel({
            policy: { maxToolCalls: limit, maxConcurrent: 10, backpressureThreshold: 2 },
            guards: [any(judge)],
          });
          const root = kernel.session({ agentId: "tester" });
          const session: Session = inChild ? root.child() : root;
          let executed = 0;
          let running = 0;
          let most = 0;
          const one = async (kind: Kind, index: number): Promise<void> => {
            const act = await session.begin({
              stage: "pre_tool_call",
              name: "search",
              payload: { kind, index },
              approval: "return",
            });
            if (act.decision.effect === "escalate") {
              await wait();
              if (kind === "leave") return act.cancel();
              await (kind === "twice" ? Promise.all([act.resume(true), act.resume(true)]) : act.resume(kind === "yes"));
            }
            if (!act.decision.allowed) return;
            if (kind === "cancel") return act.cancel();
            executed++;
            most = Math.max(most, ++running);
            await wait();
            running--;
            await (kind === "fail" ? act.fail(new Error("down")) : act.end("done"));
          };
          const stopping = async (): Promise<void> => {
            await wait();
            if (stop === "close") void root.close();
            if (stop === "child") void session.close();
            if (stop === "kill" || stop === "suspend") kernel[stop]("tester");
          };
          await scheduler.waitFor(Promise.all([...kinds.map(one), stopping()]));
          expect(executed).toBeLessThanOrEqual(limit);
          if (stop !== "none") return;
          expect(most).toBeLessThanOrEqual(2);
          let over = 0;
          await scheduler.waitFor((async () => {
            for (;;) {
              const act = await session.begin({ stage: "pre_tool_call", name: "search", payload: { kind: "end" } });
              if (!act.decision.allowed) return expect(act.decision).toMatchObject({ code: "max_tool_calls_exceeded" });
              over++;
              await act.end("done");
            }
          })());
          expect(over).toBe(limit - executed);
        },
      ),
      { numRuns: 150 },
    );
  },
  30_000,
);
