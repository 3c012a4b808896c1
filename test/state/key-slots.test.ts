import { expect, test } from "vitest";
import { KeySlots } from "../../src/state/key-slots.ts";

test("add() gives every key a number of its own, and that of a dropped key anew, as long as there is room", () => {
  const keys = new KeySlots({ left: 2 });
  keys.add("a");
  keys.add("b");
  const [a = -1, b = -1] = [keys.find("a"), keys.find("b")];
  expect([a === b, keys.isOf(a, "a"), keys.isOf(a, "b"), keys.size, keys.hasRoom]).toEqual([
    false,
    true,
    false,
    2,
    false,
  ]);
  keys.drop(a);
  expect([keys.find("a"), keys.isOf(a, "a"), keys.size, keys.hasRoom, keys.next]).toEqual([
    undefined,
    false,
    1,
    true,
    a,
  ]);
  keys.add("c");
  expect([keys.find("c"), keys.find("b"), keys.hasRoom]).toEqual([a, b, false]);
});
