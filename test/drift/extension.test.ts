import { describe, expect, test } from "vitest";
import { driftMonitor, maxDrift, type Session, type Similarity } from "../../mod.ts";
import { createKernel as createCore } from "../../src/core.ts";

describe("driftMonitor()", () => {
  test.each([[{ similarity: "words" }, /"similarity"/], [{ similarty: () => 1 }, /"similarty" must be one of/]])(
    "throws, when given %o",
    (options, message) => {
      expect(() => driftMonitor(options as object)).toThrow(message);
    },
  );

  test.each([5, "", null])("throws in session(), when the baseline is %o", (baseline) => {
    const kernel = createCore({ plugins: [driftMonitor()] });
    expect(() => kernel.session({ agentId: "a", baseline: baseline as string })).toThrow(
      'Cannot build session(): "baseline" must be a string that is not empty',
    );
  });

  test("measures a text once, for the guard and for the event, against the first output or the baseline", async () => {
    const measured: string[] = [];
    const similarity: Similarity = (a, b) => (measured.push(`${a} ${b}`), 0.5);
    const kernel = createCore({ guards: [maxDrift(0.5)], plugins: [driftMonitor({ similarity })] });
    const told: number[] = [];
    kernel.on("drift_detected", ({ driftScore }) => void told.push(driftScore));
    const run = (session: Session, text: string): Promise<string> => session.run("hi", () => text);
    const session = kernel.session({ agentId: "a" });
    await run(session, "one");
    await run(session, "two");
    await run(kernel.session({ agentId: "b", baseline: "zero" }), "three");
    expect(measured).toEqual(["one two", "zero three"]);
    // Without a policy there is no threshold that a drift of 0.5 is above.
    expect(told).toEqual([]);
  });
});
