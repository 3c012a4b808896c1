/**
 * What do guards cost that do nothing, by their number? `all` and the call that it lets through, against the call
 * alone.
 *
 * Synchronous guards around a synchronous and an asynchronous tool, asynchronous guards, and one of them among
 * synchronous ones.
 */
import {
  all,
  allow,
  createKernel,
  type Decision,
  type ExecutionContext,
  type GovernedRequest,
  type Guard,
  type Taking,
} from "../mod.ts";
import { ask, type Contestant, type Promised } from "./harness/ask.ts";

const ALLOW = allow();
/** What a session asks its guards with: one that is asked keeps it. */
const asked: [GovernedRequest, ExecutionContext, Taking][] = [];
const witness: Guard = (...given) => {
  asked.push(given);
  return ALLOW;
};
await createKernel({ guards: [witness] }).session({ agentId: "bench" }).check({
  stage: "pre_tool_call",
  name: "search",
  payload: { q: "tides" },
});
const [request, context, taking] = asked.find(([{ stage }]) => stage === "pre_tool_call") as (typeof asked)[0];
const foreign: Taking = { dry: false, take: () => {} };

const counted = { calls: 0 };
const tool = (): number => (counted.calls = (counted.calls + 1) | 0);
const asyncTool = async (): Promise<number> => (counted.calls = (counted.calls + 1) | 0);
const isNumber = (answer: unknown): boolean => typeof answer === "number";

/** Guards of which no two are the same function, each with a text of its own, as those of a real policy are. */
const guardsOf = (count: number, kind: string): Guard[] =>
  Array.from(
    { length: count },
    (_, at) =>
      new Function("ALLOW", `// ${kind} ${count} ${at}\nreturn ${kind === "async" ? "async " : ""}(request) => ALLOW;`)(
        ALLOW,
      ) as Guard,
  );

/** Each its own text too, so that each has a call site of its own for its guard and its tool. */
const governed = (name: string, guard: Guard, run: () => unknown, by = taking): () => unknown =>
  new Function(
    "guard",
    "run",
    "ALLOW",
    "request",
    "context",
    "taking",
    "go",
    `// ${name}
    return () => {
      const answer = guard(request, context, taking);
      return answer === ALLOW ? run() : go(answer);
    };`,
  )(guard, run, ALLOW, request, context, by, (answer: Decision | Promise<Decision>) => {
    if (!(answer instanceof Promise)) throw new Error("The guards must allow");
    return answer.then((late) => {
      if (late !== ALLOW) throw new Error("The guards must allow");
      return run();
    });
  }) as () => unknown;

/** What `awaited one by one` stands for: the loop that a first draft has. */
const awaitedLoop = (guards: readonly Guard[]) => async (): Promise<number> => {
  for (const guard of guards) {
    if (await guard(request, context, taking) !== ALLOW) throw new Error("The guards must allow");
  }
  return await asyncTool();
};
const onion = (guards: readonly Guard[]): () => Promise<unknown> =>
  guards.reduceRight<() => Promise<unknown>>((next, guard) => async () => {
    if (await guard(request, context, taking) !== ALLOW) throw new Error("The guards must allow");
    return await next();
  }, async () => await asyncTool());

const COUNTS = [1, 3, 5, 10] as const;
const cases = [[undefined, true]] as const;
const entry = (run: () => unknown): Contestant<undefined, boolean> => ({ run, read: isNumber });
const each = (
  make: (count: number) => readonly [string, () => unknown],
): Record<string, Contestant<undefined, boolean>> =>
  Object.fromEntries(COUNTS.map((count) => make(count)).map(([name, run]) => [name, entry(run)]));

// A guard that refuses must be heard, else an empty function would win.
for (const count of COUNTS) {
  const guard = all(
    ...guardsOf(count - 1, "sync"),
    () => ({ effect: "deny", allowed: false, code: "action_blocked", reason: "no" }),
  );
  if ((guard(request, context, taking) as Decision).effect !== "deny") {
    throw new Error("all() must deny when its last guard does");
  }
}

await ask<undefined, boolean>({
  title: "synchronous no-op guards and a synchronous tool",
  cases,
  against: "tool()",
  contestants: {
    "tool()": entry(tool),
    ...each((count) => [`all(${count}), tool()`, governed(`sync ${count}`, all(...guardsOf(count, "sync")), tool)]),
    "all(3) with a taking made by hand, tool()": entry(governed("foreign", all(...guardsOf(3, "sync")), tool, foreign)),
  },
  promises: [{ of: "all(10), tool()", against: "tool()", most: 6 }],
});

const three: Promised = { of: "all(3), await tool()", against: "await tool()", most: 1.15 };
await ask<undefined, boolean>({
  title: "synchronous no-op guards around an asynchronous tool",
  isAwaited: true,
  cases,
  against: "await tool()",
  contestants: {
    "await tool()": entry(asyncTool),
    ...each((
      count,
    ) => [`all(${count}), await tool()`, governed(`around ${count}`, all(...guardsOf(count, "sync")), asyncTool)]),
    "3 guards awaited one by one": entry(awaitedLoop(guardsOf(3, "sync"))),
    "3 guards, async onion": entry(onion(guardsOf(3, "sync"))),
  },
  promises: [three],
});

await ask<undefined, boolean>({
  title: "asynchronous no-op guards, and one of them among synchronous ones, around an asynchronous tool",
  isAwaited: true,
  cases,
  against: "await tool()",
  contestants: {
    "await tool()": entry(asyncTool),
    ...each((
      count,
    ) => [
      `all(${count} async), await tool()`,
      governed(`async ${count}`, all(...guardsOf(count, "async")), asyncTool),
    ]),
    ...each((count) => [
      `all(${count - 1} sync, 1 async), await tool()`,
      governed(`mixed ${count}`, all(...guardsOf(count - 1, "sync"), ...guardsOf(1, "async")), asyncTool),
    ]),
  },
});
