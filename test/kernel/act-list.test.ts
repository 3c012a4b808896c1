import fc from "fast-check";
import { expect, test } from "vitest";
import { ActList, type OpenAct } from "../../src/kernel/act-list.ts";

const act = (): OpenAct => ({ earlier: undefined, later: undefined, abandon: () => {} });

test("ActList keeps acts in order, whatever is added and taken out, also twice", () => {
  fc.assert(fc.property(fc.array(fc.record({ does: fc.constantFrom("add", "delete"), which: fc.nat(7) })), (steps) => {
    const acts = Array.from({ length: 8 }, act);
    const open = new ActList<OpenAct>();
    const wanted = new Set<OpenAct>();
    for (const { does, which } of steps) {
      const one = acts[which] as OpenAct;
      if (does === "delete") {
        open.delete(one);
        wanted.delete(one);
      } else if (!wanted.has(one)) {
        open.add(one);
        wanted.add(one);
      }
      expect(open.all()).toEqual([...wanted]);
      expect(open.all().every((found, i) => found === [...wanted][i])).toBe(true);
    }
  }));
});
