import { expect, test } from "vitest";
import { KnownKeys } from "../../src/match/known-keys.ts";

function known(...added: string[]): KnownKeys {
  const keys = new KnownKeys();
  keys.begin();
  for (const key of added) {
    keys.knows(key);
    keys.add(key);
  }
  return keys;
}
const ask = (keys: KnownKeys, ...asked: string[]): boolean[] => {
  keys.begin();
  return asked.map((key) => keys.knows(key));
};

test("knows() knows the keys that were added and no other, when they come in any order", () => {
  expect(ask(known("a", "b"), "a", "b", "c")).toEqual([true, true, false]);
  expect(ask(known("a", "b"), "c", "b", "a")).toEqual([false, true, true]);
  expect(ask(known("a"), "", "toString", "__proto__")).toEqual([false, false, false]);
});

test("knows() forgets no key, when another took its place", () => {
  const keys = known("a", "b");
  ask(keys, "b", "a");
  expect(ask(keys, "a", "b")).toEqual([true, true]);
});

test("add() remembers a key no more, when it is long", () => {
  expect(ask(known("x".repeat(64), "y".repeat(65)), "x".repeat(64), "y".repeat(65))).toEqual([true, false]);
});

test("knows() still knows the last key, when more were added than are remembered", () => {
  const many = Array.from({ length: 600 }, (_, i) => `k${i}`);
  const keys = known(...many);
  expect(ask(keys, ...many).filter(Boolean).length).toBeLessThan(600);
  expect(ask(keys, "k599", "k600")).toEqual([true, false]);
});
