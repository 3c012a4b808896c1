import type { Coverage } from "../../../mod.ts";
import type { PluginEntry, PluginFixture } from "../plugin-fixture.ts";
import { inheritedBy, methodsOf, outlineOf, wayTo } from "./crawl.ts";
import { must } from "./promise.ts";
import type { Trial } from "./trial.ts";

/** What a promise about the governed object is checked with. */
export interface ObjectBench {
  readonly fixture: PluginFixture;
  trial(governed: boolean): Trial;
}

/** A promise that is about no entry. */
export interface ObjectPromise {
  readonly name: string;
  readonly concerns?: (fixture: PluginFixture) => boolean;
  check(bench: ObjectBench): Promise<void>;
}

const LISTS = ["governed", "passedThrough", "ungoverned"] as const;
const isAgent = ({ gates }: PluginEntry): boolean => gates.includes("model") && gates.includes("tool");
const hasObject = ({ object }: PluginFixture): boolean => object !== undefined;

/** What holds of what a user is given. */
export const OBJECT: readonly ObjectPromise[] = [
  {
    name: "coverage is true",
    async check({ fixture, trial }) {
      const coverage = fixture.coverage();
      const all = LISTS.flatMap((list) => {
        must(Array.isArray(coverage[list]), `coverage().${list} is no list`);
        return coverage[list];
      });
      must(all.every((name) => typeof name === "string" && name.trim() !== ""), "coverage() lists what is no name");
      const twice = all.find((name, index) => all.indexOf(name) !== index);
      must(twice === undefined, `coverage() lists "${twice}" twice`);
      must(coverage.governed.length > 0, "coverage() says that nothing is governed");
      for (const [promise, { coverage: place }] of Object.entries(fixture.cannot ?? {})) {
        must(
          coverage.passedThrough.includes(place) || coverage.ungoverned.includes(place),
          `coverage() does not name "${place}", where "${promise}" is not kept`,
        );
      }
      const entries = Object.values(fixture.entries);
      must(
        entries.some(({ subAgents }) => subAgents === true) || !entries.some(isAgent) ||
          [...coverage.passedThrough, ...coverage.ungoverned].some((name) => /agent|hand.?off/i.test(name)),
        "coverage() says nothing of agents that agents call, and no entry has them",
      );
      const made = fixture.object?.(trial(true).scene);
      if (made === undefined) return;
      const unnamed = methodsOf(made.governed).filter((method) => !isNamed(method, coverage));
      must(unnamed.length === 0, `coverage() does not name ${unnamed.join(", ")}`);
    },
  },
  {
    name: "the original stays as it was",
    concerns: hasObject,
    async check({ fixture, trial }) {
      const plain = fixture.object?.(trial(false).scene);
      const classes = plain === undefined ? [] : inheritedBy(plain.original);
      const governed = fixture.object?.(trial(true).scene);
      if (plain === undefined || governed === undefined) return;
      const now = inheritedBy(governed.original);
      must(
        now.length === classes.length && now.every((member, index) => member === classes[index]),
        "governing changed the original's class",
      );
      must(governed.governed !== governed.original, "the governed object is the original itself");
      const [before, after] = [outlineOf(plain.original), outlineOf(governed.original)];
      const changed = [...before, ...after].find((line) => before.includes(line) !== after.includes(line));
      must(changed === undefined, `governing changed the original at ${changed}`);
    },
  },
  {
    name: "nothing leads to the original",
    concerns: hasObject,
    async check({ fixture, trial }) {
      const made = fixture.object?.(trial(true).scene);
      if (made === undefined) return;
      const { governed, original, secrets = [], ways = {} } = made;
      const targets = [original, ...secrets];
      const coverage = fixture.coverage();
      const called = [...coverage.governed, ...coverage.passedThrough];
      const calls = methodsOf(governed).filter((method) => called.includes(method)).map((method) =>
        [`${method}()`, (it: object): unknown => (it as Record<string, () => unknown>)[method]?.()] as const
      );
      const direct = wayTo(governed, targets);
      must(direct === undefined, `the original is reached by ${direct}`);
      for (const [name, go] of [...Object.entries(ways), ...calls]) {
        const way = wayTo(await outcomeOf(() => go(governed)), targets);
        must(way === undefined, `the original is reached by ${name}: ${way}`);
      }
      const left = wayTo(governed, targets);
      must(left === undefined, `the original is reached afterwards by ${left}`);
    },
  },
];

/** What a way gives, or throws. */
async function outcomeOf(go: () => unknown): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => void (timer = setTimeout(resolve, 100)));
  try {
    const given = go();
    const settled = await Promise.race([Promise.resolve(given).catch((error: unknown) => error), enough]);
    return [given, settled];
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a coverage has a name, alone or in what it says of it (`tools.search.execute`). */
function isNamed(method: string, coverage: Coverage): boolean {
  return LISTS.some((list) => coverage[list].some((text) => text.split(/[^\w$]+/).includes(method)));
}
