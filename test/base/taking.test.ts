import { describe, expect, test } from "vitest";
import type { Guard, Taking } from "../../src/base/guard.ts";
import {
  branch,
  DRY,
  FREE,
  gifts,
  hasTaken,
  hold,
  isOver,
  type Owner,
  Reservation,
  Reservations,
  type Taker,
  tracked,
} from "../../src/base/taking.ts";
import { answering, taking } from "../helpers.ts";

/** A log of what was given back and settled. */
function log(): {
  said: string[];
  take: (own: { take: Reservations["take"] }, name: string, settles?: boolean) => void;
} {
  const said: string[] = [];
  return {
    said,
    take: (own, name, settles = true) =>
      own.take(
        () => said.push(`-${name}`),
        settles ? (usage) => said.push(`=${name}${usage?.totalTokens ?? ""}`) : undefined,
      ),
  };
}

/** Has a guard waited for, whichever was before. */
function awaits(own: Reservations, guard: Guard | undefined): void {
  Reservations.wait(own, undefined);
  Reservations.wait(own, guard);
}

/** Whom a second look leaves out: guards, and owners of limits. */
function whoTook(look: Reservations): readonly unknown[] {
  const { skips, owners } = Reservations.passOf(look);
  return [skips, owners];
}

describe("Reservations", () => {
  test("giveBack() gives everything back once, newest first, when it is called twice", () => {
    const { said, take } = log();
    const own = new Reservations();
    take(own, "a");
    take(own, "b");
    Reservations.giveBack(own, false);
    Reservations.giveBack(own, false);
    Reservations.settle(own, undefined);
    expect(said).toEqual(["-b", "-a"]);
  });

  test("giveBack() lets more be taken, when it is not final, and gives back at once, when it is", () => {
    const { said, take } = log();
    const own = new Reservations();
    Reservations.giveBack(own, false);
    take(own, "a");
    expect(said).toEqual([]);
    Reservations.giveBack(own, true);
    take(own, "b");
    expect(said).toEqual(["-a", "-b"]);
  });

  test("settle() settles everything once, in order, and leaves what has no settling spent", () => {
    const { said, take } = log();
    const own = new Reservations();
    take(own, "a");
    take(own, "b", false);
    take(own, "c");
    Reservations.settle(own, { totalTokens: 5 });
    Reservations.settle(own, { totalTokens: 6 });
    Reservations.giveBack(own, true);
    expect(said).toEqual(["=a5", "=c5"]);
    take(own, "late");
    expect(said.at(-1)).toBe("-late");
  });

  test("handOn() moves everything, when the pass around is ours or somebody else's", () => {
    for (const to of [new Reservations(), taking()]) {
      const { said, take } = log();
      const own = new Reservations();
      take(own, "a");
      Reservations.handOn(own, to);
      Reservations.giveBack(own, true);
      expect(said).toEqual([]);
      to instanceof Reservations ? Reservations.giveBack(to, true) : to.giveBack();
      expect(said).toEqual(["-a"]);
    }
  });

  test("handOn() gives back at once, when the pass around is over", () => {
    const { said, take } = log();
    const [own, to] = [new Reservations(), new Reservations()];
    take(own, "a");
    Reservations.giveBack(to, true);
    Reservations.handOn(own, to);
    expect(said).toEqual(["-a"]);
  });

  test.each(["giveBack", "settle"] as const)("%s() reaches everyone, when one of them throws", (verb) => {
    const { said, take } = log();
    const own = new Reservations();
    const boom = (): never => {
      throw new Error("x");
    };
    take(own, "a");
    own.take(boom, boom);
    take(own, "b");
    verb === "giveBack" ? Reservations.giveBack(own, true) : Reservations.settle(own, undefined);
    expect(said).toEqual(verb === "giveBack" ? ["-b", "-a"] : ["=a", "=b"]);
  });

  test("take() gives back at once, when it is dry", () => {
    const { said, take } = log();
    take(DRY, "a");
    take(branch(DRY), "b");
    DRY.take(() => {
      throw new Error("x");
    });
    expect(said).toEqual(["-a", "-b"]);
  });

  test.each([[undefined], ["back"], [() => {}, "settle"], [() => {}, null]])(
    "take() throws a TypeError, when it is given %s, %s",
    (...given) => {
      expect(() => new Reservations().take(...(given as unknown as [() => void]))).toThrow(
        new TypeError(
          "take() needs a function that gives back what was taken; a second one, that settles it, may follow",
        ),
      );
    },
  );
});

describe("second looks", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => answering(name, undefined) as Guard) as [Guard, Guard, Guard];

  const owner = { giveBack: (): void => {} };

  test("again() is dry and leaves out whoever took, when guards took, and whoever was left out before", () => {
    const own = new Reservations();
    awaits(own, a);
    own.take(() => {});
    awaits(own, b);
    const inner = new Reservations();
    awaits(inner, c);
    inner.take(() => {});
    hold(inner, new Reservation(owner, true, 1));
    Reservations.handOn(inner, own);
    const look = Reservations.again(own);
    expect([look.dry, ...whoTook(look)]).toEqual([true, new Set([a, c]), new Set([owner])]);
    expect(whoTook(Reservations.again(look))).toEqual(whoTook(look));
  });

  test("hasTaken() holds for a limit on a second look only, when it took in the first", () => {
    const own = new Reservations();
    hold(own, new Reservation(owner, true, 1));
    expect([
      hasTaken(own, owner),
      hasTaken(Reservations.again(own), owner),
      hasTaken(Reservations.again(own), { ...owner }),
      hasTaken(taking(true), owner),
    ]).toEqual([false, true, false, false]);
  });

  test("tell() says whose is what was given since, newest first, where nobody is known", () => {
    const own = new Reservations();
    own.take(() => {});
    const before = gifts.count;
    awaits(own, a);
    own.take(() => {});
    awaits(own, undefined);
    hold(own, new Reservation(owner, true, 1));
    own.take(() => {});
    const last = gifts.count;
    own.take(() => {});
    Reservations.tell(own, before, (nth) => (nth === last ? b : c));
    expect(whoTook(Reservations.again(own))[0]).toEqual(new Set([a, b, c]));
    const other = new Reservations();
    other.take(() => {});
    Reservations.tell(other, gifts.count, () => a);
    expect(whoTook(Reservations.again(other))[0]).toEqual(new Set());
  });

  test("again() leaves nobody out, when what was taken was given back, or nobody is known to have taken", () => {
    const own = new Reservations();
    own.take(() => {});
    expect(whoTook(Reservations.again(own))[0]).toEqual(new Set());
    awaits(own, a);
    own.take(() => {});
    hold(own, new Reservation(owner, true, 1));
    Reservations.giveBack(own, false);
    expect(whoTook(Reservations.again(own))).toEqual([new Set(), new Set()]);
  });

  test("tracked() knows who took, when the taking is somebody else's, and is the taking itself, when it is ours", () => {
    const theirs = taking();
    const own = tracked(theirs);
    awaits(own, a);
    own.take(() => {});
    expect([theirs.held, whoTook(Reservations.again(own))[0], own.dry]).toEqual([1, new Set([a]), false]);
    expect(tracked(own)).toBe(own);
    expect(tracked(taking(true)).dry).toBe(true);
  });

  test("branch() is a taking of its own, and the same one, when it is a second look", () => {
    const own = new Reservations();
    expect(branch(own)).not.toBe(own);
    expect([branch(own).dry, branch(DRY).dry, branch(taking(true)).dry]).toEqual([false, true, true]);
    const look = Reservations.again(own);
    expect(branch(look)).toBe(look);
  });
});

test("giveBack() leaves no rejection unhandled, when one of them is async and fails", async () => {
  const own = new Reservations();
  let called = 0;
  own.take(async () => {
    called++;
    throw new Error("x");
  });
  Reservations.giveBack(own, true);
  await Promise.resolve();
  expect(called).toBe(1);
});

describe("hold()", () => {
  /** An owner that says what was done with its takings, by their amounts. */
  const owner = (): Owner & { readonly said: string[] } => {
    const said: string[] = [];
    return {
      said,
      giveBack: ({ amount }) => said.push(`-${amount}`),
      settle: ({ amount }, usage) => said.push(`=${amount}/${usage?.totalTokens}`),
    };
  };

  test.each([["ours", () => new Reservations()], ["somebody else's", taking]])(
    "registers what was taken, when the taking is %s",
    (_whose, make) => {
      const { said, ...by } = owner();
      const [own, other] = [make(), make()];
      hold(own, new Reservation(by, true, 1));
      hold(own, new Reservation(by, false, 2));
      hold(other, new Reservation(by, true, 3));
      hold(other, new Reservation(by, false, 4));
      expect(said).toEqual([]);
      own instanceof Reservations ? Reservations.settle(own, { totalTokens: 7 }) : own.settle({ totalTokens: 7 });
      other instanceof Reservations ? Reservations.giveBack(other, true) : other.giveBack();
      expect(said).toEqual(["=1/7", "-4", "-3"]);
    },
  );

  test("gives somebody else's taking no settling, when nothing is settled", () => {
    const given: unknown[][] = [];
    const theirs = {
      dry: false,
      take: (...functions: unknown[]) => void given.push(functions.map((one) => typeof one)),
    };
    hold(theirs, new Reservation(owner(), false, 1));
    hold(theirs, new Reservation(owner(), true, 1));
    expect(given).toEqual([["function", "undefined"], ["function", "function"]]);
  });

  test("gives back at once, when the taking is dry or over", () => {
    const { said, ...by } = owner();
    hold(DRY, new Reservation(by, true, 1));
    const own = new Reservations();
    Reservations.giveBack(own, true);
    hold(own, new Reservation(by, true, 2));
    expect(said).toEqual(["-1", "-2"]);
  });

  test("a taking that is over keeps no other one, when it is settled, given back or handed on", () => {
    for (
      const end of [
        (own: Reservations) => Reservations.settle(own, undefined),
        (own: Reservations) => Reservations.giveBack(own, true),
        (own: Reservations) => Reservations.handOn(own, taking()),
      ]
    ) {
      const own = new Reservations();
      const all = [1, 2, 3].map((amount) => new Reservation(owner(), true, amount));
      for (const one of all) hold(own, one);
      expect(all.map(({ next }) => next?.amount)).toEqual([undefined, 1, 2]);
      end(own);
      expect(all.map(({ next }) => next)).toEqual([undefined, undefined, undefined]);
    }
  });

  test("handOn() keeps the order and who took, when several are handed on to a taking that has some", () => {
    const { said, ...by } = owner();
    const guard = answering("a", undefined) as Guard;
    const [own, to] = [new Reservations(), new Reservations()];
    hold(to, new Reservation(by, true, 1));
    awaits(own, guard);
    hold(own, new Reservation(by, true, 2));
    own.take(() => {});
    hold(own, new Reservation(by, true, 3));
    Reservations.handOn(own, to);
    expect(whoTook(Reservations.again(to))).toEqual([new Set([guard]), new Set([by])]);
    Reservations.giveBack(to, true);
    expect(said).toEqual(["-3", "-2", "-1"]);
  });

  test("giveBack() and settle() reach everyone and leave no rejection unhandled, when an owner throws or rejects", async () => {
    for (
      const bad of [() => {
        throw new Error("x");
      }, async () => {
        throw new Error("x");
      }]
    ) {
      const { said, ...by } = owner();
      for (const verb of ["giveBack", "settle"] as const) {
        const own = new Reservations();
        hold(own, new Reservation(by, true, 1));
        hold(own, new Reservation({ giveBack: bad, settle: bad }, true, 2));
        hold(own, new Reservation(by, true, 3));
        verb === "giveBack" ? Reservations.giveBack(own, true) : Reservations.settle(own, undefined);
      }
      await Promise.resolve();
      expect(said).toEqual(["-3", "-1", "=1/undefined", "=3/undefined"]);
    }
  });
});

describe("takings around takings", () => {
  class Limit implements Owner {
    readonly given: Reservation[] = [];
    giveBack(taken: Reservation): void {
      this.given.push(taken);
    }
  }
  const taker = (): Taker => ({ isFunction: false, takings: new Reservations(), findAround: () => false });
  const reserve = (own: Reservations, owner: Owner, amount: number): Reservation => {
    const taken = new Reservation(owner, true, amount);
    Reservations.add(own, taken);
    return taken;
  };

  test("takerOf() is the act that takes, through every pass around", () => {
    const act = taker();
    const own = new Reservations(undefined, act);
    expect([own, branch(own), branch(branch(own))].map((one) => Reservations.takerOf(one))).toEqual([act, act, act]);
    expect([new Reservations(), branch(new Reservations()), taking()].map((one) => Reservations.takerOf(one))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("find() is what an owner took last and a test lets pass, here or in a pass around", () => {
    const [one, other] = [new Limit(), new Limit()];
    const own = new Reservations();
    const [first, second] = [reserve(own, one, 1), reserve(own, one, 2)];
    const inner = branch(own);
    reserve(inner, other, 1);
    const find = (least: number, owner: Owner, where: Taking = inner): Reservation | undefined =>
      Reservations.find(where, owner, ({ amount = 0 }) => amount <= least);
    expect([find(2, one), find(1, one), find(0, one), find(9, new Limit())]).toEqual([
      second,
      first,
      undefined,
      undefined,
    ]);
    expect([find(2, one) === second, find(1, one) === first, find(9, other, own), find(9, one, taking())]).toEqual([
      true,
      true,
      undefined,
      undefined,
    ]);
  });

  test("isOver() holds inside of what is over, and gives back what is taken there", () => {
    const limit = new Limit();
    const own = new Reservations();
    const inner = branch(own);
    expect([isOver(own), isOver(inner), isOver(taking())]).toEqual([false, false, false]);
    Reservations.giveBack(own, true);
    expect([isOver(own), isOver(inner)]).toEqual([true, true]);
    const late = reserve(own, limit, 1);
    expect(limit.given).toEqual([late]);
  });

  test("handOn() gives back what is taken after it", () => {
    const limit = new Limit();
    const own = new Reservations();
    const inner = branch(own);
    const first = reserve(inner, limit, 1);
    Reservations.handOn(inner, own);
    const late = reserve(inner, limit, 2);
    expect(limit.given).toEqual([late]);
    expect(limit.given[0] === late && Reservations.find(own, limit, () => true) === first).toBe(true);
  });

  test.each([false, true])("tracked() hands on at once, as it was taken, to somebody else's (dry: %s)", (dry) => {
    const given: unknown[][] = [];
    const foreign: Taking = { dry, take: (...args) => void given.push(args) };
    const own = tracked(foreign);
    own.take(() => undefined);
    own.take(() => undefined, () => undefined);
    expect(given.map(([giveBack, settle]) => [typeof giveBack, typeof settle])).toEqual([
      ["function", "undefined"],
      ["function", "function"],
    ]);
    expect(own.dry).toBe(dry);
  });

  test("branch() keeps what it takes until it is handed on, when the pass around is somebody else's", () => {
    const foreign = taking();
    const own = tracked(foreign);
    const inner = branch(own);
    inner.take(() => undefined);
    expect(foreign.taken).toBe(0);
    Reservations.handOn(inner, own);
    expect(foreign.taken).toBe(1);
  });

  test("branch() passes every limit, when the pass around does", () => {
    const limit = new Limit();
    expect([FREE, branch(FREE), branch(branch(FREE)), branch(DRY)].map((own) => hasTaken(own, limit))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  test("an owner that settles nothing is asked for nothing, when somebody else's taking settles", () => {
    const foreign = taking();
    hold(foreign, new Reservation(new Limit(), true, 1));
    expect(() => foreign.settle({ totalTokens: 1 })).not.toThrow();
  });
});
