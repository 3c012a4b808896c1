import { afterEach, describe, expect, test } from "vitest";
import {
  bare,
  define,
  hasField,
  inheritedOf,
  isTouched,
  jsonText,
  memberOf,
  ownField,
  pickOwn,
  shadowed,
} from "../../src/base/own.ts";

const everything = Object.prototype as Record<string, unknown>;

afterEach(() => {
  delete everything["planted"];
});

describe("isTouched()", () => {
  test("isTouched() is true, when the prototype of everything has an enumerable property", () => {
    expect(isTouched()).toBe(false);
    everything["planted"] = 1;
    expect(isTouched()).toBe(true);
  });
});

describe("bare()", () => {
  test("bare() has the fields and inherits nothing", () => {
    everything["planted"] = 1;
    const made = bare({ a: 1, b: undefined });
    expect(Object.entries(made)).toEqual([["a", 1], ["b", undefined]]);
    expect(["planted" in made, "toString" in made]).toEqual([false, false]);
    expect(Object.isFrozen(Object.getPrototypeOf(made))).toBe(true);
  });
});

describe("define()", () => {
  test("define() makes a field as a literal would, and asks no setter", () => {
    let asked = 0;
    const target = Object.create({
      set name(_value: unknown) {
        asked++;
      },
    }) as object;
    define(target, "name", 5);
    expect(Object.getOwnPropertyDescriptor(target, "name")).toEqual({
      value: 5,
      writable: true,
      enumerable: true,
      configurable: true,
    });
    expect(asked).toBe(0);
  });
});

describe("shadowed()", () => {
  test("shadowed() lets a constructor assign its fields past a setter that everything inherits", () => {
    let asked = 0;
    class Made {
      declare field: number;
      static {
        shadowed(this.prototype, ["field"]);
      }
      constructor() {
        this.field = 1;
      }
    }
    Object.defineProperty(everything, "field", {
      set: () => {
        asked++;
      },
      configurable: true,
    });
    try {
      expect([Object.entries(new Made()), asked]).toEqual([[["field", 1]], 0]);
    } finally {
      delete everything["field"];
    }
    expect(Object.getOwnPropertyDescriptor(Made.prototype, "field")).toEqual({
      value: undefined,
      writable: true,
      enumerable: false,
      configurable: true,
    });
  });
});

describe("pickOwn()", () => {
  test("pickOwn() reads each named field that the value has itself, once", () => {
    let reads = 0;
    const value = Object.assign(Object.create({ inherited: 1 }) as object, {
      get a() {
        return ++reads;
      },
      other: 2,
    });
    reads = 0;
    everything["planted"] = 1;
    const picked = pickOwn(value as Record<string, unknown>, ["a", "inherited", "planted", "absent"]);
    expect(Object.keys(picked)).toEqual(["a"]);
    expect(["inherited", "planted", "toString"].filter((name) => name in picked)).toEqual([]);
  });

  test("pickOwn() reads a function's own fields, and nothing of what is no object", () => {
    everything["planted"] = 1;
    expect(Object.keys(pickOwn(Object.assign(() => 0, { a: 1 }), ["a"]))).toEqual(["a"]);
    for (const value of [undefined, null, 5, "text", true, 5n, Symbol("s")]) {
      expect(Object.keys(pickOwn(value as unknown as { length: number; planted: 1 }, ["length", "planted"]))).toEqual(
        [],
      );
    }
  });
});

describe("ownField()", () => {
  test("ownField() is the field that an object has itself, else undefined", () => {
    everything["planted"] = 1;
    const value = { a: 1 } as { a: number; planted?: number };
    expect([ownField(value, "a"), ownField(value, "planted")]).toEqual([1, undefined]);
  });
});

describe("members", () => {
  class Store {
    take(): number {
      return 1;
    }
    toString(): string {
      return "mine";
    }
  }
  const own = { take: () => 1, valueOf: () => 2 };
  /** What everything inherits from in another realm, as far as it can be told. */
  const root = Object.assign(Object.create(null) as object, {
    hasOwnProperty: Object.prototype.hasOwnProperty,
    __defineGetter__: () => undefined,
    planted: 1,
    valueOf: () => 2,
  });
  const foreign = Object.assign(Object.create(root) as { a: number; planted: number }, { a: 1 });

  test("memberOf() is an object's own or its class's, and nothing that everything has", () => {
    everything["planted"] = () => "planted";
    const store = new Store();
    expect(memberOf(store, "take")).toBe(Store.prototype.take);
    expect(memberOf(store, "toString")).toBe(Store.prototype.toString);
    expect(memberOf(own, "valueOf")).toBe(own.valueOf);
    expect(memberOf(own as { toString: unknown }, "toString")).toBeUndefined();
    expect(memberOf(own as typeof own & { planted: unknown }, "planted")).toBeUndefined();
    expect(memberOf(own as typeof own & { absent: unknown }, "absent")).toBeUndefined();
    expect([memberOf(foreign, "a"), memberOf(foreign, "planted")]).toEqual([1, undefined]);
    expect(memberOf(Object.assign(() => 0, { take: 1 }), "take")).toBe(1);
  });

  test("memberOf() is undefined, when the value is no object", () => {
    for (const value of [undefined, null, 5, "text", true]) {
      expect(memberOf(value as unknown as { length: number }, "length")).toBeUndefined();
    }
  });

  test("hasField() tells what an object or its class has from what everything has", () => {
    everything["planted"] = 1;
    const store = new Store();
    expect(["take", "toString", "valueOf", "planted", "absent"].map((name) => hasField(store, name))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect([hasField(own, "valueOf"), hasField(Object.create(null) as object, "toString")]).toEqual([true, false]);
  });

  test("inheritedOf() is the first named field that only a class has", () => {
    everything["planted"] = 1;
    class Options {
      get max(): number {
        return 1;
      }
      get min(): number {
        return 1;
      }
    }
    expect(inheritedOf(new Options(), ["planted", "min", "max"])).toBe("min");
    expect(inheritedOf(Object.defineProperty(new Options(), "min", { value: 1 }), ["min", "max"])).toBe("max");
    expect(inheritedOf({ max: 1 }, ["max", "planted"])).toBeUndefined();
    expect(inheritedOf(foreign, ["planted"])).toBeUndefined();
    expect(inheritedOf(Object.create(foreign) as object, ["planted", "a"])).toBe("a");
    const dictionary = Object.assign(Object.create(null) as object, { hasOwnProperty: 1, planted: 1 });
    expect(inheritedOf(Object.create(dictionary) as object, ["planted"])).toBe("planted");
    expect(inheritedOf(Object.create(null) as object, ["max"])).toBeUndefined();
    expect(inheritedOf(Object.create({ max: 1 }) as object, ["max"])).toBe("max");
  });
});

describe("jsonText()", () => {
  test.each([
    null,
    undefined,
    true,
    1.5,
    'a "quoted" text',
    [],
    [1, [2, "x"], null],
    {},
    { a: 1, "b c": [{ d: null }], absent: undefined },
  ])("jsonText() is what JSON.stringify() says, when it is given %j", (value) => {
    expect(jsonText(value)).toBe(JSON.stringify(value) ?? "null");
  });

  test("jsonText() asks nobody for a toJSON", () => {
    everything["toJSON"] = () => "planted";
    try {
      expect([jsonText({ a: [1] }), jsonText([])]).toEqual(['{"a":[1]}', "[]"]);
    } finally {
      delete everything["toJSON"];
    }
  });

  test("jsonText() writes null for holes and what JSON does not have, in a list", () => {
    expect(jsonText([undefined, () => 0])).toBe("[null,null]");
  });
});
