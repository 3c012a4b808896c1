import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { type Caps, capsOf, Fault, snapshot, takeTwin } from "../../src/snapshot/snapshot.ts";

const CAPS = capsOf("pre_tool_call");
const MANY = (nodes: number): string => `more than ${nodes} values (limits.tool.nodes)`;
const LONG = (chars: number): string => `more than ${chars} characters of text (limits.tool.bytes)`;
const caps = (fields: Partial<Caps>): Caps => ({ ...CAPS, ...fields });

/** Reads a payload with its twin, and expects that it could be read. */
function read(value: unknown, limits: Caps = CAPS): { copy: any; twin: any } {
  const copy = snapshot(value, limits, true);
  const twin = takeTwin();
  if (copy instanceof Fault) throw new Error(`${copy.code} at ${copy.path}: ${copy.what}`);
  return { copy, twin };
}

/** Reads a payload and expects that it could not be read. */
function fault(value: unknown, limits: Caps = CAPS): [string, string, string] {
  const found = snapshot(value, limits, true);
  takeTwin();
  if (!(found instanceof Fault)) throw new Error(`It was read: ${typeof found}`);
  return [found.code, found.path, found.what];
}

function isDeepFrozen(value: unknown): boolean {
  return typeof value !== "object" || value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen));
}

function sharesNothing(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || a === null) return true;
  return a !== b && Object.keys(a).every((key) => sharesNothing((a as any)[key], (b as any)[key]));
}

/** What JSON, or a careful caller, may hand over. */
const plain = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.oneof(fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined)),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(
        fc.string(),
        fc.constantFrom("toString", "constructor", "hasOwnProperty", "valueOf", "then", "toJSON", "length", "0"),
      ).filter((key) => key !== "__proto__"),
      tie("any"),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).any;

describe("a copy", () => {
  test("snapshot() copies plain data and its frozen twin, sharing nothing, when it is any plain data", () => {
    fc.assert(fc.property(plain, (value) => {
      const { copy, twin } = read(value);
      // Not toStrictEqual(): that takes a key named constructor for the type.
      expect([isDeepStrictEqual(copy, value), isDeepStrictEqual(twin, value), isDeepFrozen(twin)]).toEqual([
        true,
        true,
        true,
      ]);
      expect(sharesNothing(copy, value) && sharesNothing(twin, value) && sharesNothing(twin, copy)).toBe(true);
    }));
  });

  test("snapshot() gives ordinary mutable data, when no twin is asked for, and keeps none", () => {
    read({ old: true });
    const copy = snapshot({ a: [1, { b: 2 }] }, CAPS, false) as any;
    expect(takeTwin()).toBeUndefined();
    copy.a[1].b = 3;
    copy.a.push(4);
    copy.c = 5;
    expect(copy).toEqual({ a: [1, { b: 3 }, 4], c: 5 });
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });

  test.each([undefined, null, true, 0, -0, NaN, Infinity, "text", ""])(
    "snapshot() is the value itself, when it is %s",
    (value) => {
      const { copy, twin } = read(value);
      expect([Object.is(copy, value), Object.is(twin, value)]).toEqual([true, true]);
    },
  );

  test("snapshot() keeps nothing of a text, when no twin is asked for", () => {
    expect(snapshot("a secret", CAPS, false)).toBe("a secret");
    expect(takeTwin()).toBeUndefined();
  });

  test("takeTwin() gives a twin once, when it is asked twice", () => {
    read({});
    expect(takeTwin()).toBeUndefined();
  });

  test("snapshot() keeps the order of keys, and the holes of arrays", () => {
    const { copy, twin } = read({ b: 1, a: [, 1, , 2], 2: 0 });
    expect(Object.keys(copy)).toEqual(["2", "b", "a"]);
    for (const { a } of [copy, twin]) {
      expect([Object.keys(a), a[1], a[3], a.length]).toEqual([["1", "3"], 1, 2, 4]);
    }
  });

  test("snapshot() copies an object that stands twice as two, when it is no cycle", () => {
    const one = { x: 1 };
    const { copy, twin } = read({ a: one, b: one });
    expect([copy.a === copy.b, twin.a === twin.b, copy]).toEqual([false, false, { a: { x: 1 }, b: { x: 1 } }]);
  });

  test("snapshot() takes objects without a prototype and those of another realm, when they are plain", () => {
    expect(read(Object.assign(Object.create(null), { a: 1 })).copy).toStrictEqual({ a: 1 });
    const foreign = runInNewContext("({ a: [1, { b: 'x' }], n: Object.create(null) })");
    expect(read(foreign).copy).toStrictEqual({ a: [1, { b: "x" }], n: {} });
    expect(read(foreign).twin).toStrictEqual({ a: [1, { b: "x" }], n: {} });
  });

  test("snapshot() leaves out what is inherited or not enumerable, and extra keys of arrays", () => {
    expect(read(Object.defineProperty({ a: 1 }, "cmd", { value: "rm -rf /", enumerable: false })).copy).toStrictEqual({
      a: 1,
    });
    const { copy } = read(Object.assign([1], { extra: "x" }));
    expect([Object.keys(copy), "extra" in copy]).toEqual([["0"], false]);
  });
});

describe("executed = checked", () => {
  test("snapshot() reads every getter once, and copy and twin are the same, when it answers differently each time", () => {
    const reads: string[] = [];
    let count = 0;
    const value = {
      get cmd() {
        reads.push("cmd");
        return ++count === 1 ? "ls" : "rm -rf /";
      },
      list: Object.defineProperty(["a"], 0, { get: () => (reads.push("0"), `item ${++count}`), enumerable: true }),
      nested: {
        get deep() {
          reads.push("deep");
          return [`deep ${++count}`];
        },
      },
    };
    const { copy, twin } = read(value);
    expect(copy).toStrictEqual({ cmd: "ls", list: ["item 2"], nested: { deep: ["deep 3"] } });
    expect(twin).toStrictEqual(copy);
    expect(reads).toEqual(["cmd", "0", "deep"]);
  });

  test("snapshot() never calls toJSON, toString or valueOf, when an object has them by inheritance or own", () => {
    expect(fault({
      toJSON() {
        return { cmd: "ls" };
      },
      cmd: "rm",
    })).toEqual(["payload_not_plain", "$.toJSON", "a function"]);
    expect(read({ toJSON: "ls", cmd: "rm" }).copy).toStrictEqual({ toJSON: "ls", cmd: "rm" });
  });

  test("snapshot() keeps what it read, when the caller changes its payload afterwards", () => {
    const value = { a: ["x"], b: { c: 1 } };
    const { copy, twin } = read(value);
    value.a.push("rm -rf /");
    value.b.c = 2;
    for (const one of [copy, twin]) expect(one).toStrictEqual({ a: ["x"], b: { c: 1 } });
  });

  test("snapshot() makes one plain value of copy and twin, when proxies and getters lie at random", () => {
    // Every trap and getter answers the next of a list of values; nothing is answered twice the same.
    const script = fc.array(
      fc.oneof(
        fc.string({ maxLength: 5 }),
        fc.integer(),
        fc.constantFrom("object", "array", "proxy", "getter", "throw"),
      ),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(script, (steps) => {
        let at = 0;
        const next = (depth: number): unknown => {
          const step = steps[at++ % steps.length];
          if (depth > 5) return step;
          if (step === "object") return { a: next(depth + 1), b: next(depth + 1) };
          if (step === "array") return [next(depth + 1), next(depth + 1)];
          if (step === "getter") {
            return {
              get g() {
                return next(depth + 1);
              },
              get h() {
                return next(depth + 1);
              },
            };
          }
          if (step === "throw") {
            return {
              get boom(): never {
                throw new Error("x");
              },
            };
          }
          if (step === "proxy") {
            return new Proxy(at % 2 === 0 ? {} : [], {
              get: (target, key) => (Array.isArray(target) && key === "length" ? at++ % 4 : next(depth + 1)),
              ownKeys: (target) =>
                (at++ % 2 === 0 ? ["x", "y"] : ["z"]).concat(Array.isArray(target) ? ["length"] : []),
              getOwnPropertyDescriptor: (
                target,
                key,
              ) => (Array.isArray(target) && key === "length"
                ? Reflect.getOwnPropertyDescriptor(target, key)
                : { value: next(6), enumerable: at++ % 3 !== 0, configurable: true }),
            });
          }
          return step;
        };
        const copy = snapshot({ root: next(0) }, CAPS, true);
        const twin = takeTwin();
        if (copy instanceof Fault) {
          return;
        }
        // Had anything of the caller's got in, reading it again would give something else.
        expect(twin).toStrictEqual(copy);
        expect(twin).toStrictEqual(copy);
        expect(isDeepFrozen(twin)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("snapshot() is right, when a getter takes another snapshot", () => {
    const inner = { x: ["inner"], y: { z: 1 } };
    const value = {
      before: [1],
      get again() {
        const copy = snapshot(inner, caps({ nodes: 10 }), true);
        return { copy, twin: takeTwin() };
      },
      get small() {
        return String(snapshot("too long", caps({ chars: 1 }), false) instanceof Fault);
      },
      get off() {
        return snapshot([1, 2], CAPS, false);
      },
      after: [{ b: 2 }],
    };
    const { copy, twin } = read(value);
    expect(copy).toStrictEqual({
      before: [1],
      again: { copy: inner, twin: inner },
      small: "true",
      off: [1, 2],
      after: [{ b: 2 }],
    });
    expect(twin).toStrictEqual(copy);
    expect(isDeepFrozen(twin)).toBe(true);
  });

  test("snapshot() still counts, when a getter takes another snapshot with more room", () => {
    const value = {
      get a() {
        snapshot({ x: 1 }, caps({ nodes: 1000, chars: 1000 }), false);
        return "12345";
      },
      b: "6789",
    };
    expect(fault(value, caps({ chars: 10 }))).toEqual(["payload_too_large", "$.b", LONG(10)]);
  });
});

describe("what is not plain", () => {
  class Job {
    readonly cmd = "rm -rf /";
  }
  const rows: [string, unknown, string][] = [
    ["a function", () => {}, "a function"],
    ["a symbol", Symbol("x"), "a symbol"],
    ["a class instance", new Job(), "a class instance"],
    ["a promise", Promise.resolve(1), "a class instance"],
    ["a boxed string", Object.assign(new String("rm"), { toJSON: () => "ls" }), "a class instance"],
    ["an object that inherits", Object.create({ cmd: "rm" }), "a class instance"],
    ["an object with a symbol key", { [Symbol("k")]: "rm" }, "a symbol key"],
    ["an instance of another realm", runInNewContext("new (class { x = 1 })()"), "a class instance"],
    ["a getter that throws", {
      get a(): never {
        throw new Error("x");
      },
    }, "a value that cannot be read"],
    ["a WeakRef", new WeakRef({}), "a class instance"],
    ["a generator", (function* () {})(), "a class instance"],
  ];
  test.each(rows)("snapshot() is a fault with its path, when %s stands in it", (name, value, what) => {
    const inner = name === "a getter that throws" ? ".a" : "";
    expect(fault({ items: [0, { when: value }] })).toEqual(["payload_not_plain", `$.items[1].when${inner}`, what]);
    expect(fault(value)).toEqual(["payload_not_plain", `$${inner}`, what]);
    expect(fault([value])).toEqual(["payload_not_plain", `$[0]${inner}`, what]);
  });

  test("snapshot() is a fault, when __proto__ is an own key, and leaves no prototype changed", () => {
    expect(fault(JSON.parse('{"a":{"__proto__":{"x":"rm -rf /"}}}'))).toEqual([
      "payload_not_plain",
      "$.a.__proto__",
      "a key named __proto__",
    ]);
    expect(({} as any).x).toBeUndefined();
  });

  test("snapshot() copies a constructor key as an own one, when a payload has it", () => {
    const { copy, twin } = read(JSON.parse('{"constructor":{"prototype":{"x":"rm -rf /"}}}'));
    expect(JSON.stringify([copy, twin])).toBe(
      '[{"constructor":{"prototype":{"x":"rm -rf /"}}},{"constructor":{"prototype":{"x":"rm -rf /"}}}]',
    );
    expect([Object.hasOwn(copy, "constructor"), Object.hasOwn(twin, "constructor"), ({} as any).x]).toEqual([
      true,
      true,
      undefined,
    ]);
  });

  const cyclic = (make: (self: any) => void): unknown => {
    const self: any = {};
    make(self);
    return self;
  };
  test.each([
    [
      "itself",
      cyclic((self) => {
        self.self = self;
      }),
    ],
    [
      "an array in itself",
      (() => {
        const list: unknown[] = [];
        list.push([list]);
        return list;
      })(),
    ],
    [
      "its root, far down",
      cyclic((self) => {
        self.a = { b: [{ c: self }] };
      }),
    ],
    [
      "an inner object",
      cyclic((self) => {
        self.a = { b: {} };
        self.a.b.c = self.a;
      }),
    ],
    [
      "itself twice",
      cyclic((self) => {
        self.x = self;
        self.y = self;
      }),
    ],
  ])("snapshot() is payload_not_plain, when there is a cycle: %s", (_, value) => {
    expect(fault(value)).toMatchObject(["payload_not_plain", expect.stringMatching(/^\$/), "a cycle"]);
  });

  test.each([
    ["ownKeys", {
      ownKeys: () => {
        throw new Error("x");
      },
    }],
    ["getPrototypeOf", {
      getPrototypeOf: () => {
        throw new Error("x");
      },
    }],
    ["get", {
      get: () => {
        throw new Error("x");
      },
    }],
    ["getOwnPropertyDescriptor", {
      getOwnPropertyDescriptor: () => {
        throw new Error("x");
      },
    }],
  ])("snapshot() is a fault, when a Proxy throws from %s", (_, traps) => {
    expect(fault(new Proxy({ a: 1 }, traps))[0]).toBe("payload_not_plain");
    expect(fault([new Proxy({ a: 1 }, traps)])[1]).toMatch(/^\$\[0\]/);
  });

  test("snapshot() is a fault, when a Proxy was revoked", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(fault(proxy)).toEqual(["payload_not_plain", "$", "a value that cannot be read"]);
    expect(fault({ a: proxy })).toEqual(["payload_not_plain", "$.a", "a value that cannot be read"]);
  });
});

describe("polluted prototypes", () => {
  afterEach(() => {
    delete (Object.prototype as any).extra;
    delete (Object.prototype as any).cmd;
  });

  test("snapshot() leaves out what Object.prototype was given, when it is enumerable", () => {
    (Object.prototype as any).extra = "rm -rf /";
    const { copy, twin } = read({ a: {} });
    expect([Object.keys(copy), Object.keys(copy.a), Object.keys(twin.a)]).toEqual([["a"], [], []]);
    expect(Object.hasOwn(read({ extra: "mine" }).copy, "extra")).toBe(true);
  });

  test("snapshot() leaves out what the prototype of another realm was given, when an object comes from there", () => {
    const { copy, twin } = read(runInNewContext("Object.prototype.extra = 'rm -rf /'; ({ a: {} })"));
    expect([Object.keys(copy), Object.keys(copy.a), Object.keys(twin.a)]).toEqual([["a"], [], []]);
  });

  test("snapshot() gives own values, when Object.prototype has a setter or a frozen value of that name", () => {
    const everything: object = Object.prototype;
    Object.defineProperty(everything, "cmd", { get: () => "rm -rf /", set() {}, configurable: true });
    for (const one of Object.values(read({ cmd: "ls" }))) {
      expect([one.cmd, Object.hasOwn(one, "cmd")]).toEqual(["ls", true]);
    }
    Object.defineProperty(everything, "cmd", { value: "rm -rf /", writable: false, configurable: true });
    const { copy, twin } = read({ cmd: "ls", deep: { cmd: ["x"] } });
    expect([copy.cmd, twin.cmd, copy.deep.cmd, twin.deep.cmd]).toEqual(["ls", "ls", ["x"], ["x"]]);
    copy.cmd = "changed";
    expect([copy.cmd, Object.isFrozen(twin.deep.cmd)]).toEqual(["changed", true]);
  });
});

describe("caps", () => {
  const nest = (levels: number, make: (inner: unknown) => unknown): unknown => {
    let value: unknown = "x";
    for (let i = 0; i < levels; i++) value = make(value);
    return value;
  };

  test.each([["objects", (o: unknown) => ({ o })], ["arrays", (o: unknown) => [o]]])(
    "snapshot() takes 64 levels of %s and no more, when they are nested",
    (_, make) => {
      expect(read(nest(64, make)).copy).toStrictEqual(nest(64, make));
      expect(fault(nest(65, make))[0]).toBe("payload_too_large");
      expect(fault(nest(65, make))[2]).toBe("more than 64 levels (limits.tool.depth)");
      expect(fault(nest(65, make))[1].length).toBeLessThanOrEqual(201);
    },
  );

  test("snapshot() is payload_too_large, when there are 100,000 levels", () => {
    expect(fault(nest(100_000, (o) => ({ o })))[0]).toBe("payload_too_large");
    expect(fault(nest(100_000, (o) => [o]))[0]).toBe("payload_too_large");
  });

  test("snapshot() counts values of any kind, the payload included, when nodes are capped", () => {
    expect(read([1, { a: null }], caps({ nodes: 4 })).copy).toEqual([1, { a: null }]);
    expect(fault([1, { a: null }], caps({ nodes: 3 }))).toEqual(["payload_too_large", "$[1].a", MANY(3)]);
    expect(fault("x", caps({ nodes: 0 }))[0]).toBe("payload_too_large");
    expect(fault({}, caps({ nodes: 0 }))[0]).toBe("payload_too_large");
    expect(read(Array.from({ length: 99_999 }, () => 1)).copy.length).toBe(99_999);
    expect(fault(Array.from({ length: 100_000 }, () => 1))[0]).toBe("payload_too_large");
  });

  test("snapshot() counts strings and keys, when text is capped", () => {
    expect(read({ ab: "cd", e: ["f"] }, caps({ chars: 6 })).copy).toEqual({ ab: "cd", e: ["f"] });
    expect(fault({ ab: "cd", e: ["f"] }, caps({ chars: 5 }))).toEqual(["payload_too_large", "$.e[0]", LONG(5)]);
    expect(fault({ abcdef: 1 }, caps({ chars: 5 }))).toEqual(["payload_too_large", "$.abcdef", LONG(5)]);
  });

  test("snapshot() ends at once, when an object stands in itself in ever more places", () => {
    let value: unknown = "x";
    for (let i = 0; i < 60; i++) value = [value, value];
    expect(fault(value)).toMatchObject(["payload_too_large", expect.any(String), MANY(100_000)]);
  });

  test.each([["2 ** 32 - 2", 2 ** 32 - 2], ["Infinity", Infinity], ["a bigint", 4_000_000_000n], ["an object", {
    valueOf: (): number => 4e9,
  }]])("snapshot() reads nothing, when a Proxy of an array says its length is %s", (_, length) => {
    let reads = 0;
    const value = new Proxy([], { get: (_, key) => (key === "length" ? length : (reads++, 1)) });
    expect(fault({ list: value })).toEqual(["payload_too_large", "$.list", MANY(100_000)]);
    expect(reads).toBe(0);
  });

  test("snapshot() ends, when a Proxy of an array says its length is another each time, or none", () => {
    let told = 0;
    const growing = { valueOf: (): number => (told++ === 0 ? 1 : 1e9) };
    expect(fault(new Proxy([], { get: (_, key) => (key === "length" ? growing : 1) }), caps({ nodes: 100 })))
      .toMatchObject(["payload_too_large", expect.any(String), MANY(100)]);
    for (const length of [NaN, -1, undefined, "x"]) {
      expect(read(new Proxy([], { get: (_, key) => (key === "length" ? length : 1) })).copy).toEqual([]);
    }
    expect(fault([new Proxy([], { get: (_, key) => (key === "length" ? Symbol("l") : 1) })])).toEqual([
      "payload_not_plain",
      "$[0]",
      "a value that cannot be read",
    ]);
  });

  test("snapshot() refuses a sparse array of many holes, when it would fill memory", () => {
    const sparse: number[] = [];
    sparse[4_000_000_000] = 1;
    expect(fault(sparse)).toEqual(["payload_too_large", "$", MANY(100_000)]);
  });

  test.each(
    [
      ["input", 1 << 20],
      ["output", 1 << 20],
      ["pre_tool_call", 1 << 20],
      ["post_tool_call", 1 << 20],
      ["agent_startup", 1 << 20],
      ["pre_model_call", 1 << 22],
      ["post_model_call", 1 << 22],
    ] as const,
  )("capsOf() of %s allows %s characters", (stage, chars) => {
    expect(capsOf(stage)).toMatchObject({ depth: 64, nodes: 100_000, chars, binaryBytes: 1 << 24 });
    expect(Object.isFrozen(capsOf(stage))).toBe(true);
  });
});

describe("paths", () => {
  test.each([
    [{ when: [0, { at: Symbol("x") }] }, "$.when[1].at"],
    [{ $a_b: Symbol("x") }, "$.$a_b"],
    [{ fine: 1, "a b": [Symbol("x")] }, "$[#1][0]"],
    [{ "": Symbol("x") }, "$[#0]"],
    [{ "\u001b[31m": Symbol("x") }, "$[#0]"],
    [{ hunter2: Symbol("x") }, "$[#0]"],
    [{ "sk-live-abcdef": Symbol("x") }, "$[#0]"],
    [{ ["k".repeat(25)]: Symbol("x") }, "$[#0]"],
    [new Map<unknown, unknown>([["a", 1], ["secret", Symbol("x")]]), "$[#1]"],
    [new Map([[{ inner: Symbol("x") }, 1]]), "$[#0].inner"],
    [new Set([1, 2, { inner: Symbol("x") }]), "$[#2].inner"],
    [Object.assign(new Error("x"), { data: { run: Symbol("x") } }), "$.data.run"],
  ])("path names the way to what is wrong, when it is %j", (value, path) => {
    expect(fault(value)[1]).toBe(path);
  });
});

describe("attacks", () => {
  interface Case {
    id: string;
    kind: string;
    category: string;
    description: string;
    input: string;
    expected: string;
  }
  const { cases } = JSON.parse(readFileSync(new URL("../vectors/attacks.json", import.meta.url), "utf8")) as {
    cases: Case[];
  };
  // What is left out here is text, which patterns judge and reading lets pass.
  const structural = ["PE-34", "PE-37", "PE-40", "PE-43", "PE-46", "PE-49", "PE-52", "PE-55"];
  const chosen = cases.filter(({ id }) => structural.includes(id));

  test("attacks are there to be tried", () => {
    expect(chosen.map(({ id }) => id)).toEqual(structural);
  });

  test.each(chosen)(
    "snapshot() hides nothing from guards that an act could use, when $id is tried: $description",
    ({ input }) => {
      const { args } = new Function(`return ${input}`)() as { args: unknown };
      const copy = snapshot(args, CAPS, true);
      const twin = takeTwin();
      if (copy instanceof Fault) return void expect(["payload_not_plain", "payload_too_large"]).toContain(copy.code);
      expect(isDeepStrictEqual(twin, copy)).toBe(true);
      expect((copy as any).cmd).toBeUndefined();
    },
  );

  const controls = cases.filter(({ kind, id }) => kind === "tool" && id.startsWith("OK-"));
  test.each(controls)("snapshot() reads it, when $id is harmless: $description", ({ input }) => {
    const { args } = new Function(`return ${input}`)() as { args: unknown };
    expect(read(args).copy).toStrictEqual(args);
  });
});
