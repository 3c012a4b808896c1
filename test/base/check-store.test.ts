import { describe, expect, test } from "vitest";
import { checkStore } from "../../src/base/check-store.ts";
import { memoryStore } from "../../src/state/memory-store.ts";

const nothing = (): undefined => undefined;
const whole = { name: "whole", read: nothing, put: nothing, take: nothing, giveBack: nothing };

describe("checkStore()", () => {
  test("checkStore() returns the store, when it can be one", () => {
    const store = memoryStore();
    expect(checkStore("x()", "store", store)).toBe(store);
  });

  test.each([
    [undefined, '"store" must be a store of state, and is undefined'],
    [null, '"store" must be a store of state, and is null'],
    ["memory", '"store" must be a store of state, and is "memory"'],
    [{ ...whole, name: "" }, '"store.name" must be a string that is not empty, and is ""'],
    [{ ...whole, name: 5 }, '"store.name" must be a string that is not empty, and is 5'],
    ...["read", "put", "take", "giveBack"].map((method): [unknown, string] => [
      { ...whole, [method]: 1 },
      `"store.${method}" must be a function, and is 1`,
    ]),
  ])("checkStore() throws, when it is given %o", (value, message) => {
    expect(() => checkStore("x()", "store", value)).toThrow(new TypeError(`Cannot build x(): ${message}`));
  });
});
