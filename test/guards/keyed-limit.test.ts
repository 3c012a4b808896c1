import { describe, expect, test } from "vitest";
import { allow, deny } from "../../src/base/decision.ts";
import { isKey, KeyedLimit, limitOf, tuple } from "../../src/guards/keyed-limit.ts";
import { memoryStore } from "../../src/state/memory-store.ts";
import { branch, DRY, Reservations } from "../../src/base/taking.ts";
import { context, request } from "../helpers.ts";
import { codeOf, later, sessionOf } from "./session-context.ts";

const refuse = (amount: number, remaining: number | undefined) => deny("full", "full", { amount, remaining });
const limit = (more = {}) =>
  new KeyedLimit({
    guard: "limit",
    where: "x()",
    id: "x",
    kind: "k",
    max: 10,
    windowMs: undefined,
    store: undefined,
    refuse,
    ...more,
  });

describe("KeyedLimit", () => {
  test("refuses new keys and forgets none, when there is no room for another (RL-14)", () => {
    const limits = limit({ maxKeys: 2, windowMs: 1000, max: 1 });
    const session = sessionOf();
    const judge = (key: string, dry = false): string =>
      codeOf(limits.judge(key, 1, request(), session.context, dry ? branch(DRY) : new Reservations()) as never);
    expect(["victim", "a", "b", "a", "victim"].map((key) => judge(key))).toEqual([
      "",
      "",
      "store_unavailable",
      "full",
      "full",
    ]);
    expect(judge("b", true)).toBe("store_unavailable");
    expect(limits.judge("b", 1, request(), session.context, new Reservations())).toMatchObject({
      guard: "limit",
      reason: "There is no room to count for another key",
    });
    session.state.now = 1000;
    expect([judge("b"), judge("b")]).toEqual(["", "full"]);
  });

  test.each([["in this process", undefined], ["in a store", memoryStore()], [
    "in a store that answers later",
    later(memoryStore()),
  ]])("judge() reserves all that is left, when the amount is unknown, %s", async (_where, store) => {
    const limits = limit({ store, settle: () => 1 });
    const { context } = sessionOf();
    const [one, two, three] = [new Reservations(), new Reservations(), new Reservations()];
    expect(await limits.judge("a", 4, request(), context, one)).toBe(allow());
    expect(await limits.judge("a", undefined, request(), context, two)).toBe(allow());
    expect(await limits.judge("a", undefined, request(), context, branch(DRY))).toMatchObject({
      code: "full",
      details: { amount: 1, remaining: 0 },
    });
    expect(await limits.judge("a", undefined, request(), context, three)).toMatchObject({ code: "full" });
    Reservations.settle(two, undefined);
    expect(await limits.judge("a", 5, request(), context, branch(DRY))).toBe(allow());
    expect(await limits.judge("a", 6, request(), context, branch(DRY))).toMatchObject({
      code: "full",
      details: { amount: 6, remaining: 5 },
    });
  });

  test.each([["in this process", undefined], ["in a store", memoryStore()]])(
    "judge() holds nothing open, when an act has ended and counts for ever, %s",
    (_where, store) => {
      const limits = limit({ store, max: 2 });
      const { context } = sessionOf();
      const takings = new Reservations();
      expect(limits.judge("a", 1, request(), context, takings)).toBe(allow());
      Reservations.settle(takings, undefined);
      Reservations.giveBack(takings, true);
      expect(limits.judge("a", 1, request(), context, new Reservations())).toBe(allow());
      expect(limits.judge("a", 1, request(), context, new Reservations())).toMatchObject({ code: "full" });
    },
  );

  test("judge() counts an act once, when a child's session passes the same limit under the same key", () => {
    const limits = limit({ max: 2 });
    const [parent, child] = [sessionOf(), sessionOf({ sessionId: "child" })];
    const judge = (seen = request(), takings = new Reservations()): readonly string[] =>
      [parent, child].map(({ context }) => codeOf(limits.judge("a", 1, seen, context, takings) as never));
    expect([judge(), judge(), judge()]).toEqual([["", ""], ["", ""], ["full", "full"]]);
  });

  test("judge() counts an act once, when its request was transformed on the way and is looked at again", () => {
    const limits = limit({ max: 1 });
    const [parent, child] = [sessionOf(), sessionOf({ sessionId: "child" })];
    const [seen, act] = [request(), new Reservations()];
    expect(limits.judge("a", 1, seen, parent.context, act)).toBe(allow());
    const changed = { ...seen, payload: { other: true } };
    expect(limits.judge("a", 1, changed, child.context, branch(act))).toBe(allow());
    expect(limits.judge("a", 1, changed, child.context, Reservations.again(act))).toBe(allow());
    expect(Reflect.ownKeys(seen)).toEqual(["stage", "name", "payload", "callId", "metadata"]);
    expect(limits.judge("b", 1, changed, child.context, new Reservations())).toBe(allow());
    expect(limits.judge("a", 1, changed, parent.context, new Reservations())).toMatchObject({ code: "full" });
  });

  test("judge() takes anew, when what the parent took was given back", () => {
    const limits = limit({ max: 1 });
    const [parent, child] = [sessionOf(), sessionOf({ sessionId: "child" })];
    const [seen, first] = [request(), new Reservations()];
    limits.judge("a", 1, seen, parent.context, first);
    Reservations.giveBack(first, true);
    expect(limits.judge("a", 1, seen, child.context, new Reservations())).toBe(allow());
    expect(limits.judge("a", 1, request(), child.context, new Reservations())).toMatchObject({ code: "full" });
  });

  test("judge() counts twice rather than never, when a request cannot be marked or a context is made by hand", () => {
    const limits = limit({ max: 2 });
    const [parent, child] = [sessionOf(), sessionOf({ sessionId: "child" })];
    const frozen = Object.freeze(request());
    for (const { context } of [parent, child]) {
      expect(limits.judge("a", 1, frozen, context, new Reservations())).toBe(allow());
    }
    expect(limits.judge("a", 1, request(), parent.context, new Reservations())).toMatchObject({ code: "full" });
    const seen = request();
    expect(limits.judge("b", 2, seen, parent.context, new Reservations())).toBe(allow());
    expect(limits.judge("b", 1, seen, context(), new Reservations())).toMatchObject({ code: "full" });
  });
});

describe("KeyedLimit in a store", () => {
  const judged = async (take: () => unknown, more = {}): Promise<unknown> =>
    await limit({ store: { name: "odd", take, giveBack: () => undefined }, ...more }).judge(
      "a",
      1,
      request(),
      sessionOf().context,
      new Reservations(),
    );
  const boom = new Error("boom");

  test.each<[string, () => unknown, unknown]>([
    ["throws", () => {
      throw boom;
    }, boom],
    ["rejects", () => Promise.reject(boom), boom],
    ...[undefined, null, 5, "taken", {}, { taken: 1, receipt: "", remaining: 1 }].map((
      answer,
    ): [string, () => unknown, unknown] => [
      `answers ${JSON.stringify(answer)}`,
      () => answer,
      expect.objectContaining({ message: expect.stringMatching(/^The store "odd" answered .+ to take\(\)$/) }),
    ]),
  ])("judge() denies with store_unavailable and the reason, when the store %s", async (_, take, cause) => {
    expect(await judged(take)).toMatchObject({
      code: "store_unavailable",
      guard: "limit",
      reason: "The limit could not be looked up",
      details: { message: 'The store "odd" failed', cause },
    });
  });

  test.each([[5, 5], [0, 0], [-1, undefined], [NaN, undefined], ["5", undefined], [undefined, undefined]])(
    "judge() tells how long to wait, when the store answers %s",
    async (retryAfterMs, told) => {
      const full = { taken: false, receipt: "", remaining: 0, retryAfterMs };
      const refuse = (_amount: number, _remaining: number | undefined, wait: number | undefined) =>
        deny("full", "full", { wait });
      expect(await judged(() => full, { refuse })).toMatchObject({ details: { wait: told } });
    },
  );

  test.each([[undefined, false], [1000, true]])("judge() asks the store for its window, when it is %s", async (
    windowMs,
    isNamed,
  ) => {
    const asked: object[] = [];
    await limit({
      windowMs,
      store: {
        name: "asked",
        take: (_key: string, wanted: object) => (asked.push(wanted), { taken: true, receipt: "r", remaining: 1 }),
        giveBack: () => undefined,
      },
    }).judge("a", 1, request(), sessionOf().context, new Reservations());
    expect(asked.map((wanted) => Object.hasOwn(wanted, "windowMs"))).toEqual([isNamed]);
  });

  test("what was taken is given back once, and as much as was not used", async () => {
    const given: unknown[] = [];
    const store = {
      name: "given",
      take: () => ({ taken: true, receipt: "r", remaining: 9 }),
      giveBack: (...args: unknown[]) => void given.push(args),
    };
    const limits = limit({ store, settle: () => 1 });
    const { context } = sessionOf();
    const [settled, returned] = [new Reservations(), new Reservations()];
    await limits.judge("a", 4, request(), context, settled);
    await limits.judge("a", 4, request(), context, returned);
    Reservations.settle(settled, undefined);
    Reservations.giveBack(settled, true);
    Reservations.giveBack(returned, true);
    Reservations.giveBack(returned, true);
    expect(given).toEqual([[expect.any(String), "r", 1], [expect.any(String), "r", 0]]);
  });
});

describe("limitOf()", () => {
  const of = (options: object) => limitOf("x()", options as never, { id: "x", max: 1, refuse });

  test.each([{}, { per: "session" }, { per: "tree" }, { more: 1 }])(
    "leaves counting to the session, when the options are %j",
    (options) => {
      expect(of(options)).toBeUndefined();
    },
  );

  test.each([{ per: "agent" }, { per: "tree", windowMs: 5 }, { store: memoryStore() }])(
    "makes a limit under keys, when the options are %o",
    (options) => {
      expect(of(options)?.judge(1, request(), sessionOf().context, new Reservations())).toBe(allow());
    },
  );

  test.each([
    [{ per: "user" }, '"per" must be "session", "agent" or "tree", and is "user"'],
    [{ windowMs: 0 }, '"windowMs" must be a whole number >= 1, and is 0'],
    [{ windowMs: "day" }, '"windowMs"'],
    [{ id: "x" }, '"id" must be absent where there is no store, and is "x"'],
    [{ per: "agent", id: "" }, '"id" must be a string that is not empty, and is ""'],
    [{ per: "agent", id: 5 }, '"id" must be a string that is not empty, and is 5'],
    [{ store: 7 }, '"store" must be a state store'],
  ])("throws, when the options are %j", (options, message) => {
    expect(() => of(options as never)).toThrow(`Cannot build x(): ${message}`);
  });

  test.each([["", "s"], ["a", ""], [undefined, "s"], ["a", 7]])(
    "refuses, when agent and session are %j and %j",
    (agentKey, sessionId) => {
      const session = sessionOf({ agentKey: agentKey ?? "", sessionId });
      expect(of({ windowMs: 5 })?.judge(1, request(), session.context, new Reservations())).toMatchObject({
        code: "full",
        details: { amount: 1 },
      });
    },
  );
});

test.each([
  ["a", true],
  ["x".repeat(1024), true],
  ["__proto__", true],
  ["", false],
  ["x".repeat(1025), false],
  [7, false],
  [undefined, false],
  [["a"], false],
])("isKey() tells %j", (key, is) => {
  expect(isKey(key)).toBe(is);
});

test("tuple() makes keys that differ, when their parts do", () => {
  const keys = [["a", "b"], ["a,b"], ['a","b'], ["ab", ""], ["", "ab"], ["a", "b", ""]].map((parts) => tuple(...parts));
  expect(new Set(keys).size).toBe(6);
});
