import { isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { fingerprint } from "../../src/guards/fingerprint.ts";
import { plainText, sameData } from "../../src/snapshot/same-data.ts";
import { type Caps, capsOf, Fault, snapshot, takeTwin } from "../../src/snapshot/snapshot.ts";
import { textLength } from "../../src/snapshot/text-length.ts";

const CAPS = capsOf("pre_tool_call");

function read(value: unknown, caps: Caps = CAPS): { copy: any; twin: any } {
  const copy = snapshot(value, caps, true);
  const twin = takeTwin();
  if (copy instanceof Fault) throw new Error(`${copy.code} at ${copy.path}: ${copy.what}`);
  return { copy, twin };
}

function fault(value: unknown, caps: Caps = CAPS): [string, string, string] {
  const found = snapshot(value, caps, true);
  takeTwin();
  if (!(found instanceof Fault)) throw new Error(`It was read: ${typeof found}`);
  return [found.code, found.path, found.what];
}

const bytes = (...items: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(items);
const kinds: readonly (readonly [string, unknown])[] = [
  ["a bigint", -(2n ** 70n)],
  ["a Date", new Date(1_700_000_000_000)],
  ["a URL", new URL("https://user:pw@example.org:8080/a%20b?q=1#h")],
  ["a RegExp", /a(?<n>b)|\//dgimsuy],
  ["a RegExp of sets", new RegExp("[a--b]", "v")],
  ["a Map", new Map<unknown, unknown>([["a", 1], [{ b: 2 }, new Map([[NaN, -0]])]])],
  ["a Set", new Set([1, "a", new Set(["b"])])],
  ["an ArrayBuffer", bytes(1, 2, 255).buffer],
  ["a DataView", new DataView(bytes(9, 1, 2, 255, 9).buffer, 1, 3)],
  ["a Uint8Array of a part", bytes(9, 1, 2, 9).subarray(1, 3)],
  ["an Int8Array", new Int8Array([-1, 5])],
  ["a Uint8ClampedArray", new Uint8ClampedArray([300])],
  ["a Uint16Array", new Uint16Array([65_535])],
  ["a Float64Array", new Float64Array([Math.PI, -0, NaN])],
  ["a BigUint64Array", new BigUint64Array([2n ** 64n - 1n])],
  ["a Node Buffer", Buffer.from("héllo")],
  ["-0, holes, NaN", [-0, , NaN, undefined]], // oxlint-disable-line no-sparse-arrays
];

describe("a copy of each kind", () => {
  test.each(kinds)("snapshot() copies %s as its own kind, and its twin, sharing nothing", (_, value) => {
    const { copy, twin } = read({ deep: [value] });
    for (const made of [copy.deep[0], twin.deep[0]]) {
      expect(isDeepStrictEqual(made, value)).toBe(true);
      expect(Object.getPrototypeOf(made)).toBe(Object.getPrototypeOf(value));
      expect(sameData(made, value)).toBe(true);
      if (typeof value === "object") expect(made).not.toBe(value);
    }
    if (typeof value === "object") expect(copy.deep[0]).not.toBe(twin.deep[0]);
  });

  test("snapshot() copies an error with what it carries, and a stack that says only what it is", () => {
    const error = Object.assign(new RangeError("far", { cause: new Error("deep") }), { status: 404, data: { a: [1] } });
    for (const made of Object.values(read(error))) {
      expect(Object.getPrototypeOf(made)).toBe(RangeError.prototype);
      expect([made.name, made.message, made.status, made.data, made.stack]).toEqual([
        "RangeError",
        "far",
        404,
        { a: [1] },
        "RangeError: far",
      ]);
      expect([made.cause.message, Object.keys(made)]).toEqual(["deep", ["status", "data"]]);
    }
    const many = new AggregateError([new TypeError("one"), "two"], "all");
    expect(read(many).copy.errors.map(String)).toEqual(["TypeError: one", "two"]);
    expect(Object.isFrozen(read(many).twin)).toBe(true);
    expect(Object.hasOwn(read(Object.create(AggregateError.prototype)).copy, "errors")).toBe(false);
  });

  test("snapshot() copies a date without a time as one, when it is given one", () => {
    for (const made of Object.values(read(new Date(NaN)))) expect(Date.prototype.getTime.call(made)).toBeNaN();
    expect(plainText(new Date(NaN))).toBe('Date("Invalid Date")');
  });

  test("snapshot() keeps what it read, when the original is changed afterwards", () => {
    const value = { at: new Date(0), map: new Map([["a", 1]]), set: new Set([1]), bytes: bytes(1) };
    const { copy, twin } = read(value);
    value.at.setTime(5);
    value.map.set("a", 2);
    value.set.clear();
    value.bytes[0] = 9;
    for (const made of [copy, twin]) {
      expect(made).toEqual({ at: new Date(0), map: new Map([["a", 1]]), set: new Set([1]), bytes: bytes(1) });
    }
  });

  test("snapshot() copies a view without the bytes around it, when the memory holds more", () => {
    const secret = new TextEncoder().encode("a secret, and text");
    expect(read(secret.subarray(14)).copy.buffer.byteLength).toBe(4);
  });

  test("snapshot() takes the kinds of another realm, when they come from there", () => {
    const foreign = runInNewContext(
      "({ at: new Date(5), re: /x/g, map: new Map([['a', 1]]), set: new Set([1]), bytes: new Uint8Array([7]), why: new TypeError('no') })",
    );
    const { copy } = read(foreign);
    expect(copy).toMatchObject({ at: new Date(5), re: /x/g, map: new Map([["a", 1]]), set: new Set([1]) });
    expect([copy.bytes, copy.why instanceof TypeError, copy.why.message]).toEqual([bytes(7), true, "no"]);
  });

  test("snapshot() takes a date, when a test has put its own clock in the place of Date", () => {
    vi.useFakeTimers({ now: 7 });
    try {
      expect(Date.prototype.getTime.call(read(new Date()).copy)).toBe(7);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("what only looks like a kind", () => {
  class Sly extends Date {
    override toISOString(): string {
      return "2000-01-01T00:00:00.000Z";
    }
  }
  class Store extends Map<string, string> {
    readonly #more = "rm -rf /";
    get more(): string {
      return this.#more;
    }
  }
  const NOT = "a class instance";
  const rows: [string, unknown, string][] = [
    ["a class above Date", new Sly(0), NOT],
    ["a class above Map", new Store(), NOT],
    ["a class above Uint8Array", new (class extends Uint8Array {})(1), NOT],
    ["a class above Error", new (class extends Error {})("x"), NOT],
    ["a class above URL", new (class extends URL {})("https://a.example"), NOT],
    ["an object with a Date's prototype", Object.create(Date.prototype), NOT],
    ["an object with a Map's prototype", Object.create(Map.prototype), NOT],
    ["an object with a typed array's prototype", Object.create(Uint8Array.prototype), NOT],
    ["a Proxy of a Date", new Proxy(new Date(0), {}), NOT],
    ["a Proxy of a Map", new Proxy(new Map(), {}), NOT],
    [
      "a Date with a method of its own",
      Object.assign(new Date(0), { getTime: () => 5 }),
      "a Date with properties of its own",
    ],
    ["a Map with a property", Object.assign(new Map(), { cmd: "rm -rf /" }), "a Map with properties of its own"],
    [
      "a made-up realm's Date",
      (() => {
        const above = Object.create(null, { hasOwnProperty: { value: 1 }, __defineGetter__: { value: 1 } });
        function Date2(): void {}
        Object.defineProperty(Date2, "name", { value: "Date" });
        Object.setPrototypeOf(Date2.prototype, above);
        return Object.setPrototypeOf(new Date(0), Date2.prototype);
      })(),
      NOT,
    ],
    ["shared memory", new SharedArrayBuffer(8), NOT],
    ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(8)), "shared memory"],
    ["an error with a symbol key", Object.assign(new Error("x"), { [Symbol("k")]: 1 }), "a symbol key"],
    ["a WeakMap", new WeakMap(), NOT],
  ];
  test.each(rows)("snapshot() is a fault, when it is %s", (_, value, what) => {
    expect(fault({ value })).toEqual(["payload_not_plain", "$.value", what]);
  });

  test("snapshot() is a fault, when a map, a set or an error stands in itself", () => {
    const map = new Map<string, unknown>();
    map.set("self", map);
    const set = new Set<unknown>();
    set.add([set]);
    const error = new Error("x");
    error.cause = error;
    for (const value of [map, set, error]) {
      expect(fault(value)).toMatchObject(
        ["payload_not_plain", /^\$/, "a cycle"].map((x) => typeof x === "string" ? x : expect.stringMatching(x)),
      );
    }
  });

  test("snapshot() reads by what the language keeps, when methods of a prototype are replaced", () => {
    const replaced = [
      vi.spyOn(Date.prototype, "getTime").mockReturnValue(99),
      vi.spyOn(Map.prototype, "forEach").mockReturnValue(undefined),
    ];
    const { copy } = read({ at: new Date(5), map: new Map([["a", 1]]) });
    for (const method of replaced) method.mockRestore();
    expect(copy).toEqual({ at: new Date(5), map: new Map([["a", 1]]) });
  });
});

describe("caps of kinds", () => {
  const caps = (fields: Partial<Caps>): Caps => ({ ...CAPS, ...fields });

  test("snapshot() counts bytes that are text as text, and others apart", () => {
    expect(read(new TextEncoder().encode("héllo"), caps({ chars: 5 })).copy.length).toBe(6);
    expect(fault(new TextEncoder().encode("héllo!"), caps({ chars: 5 }))[2]).toBe(
      "more than 5 characters of text (limits.tool.bytes)",
    );
    expect(read([bytes(255, 0), bytes(254)], caps({ chars: 0, binaryBytes: 3 })).copy.length).toBe(2);
    expect(fault([bytes(255, 0), bytes(254, 0)], caps({ chars: 0, binaryBytes: 3 }))).toEqual([
      "payload_too_large",
      "$[1]",
      "more than 3 bytes that are no text (limits.tool.binaryBytes)",
    ]);
    expect(fault(new Uint8Array(1000), caps({ chars: 10, binaryBytes: 10 }))[0]).toBe("payload_too_large");
  });

  test("snapshot() counts entries, items, digits and texts of kinds", () => {
    expect(fault(new Map([[1, 2], [3, 4]]), caps({ nodes: 4 }))[2]).toBe("more than 4 values (limits.tool.nodes)");
    expect(read(new Map([[1, 2], [3, 4]]), caps({ nodes: 5 })).copy.size).toBe(2);
    expect(fault(new Set([1, 2]), caps({ nodes: 2 }))[0]).toBe("payload_too_large");
    expect(fault(12_345n, caps({ chars: 4 }))[0]).toBe("payload_too_large");
    expect(fault(2n ** 100_000n, caps({ chars: 20_000 }))[0]).toBe("payload_too_large");
    expect(fault(/abcdef/, caps({ chars: 5 }))[0]).toBe("payload_too_large");
    expect(fault(new URL("https://a.example/"), caps({ chars: 5 }))[0]).toBe("payload_too_large");
    expect(fault(new Error("abcdef"), caps({ chars: 5 }))[0]).toBe("payload_too_large");
    expect(fault(new Map([[1, new Map([[1, new Map()]])]]), caps({ depth: 2 }))[0]).toBe("payload_too_large");
  });

  test("snapshot() ends, when a map grows while it is read", () => {
    const map = new Map<unknown, unknown>();
    const growing = {
      get x() {
        map.set({}, growing);
        return 1;
      },
    };
    map.set({}, growing);
    expect(fault(map)[0]).toBe("payload_too_large");
  });
});

describe("plainText()", () => {
  test("plainText() tells every kind from every other, and from its own text", () => {
    const text = new TextEncoder().encode("text");
    const values: unknown[] = [
      ...kinds.map(([, value]) => value),
      5,
      "5",
      5n,
      "5n",
      [],
      [,], // oxlint-disable-line no-sparse-arrays
      [undefined],
      ["hole"],
      {},
      new Map(),
      new Set(),
      [[]],
      new Map([["a", 1]]),
      { a: 1 },
      new Set(["a", 1]),
      new Map([["a", 1], ["b", 2]]),
      new Map([["b", 2], ["a", 1]]),
      new Date(0),
      "1970-01-01T00:00:00.000Z",
      new URL("https://a.example/"),
      "https://a.example/",
      /a/,
      /a/g,
      "a",
      new Error("a"),
      new TypeError("a"),
      new Error("a", { cause: "b" }),
      { name: "Error", message: "a" },
      text,
      text.buffer,
      new DataView(text.buffer),
      Buffer.from(text),
      new Int8Array(text),
      "text",
      [...text],
      bytes(0xab, 0xcd),
      new TextEncoder().encode("abcd"),
      bytes(0xef, 0xbb, 0xbf),
      bytes(),
    ];
    const texts = values.map((value) => plainText(value));
    expect(texts.filter((one, at) => texts.indexOf(one) !== at)).toEqual([]);
    const prints = values.map(fingerprint);
    expect(prints.filter((one, at) => prints.indexOf(one) !== at)).toEqual([]);
    for (const [i, one] of values.entries()) {
      for (const [j, other] of values.entries()) expect(sameData(one, other), `${texts[i]} ${texts[j]}`).toBe(i === j);
    }
  });
});

describe("sameData()", () => {
  test("sameData() says of plain data what plainText() says, and of instances only that they are themselves", () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withSparseArray: true,
        }),
        fc.anything({ withBigInt: true, withDate: true }),
        (a, b) => {
          const [one, again, other] = [a, a, b].map((value) => snapshot(value, CAPS, false));
          if (one instanceof Fault || other instanceof Fault) return;
          expect(sameData(one, again)).toBe(true);
          expect(fingerprint(one)).toBe(fingerprint(again));
          expect(sameData(one, other)).toBe(plainText(one) === plainText(other));
        },
      ),
    );
    class Point {
      readonly x = 1;
    }
    const point = new Point();
    expect([sameData(point, point), sameData(point, new Point()), sameData({ x: 1 }, point)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("textLength()", () => {
  test.each<readonly [string, unknown, number]>([
    ["bytes that are text", new TextEncoder().encode("héllo"), 5],
    ["bytes that are no text", bytes(255, 1, 2, 3), 0],
    ["a date", new Date(0), 24],
    ["a map, with its keys", new Map([["ab", "c"]]), 3],
    ["a set", new Set(["ab", "c"]), 3],
    ["an error", new Error("ab", { cause: "c" }), 8],
    ["a URL", new URL("https://a.example/"), 18],
    ["a bigint", 123n, 3],
  ])("textLength() counts %s", (_, value, length) => {
    expect(textLength([value])).toBe(length);
  });
});
