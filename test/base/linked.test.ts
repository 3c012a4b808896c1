import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { Linked } from "../../src/base/linked.ts";

const listening = (...sources: AbortController[]): number[] =>
  sources.map(({ signal }) => getEventListeners(signal, "abort").length);

describe("Linked", () => {
  test("aborts with the reason of the source that aborts, and leaves nothing at any", () => {
    const [a, b] = [new AbortController(), new AbortController()];
    const linked = new Linked([a.signal, b.signal]);
    expect([linked.signal.aborted, listening(a, b)]).toEqual([false, [1, 1]]);
    b.abort("why");
    expect([linked.signal.aborted, linked.signal.reason, listening(a, b)]).toEqual([true, "why", [0, 0]]);
  });

  test("is aborted from the start, when a source is, and listens to none", () => {
    const [a, b] = [new AbortController(), new AbortController()];
    b.abort("before");
    const linked = new Linked([a.signal, b.signal]);
    expect([linked.signal.aborted, linked.signal.reason, listening(a, b)]).toEqual([true, "before", [0, 0]]);
  });

  test("aborts no more, when it was let go", () => {
    const [a, b] = [new AbortController(), new AbortController()];
    const linked = new Linked([a.signal, b.signal]);
    linked.release();
    a.abort();
    expect([linked.signal.aborted, listening(a, b)]).toEqual([false, [0, 0]]);
  });

  test("abort() aborts it alone", () => {
    const source = new AbortController();
    const linked = new Linked([source.signal]);
    linked.abort("own");
    expect([linked.signal.reason, source.signal.aborted, listening(source)]).toEqual(["own", false, [0]]);
  });
});
