/**
 * What do other ways to put layers around a tool cost? Three layers that do nothing, around an asynchronous tool, in
 * one process.
 */
import {
  all,
  allow,
  compose,
  createKernel,
  type ExecutionContext,
  type GovernedRequest,
  type Guard,
  type Interceptor,
  type Taking,
} from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { peer } from "./harness/peers.ts";

type Next = () => Promise<unknown>;
type KoaCompose = (
  layers: ((context: object, next: Next) => unknown)[],
) => (context: object, last: Next) => Promise<unknown>;
interface Hookable {
  createHooks(): { hook(name: string, run: () => unknown): void; callHook(name: string, ...args: unknown[]): unknown };
}
interface Tapable {
  AsyncSeriesBailHook: new (
    args: string[],
  ) => {
    tap(name: string, run: () => unknown): void;
    tapPromise(name: string, run: () => Promise<unknown>): void;
    promise(arg: unknown): Promise<unknown>;
  };
}
interface Cockatiel {
  noop: object;
  wrap(...policies: object[]): { execute(run: () => unknown): Promise<unknown> };
}

const ALLOW = allow();
const counted = { calls: 0, layers: 0 };
const tool = async (): Promise<number> => (counted.calls = (counted.calls + 1) | 0);
const asked: [GovernedRequest, ExecutionContext, Taking][] = [];
await createKernel({ guards: [(...given) => (asked.push(given), ALLOW)] }).session({ agentId: "bench" }).check({
  stage: "pre_tool_call",
  name: "search",
  payload: {},
});
const [request, context, taking] = asked.at(-1) as (typeof asked)[0];

/** Every layer has been here: one that a contestant leaves out would make it fast. */
const pass = (): void => void (counted.layers = (counted.layers + 1) | 0);
const guards: Guard[] = [() => (pass(), ALLOW), () => (pass(), ALLOW), () => (pass(), ALLOW)];
const guard = all(...guards);
const async3 = all(...Array.from({ length: 3 }, (): Guard => async () => (pass(), ALLOW)));
const interceptors: Interceptor[] = [
  (_, next) => (pass(), next()),
  (_, next) => (pass(), next()),
  (_, next) => (pass(), next()),
];
const composed = compose(...interceptors);
const onion = Array.from({ length: 3 }).reduce<Next>(
  (next) => async () => (pass(), await next()),
  async () => await tool(),
);

const contestants: Record<string, Contestant<undefined, readonly [number, number]>> = {
  "await tool()": { run: tool, read: () => [took()[0], 3] },
};
/** How often the tool and the layers ran since it was asked last. */
function took(): [number, number] {
  const found: [number, number] = [counted.calls, counted.layers];
  Object.assign(counted, { calls: 0, layers: 0 });
  return found;
}
const add = (name: string, run: () => unknown): void => void (contestants[name] = { run: () => run(), read: took });
add("all(3), await tool()", () => (guard(request, context, taking) === ALLOW ? tool() : undefined));
add("all(3 async), await tool()", async () => (await async3(request, context, taking) === ALLOW ? tool() : undefined));
add("compose of 3 interceptors", () => composed(request, tool, context));
add("async onion", onion);

const koa = (await peer<{ default: KoaCompose }>("koa-compose"))?.default;
if (koa !== undefined) {
  const layers = (make: () => (context: object, next: Next) => unknown) => [make(), make(), make()];
  const plain = koa(layers(() => (_, next) => (pass(), next())));
  const awaiting = koa(layers(() => async (_, next) => (pass(), await next())));
  add("koa-compose, layers return next()", () => plain({}, tool));
  add("koa-compose, async layers", () => awaiting({}, tool));
}
const hookable = await peer<Hookable>("hookable");
if (hookable !== undefined) {
  const hooks = hookable.createHooks();
  for (let at = 0; at < 3; at++) hooks.hook("before", pass);
  add("hookable callHook, then the tool", async () => (await hooks.callHook("before", request), await tool()));
}
const tapable = await peer<Tapable>("tapable");
if (tapable !== undefined) {
  const hook = new tapable.AsyncSeriesBailHook(["request"]);
  const promised = new tapable.AsyncSeriesBailHook(["request"]);
  for (let at = 0; at < 3; at++) {
    hook.tap(`layer ${at}`, pass);
    promised.tapPromise(`layer ${at}`, async () => pass());
  }
  add("tapable bail hook, then the tool", async () => (await hook.promise(request), await tool()));
  add("tapable bail hook of promises, then the tool", async () => (await promised.promise(request), await tool()));
}
const cockatiel = await peer<Cockatiel>("cockatiel");
if (cockatiel !== undefined) {
  const layer = {
    _altReturn: undefined,
    onSuccess: () => ({ dispose() {} }),
    onFailure: () => ({ dispose() {} }),
    execute: async (run: (own: object) => unknown, signal?: AbortSignal) => (pass(), await run({ signal })),
  };
  const wrapped = cockatiel.wrap(layer, layer, layer);
  add("cockatiel wrap of 3 policies", () => wrapped.execute(tool));
}

took();
await ask<undefined, readonly [number, number]>({
  title: "three layers that do nothing around an asynchronous tool, by library",
  isAwaited: true,
  cases: [[undefined, [1, 3]]],
  against: "await tool()",
  contestants,
});
