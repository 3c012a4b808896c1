/** Payloads are read once, into plain data: what engines do with getters, proxies, prototypes and exotic objects. */
import { allow, defineGuard, type GovernedRequest } from "../../../mod.ts";
import { type Case, checkCode, codeOf, open, same, toolCall } from "./kit.ts";

const given = (args: unknown): Promise<unknown> => open().tool(toolCall(args), (safe: unknown) => safe);

class Point {
  x = 1;
}

/** The cases, in order. */
export const snapshotCases: readonly Case[] = [
  {
    name: "a payload is read once, so that a getter cannot show two values",
    async run(): Promise<void> {
      let reads = 0;
      const args = {
        get command(): string {
          return reads++ === 0 ? "ls" : "rm -rf /";
        },
      };
      same(await open({ policy: { blockedPatterns: ["rm -rf"] } }).tool(toolCall(args), (safe) => safe), {
        command: "ls",
      });
      same(reads, 1, "reads of the getter");
    },
  },
  {
    name: "a Proxy is read once, and what it shows is what runs",
    async run(): Promise<void> {
      let reads = 0;
      const args = new Proxy({ command: "ls" }, {
        get: (target, key) => key === "command" ? (reads++ === 0 ? "ls" : "rm -rf /") : Reflect.get(target, key),
      });
      same(await given(args), { command: "ls" });
      same(reads, 1, "reads of the property");
    },
  },
  {
    name: "a Proxy that throws, or that was revoked, denies",
    async run(): Promise<void> {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      const hostile = new Proxy({}, {
        ownKeys: () => {
          throw new Error("no");
        },
      });
      for (
        const args of [proxy, hostile, { inside: hostile }, {
          get x(): never {
            throw new Error("no");
          },
        }]
      ) same(await codeOf(given(args)), "payload_not_plain");
    },
  },
  {
    name: "what cannot be copied plainly is denied at a tool",
    async run(): Promise<void> {
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      const values: unknown[] = [
        cycle,
        { f: (): void => {} },
        { s: Symbol("s") },
        new Point(),
        Promise.resolve(),
        new WeakMap(),
        new AbortController().signal,
        new String("boxed"),
        Object.create({ inherited: 1 }),
      ];
      for (const [index, value] of values.entries()) {
        same(await checkCode({}, { value }), "payload_not_plain", `value ${index}`);
      }
    },
  },
  {
    name: "each kind of plain data reaches a tool as its own kind, and as another object",
    async run(): Promise<void> {
      const error = Object.assign(new TypeError("why", { cause: "c" }), { status: 4 });
      const values: readonly object[] = [
        new Date(5),
        new URL("https://example.org/a?b=c"),
        /a.b/gi,
        error,
        new Map([["k", new Set([1n])]]),
        new ArrayBuffer(8),
        new DataView(new ArrayBuffer(8), 4),
        new Uint8Array([1, 2]),
        new Float64Array(1),
        new BigInt64Array(1),
        new Uint8ClampedArray(1),
      ];
      for (const value of values) {
        const kind = Object.prototype.toString.call(value);
        const { value: copy } = await given({ value }) as { value: object };
        same(Object.getPrototypeOf(copy) === Object.getPrototypeOf(value), true, kind);
        same(copy === value, false, kind);
      }
      const read = await given({ values }) as { values: any };
      same(read.values[0].getTime(), 5);
      same(read.values[1].href, "https://example.org/a?b=c");
      same(String(read.values[2]), "/a.b/gi");
      const { name, message, cause, status, stack } = read.values[3];
      same([name, message, cause, status, stack], ["TypeError", "why", "c", 4, "TypeError: why"]);
      same([...read.values[4].get("k")], [1n]);
      same(read.values[6].byteLength, 4);
      same([...read.values[7]], [1, 2]);
    },
  },
  {
    name: "shared memory is denied at a tool, and so is what only looks like a kind",
    async run(): Promise<void> {
      const impostors: unknown[] = [
        Object.create(Date.prototype),
        Object.create(Map.prototype),
        new (class extends Map {
          override get(): string {
            return "other";
          }
        })(),
        Object.assign(new Date(0), { toISOString: () => "other" }),
        new Proxy(new Date(0), {}),
      ];
      if (typeof SharedArrayBuffer === "function") {
        impostors.push(new SharedArrayBuffer(8), new Uint8Array(new SharedArrayBuffer(8)));
      }
      for (const [index, value] of impostors.entries()) {
        same(await checkCode({}, { value }), "payload_not_plain", `value ${index}`);
      }
    },
  },
  {
    name: "an own __proto__ is denied, and pollutes nothing",
    async run(): Promise<void> {
      same(await checkCode({}, JSON.parse('{"a":{"__proto__":{"polluted":true}}}')), "payload_not_plain");
      same(({} as { polluted?: unknown }).polluted, undefined);
      same(await given(JSON.parse('{"constructor":{"prototype":1},"toString":"x"}')), {
        constructor: { prototype: 1 },
        toString: "x",
      });
    },
  },
  {
    name: "an object without a prototype is plain, and comes out as ordinary data",
    async run(): Promise<void> {
      const copy = await given(Object.assign(Object.create(null) as object, { a: [1, { b: undefined }] }));
      same(copy, { a: [1, { b: undefined }] });
      same(Object.getPrototypeOf(copy) === Object.prototype, true, "the prototype");
    },
  },
  {
    name: "arrays keep their holes, and lose extra keys",
    async run(): Promise<void> {
      // deno-lint-ignore no-sparse-arrays -- holes are what is tested
      const list = Object.assign([1, , 3], { extra: 1 });
      const copy = (await given({ list })) as { list: unknown[] };
      same([copy.list.length, Object.keys(copy.list), copy.list[2]], [3, ["0", "2"], 3]);
    },
  },
  {
    name: "numbers keep NaN, infinities and -0",
    async run(): Promise<void> {
      const numbers = [NaN, Infinity, -Infinity, -0, 0, 2 ** 53, 5e-324];
      same(await given({ numbers }), { numbers });
    },
  },
  {
    name: "what the caller changes during a wait reaches neither guard nor act",
    async run(): Promise<void> {
      const seen: unknown[] = [];
      const slow = defineGuard({
        name: "slow",
        stages: ["pre_tool_call"],
        check: async ({ payload }: GovernedRequest) => (await Promise.resolve(), seen.push(payload), allow()),
      });
      const args = { path: "/tmp/a", list: [1] };
      const running = open({ guards: [slow] }).tool(toolCall(args), (safe: unknown) => safe);
      args.path = "/etc/shadow";
      args.list.push(2);
      same([await running, seen], [{ path: "/tmp/a", list: [1] }, [{ path: "/tmp/a", list: [1] }]]);
    },
  },
  {
    name: "guards of one's own get a deeply frozen copy, and the act an ordinary one",
    async run(): Promise<void> {
      let frozen: unknown;
      const guard = defineGuard({
        name: "frozen",
        stages: ["pre_tool_call"],
        check: (
          { payload },
        ) => (frozen = Object.isFrozen(payload) && Object.isFrozen((payload as { a: object }).a), allow()),
      });
      const copy = await open({ guards: [guard] }).tool(
        toolCall({ a: {} }),
        (safe: { a: object }) => Object.assign(safe.a, { b: 1 }) && safe,
      );
      same([frozen, copy], [true, { a: { b: 1 } }]);
    },
  },
  {
    name: "a payload that is too deep, too wide or too long denies, without overflowing the stack",
    async run(): Promise<void> {
      let deep: unknown = "bottom";
      for (let n = 0; n < 50_000; n++) deep = { deep };
      const codes = [
        await checkCode({}, deep),
        await checkCode({}, { list: new Array(100_001).fill(0) }),
        await checkCode({}, { text: "x".repeat(2 ** 20 + 1) }),
      ];
      same(codes, ["payload_too_large", "payload_too_large", "payload_too_large"]);
    },
  },
  {
    name: "a structured clone is plain data like any other",
    async run(): Promise<void> {
      same(await given(structuredClone({ a: [1, { b: "x" }] })), { a: [1, { b: "x" }] });
    },
  },
];
