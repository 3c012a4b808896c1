import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryStore } from "../../mod.ts";
import { open, outcome, pay, question, signed, storeWith } from "./helpers.ts";

test("of all who use the same grants at once, exactly one runs, however their steps interleave", async () => {
  const options = { approvalQuorum: 2 };
  const grants = [
    await signed(await question(open(options)), "ada"),
    await signed(await question(open(options)), "bob"),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.boolean(), { minLength: 2, maxLength: 4 }),
      async (scheduler, turned) => {
        const kept = memoryStore();
        const store = storeWith({
          read: (...args) => scheduler.schedule(Promise.resolve(), "read").then(() => kept.read(...args)),
          put: (...args) => scheduler.schedule(Promise.resolve(), "put").then(() => kept.put(...args)),
        });
        const running = Promise.all(
          turned.map((isTurned) =>
            outcome(open({ ...options, store }), pay(5, { grant: isTurned ? grants.toReversed() : grants }))
          ),
        );
        const outcomes = await scheduler.waitFor(running);
        expect(outcomes.filter((one) => one !== "approval_denied")).toEqual([{ amount: 5 }]);
      },
    ),
    { numRuns: 50 },
  );
});
