import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { any } from "../../src/combine/any.ts";
import { shadow } from "../../src/combine/shadow.ts";
import { BROKEN, not } from "../../src/combine/not.ts";
import { allow, type Decision, deny, escalate, transform, warn } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { answering, ask, context, limited, request, taking } from "../helpers.ts";

const DENIED = { effect: "deny", allowed: false, code: "action_blocked", reason: "Not that", guard: "g" };

describe("not() answers by its table", () => {
  const rows: [string, Decision, unknown][] = [
    ["allow", allow(), DENIED],
    ["deny", deny("tool_not_allowed", "No"), { effect: "allow", allowed: true }],
    ["transform", transform(1, "r"), DENIED],
    ["escalate", escalate("?"), DENIED],
    ...["guard_error", "guard_timeout", "store_unavailable", "audit_unavailable"].map((
      code,
    ): [string, Decision, unknown] => [`deny with ${code}`, deny(code, "No"), {
      effect: "deny",
      allowed: false,
      code,
      reason: "No",
      guard: "g",
    }]),
  ];
  test.each(
    rows.flatMap(([name, answer, expected]) =>
      [[name, answer, expected, false], [name, answer, expected, true]] as const
    ),
  )(
    "not() follows its table, when the guard answers %s",
    async (_, answer, expected, later) => {
      expect(await ask(not(answering("g", answer, later), "Not that"))).toEqual(expected);
    },
  );

  test("not() stays a denial, when the guard throws, rejects or answers nonsense", async () => {
    for (
      const fail of [
        () => {
          throw new Error("x");
        },
        () => Promise.reject(new Error("x")),
        () => "deny",
      ]
    ) {
      expect(await ask(not(Object.assign(fail as Guard, { guardName: "g" }), "r"))).toMatchObject({
        effect: "deny",
        code: "guard_error",
        guard: "g",
      });
    }
  });

  test("not() answers no warnings, when there are none", async () => {
    expect(await ask(not(answering("g", deny("no", "No")), "r"))).toBe(allow());
    expect(Object.hasOwn(await ask(not(answering("g", allow()), "r")), "warnings")).toBe(false);
  });

  test("not() keeps warnings, when it swaps in either direction", async () => {
    expect(await ask(not(answering("g", warn("w", "w")), "Not that"))).toEqual({
      ...DENIED,
      warnings: [{ code: "w", reason: "w", guard: "g" }],
    });
    expect(await ask(not(answering("g", { ...deny("no", "No"), warnings: [{ code: "w", reason: "w" }] }), "r")))
      .toEqual({ effect: "allow", allowed: true, warnings: [{ code: "w", reason: "w", guard: "g" }] });
  });

  test("not() of not() allows and denies as the guard itself, when it could judge", async () => {
    for (const answer of [allow(), deny("no", "No"), deny("guard_error", "broken")]) {
      const guard = answering("g", answer);
      expect((await ask(not(not(guard, "a"), "b"))).effect).toBe((await ask(guard)).effect);
    }
  });

  test("BROKEN names exactly the codes of guards that could not judge", () => {
    expect([...BROKEN]).toEqual(["guard_error", "guard_timeout", "store_unavailable", "audit_unavailable"]);
  });
});

describe("not() gives back", () => {
  test.each([["allowed", allow(), false], ["allowed later", allow(), true], ["denied", deny("no", "No"), false]])(
    "not() keeps nothing of what the guard took, when it %s",
    async (_, last, later) => {
      const limit = limited("limit", 1, later);
      const own = taking();
      await not(all(limit, answering("last", last)), "r")(request(), context(), own);
      expect([limit.count.held, own.taken]).toEqual([0, 0]);
    },
  );
});

test.each<[string, (guard: Guard) => Guard]>([
  ["not", (guard) => not(guard, "r")],
  ["shadow", shadow],
  ["any", (guard) => any(guard, answering("else", allow()))],
])("%s() gives back what a guard takes after it has denied", (_name, build) => {
  let late = (): void => {};
  let held = 0;
  const guard: Guard = (_request, _context, own) => {
    late = () => {
      held++;
      own.take(() => void held--);
    };
    return deny("no", "No");
  };
  void ask(build(guard));
  late();
  expect(held).toBe(0);
});

describe("not() is built", () => {
  test("not() has its guard's stages", () => {
    expect(not(defineGuard({ name: "g", stages: ["output"], check: () => allow() }), "r").stages).toEqual(["output"]);
  });

  test.each([
    ["guard", () => not({} as Guard, "r"), 'Cannot build not(): "guard" must be a guard, and is an object'],
    [
      "reason",
      () => not(answering("g", allow()), undefined as unknown as string),
      'Cannot build not(): "reason" must be a string, and is undefined',
    ],
  ])("not() throws, when the %s is wrong", (_, build, message) => {
    expect(build).toThrow(new TypeError(message));
  });
});
