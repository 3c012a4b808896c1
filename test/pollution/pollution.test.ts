import { buildSync } from "esbuild";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createContext, runInContext, Script } from "node:vm";
import { beforeAll, describe, expect, test } from "vitest";
import * as v from "valibot";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the language itself asks of any object: `await`, and a loop or a destructuring that ends early. */
const LANGUAGE = new Set(["then", "return", ...Object.getOwnPropertyNames(Object.prototype)]);

/** What the platform reads of the dictionaries that it is given. */
const PLATFORM = ["capture", "passive", "once", "signal", "cause", "hash", "iv", "counter", "label", "salt", "public"];
const DESCRIPTORS = ["get", "set", "value", "writable", "enumerable", "configurable"];

/** Every name that stands in the code: a new option or field is tried without being listed. */
function namesIn(folder: string): string[] {
  return readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => readFileSync(`${root}/${folder}/${path}`, "utf8").match(/[A-Za-z_$][\w$]*/g) ?? []);
}

const inApi = readFileSync(`${root}/test/api/core.txt`, "utf8").match(/[A-Za-z_$][\w$]*(?=\??[:(])/g) ?? [];
const NAMES = [...new Set([...inApi, ...namesIn("src"), ...PLATFORM, ...DESCRIPTORS, "~brand", "~standard"])]
  .filter((name) => !LANGUAGE.has(name)).sort();

const KINDS = ["an accessor", "true", "a text", "an object", "a function", "a frozen value"] as const;

/** Gives the prototype of everything a property of every name; answers how to take them away, and what was touched. */
const POLLUTE = `(names, kind, enumerable, touched) => {
  const valueOf = { "true": true, "a text": "deny", "an object": { allowed: true }, "a function": () => true, "a frozen value": true };
  for (const name of names) {
    const where = { __proto__: null, enumerable, configurable: true };
    if (kind === "an accessor") {
      where.get = () => { touched(name, "read"); };
      where.set = () => { touched(name, "written"); };
    } else {
      where.value = valueOf[kind];
      where.writable = kind !== "a frozen value";
    }
    Object.defineProperty(Object.prototype, name, where);
  }
  return () => { for (const name of names) delete Object.prototype[name]; };
}`;

type Scenario = { scenario(outside: object, log: string[]): Promise<void> };
let script: Script;
let outside: object;
let clean: readonly string[];

/** A realm of its own: what is polluted there is polluted nowhere else. */
function realm(): object {
  return createContext({
    AbortController,
    AbortSignal,
    URL,
    crypto,
    TextEncoder,
    TextDecoder,
    Uint8Array,
    ArrayBuffer,
    setTimeout,
    clearTimeout,
  });
}

function loaded(context: object): Scenario {
  script.runInContext(context as never);
  return runInContext("subject", context as never) as Scenario;
}

/** Runs everything in a polluted realm, and tells what was touched. */
async function polluted(
  names: readonly string[],
  kind: string,
  enumerable: boolean,
  when: "before" | "halfway" | "after",
): Promise<{ log: readonly string[]; touched: readonly string[] }> {
  const context = realm();
  const pollute = runInContext(POLLUTE, context as never) as (...args: unknown[]) => () => void;
  const log: string[] = [];
  const touched = new Map<string, string>();
  const touch = (name: string, how: string): void => {
    // A snapshot assigns, and looks afterwards whether all arrived: to define every property would cost more than all.
    if (how === "written" && new Error().stack?.includes(" assign (") === true) return;
    if (!touched.has(name)) touched.set(name, `${name} ${how} ${new Error().stack?.split("\n").slice(3, 6).join(" ")}`);
  };
  const early = when === "before" ? undefined : loaded(context);
  let restore = (): void => undefined;
  const begin = (): void => {
    restore = pollute(names, kind, enumerable, touch);
  };
  if (when !== "halfway") begin();
  try {
    await (early ?? loaded(context)).scenario(
      { ...outside, halfway: when === "halfway" ? begin : () => undefined },
      log,
    );
  } catch (error) {
    log.push(`ended: ${String(error)}`);
  } finally {
    restore();
  }
  return { log, touched: [...touched.values()] };
}

beforeAll(async () => {
  const { outputFiles } = buildSync({
    entryPoints: [`${root}/test/pollution/scenario.ts`],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "subject",
    target: "es2022",
  });
  // What the bundler adds is not ours: its way to name exports would stumble over a polluted descriptor.
  const text = outputFiles[0]!.text.replace(/for \(var name in (\w+)\)/, "for (var name of Object.keys($1))")
    .replaceAll(/(__defProp\((?:target|to|\{\}), [^,]+, \{)/g, "$1 __proto__: null,");
  script = new Script(text, { filename: "subject.js" });
  outside = {
    hmac: await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]),
    standard: v.object({ a: v.number() }),
  };
  clean = (await polluted([], "true", true, "after")).log;
});

test("the scenario does what it says, when nothing is polluted", async () => {
  expect(clean.length).toBeGreaterThan(80);
  expect((await polluted([], "true", true, "before")).log).toEqual(clean);
  expect(clean.filter((line) => /is not a function|undefined is not|Cannot read/.test(line))).toEqual([]);
});

test("the names cover the public options", () => {
  expect(NAMES.length).toBeGreaterThan(400);
  expect(NAMES).toEqual(
    expect.arrayContaining(["maxToolCalls", "guardName", "stages", "callId", "windowMs", "metadata"]),
  );
});

describe.each(["before", "after", "halfway"] as const)(
  "a polluted Object.prototype changes nothing, %s (the import)",
  (when) => {
    describe.each(KINDS)("by %s", (kind) => {
      test.each([true, false])("enumerable: %s", async (enumerable) => {
        const { log, touched } = await polluted(NAMES, kind, enumerable, when);
        expect(touched).toEqual([]);
        expect(log).toEqual(clean);
      });
    });
  },
);
