import { describe, expect, test, vi } from "vitest";
import { pluginPromises, testPlugin } from "../../src/testing/mod.ts";
import { miniFixture } from "./plugin-kit/mini-fixture.ts";

/** What the cases of one promise say, where they fail; the case itself is left out. */
async function complaints(fault: string, promise: string): Promise<readonly string[]> {
  const found: string[] = [];
  const cases = testPlugin(miniFixture(fault)).filter(({ title }) => titlePromise(title) === promise);
  expect(cases.length).toBeGreaterThan(0);
  for (const { title, run } of cases) {
    await run().catch((error: Error) => {
      expect(error.message.startsWith(`${title}: `)).toBe(true);
      expect(error.message.endsWith(`. See "${promise}" in plugins/README.md`)).toBe(true);
      found.push(error.message.slice(title.length + 2, -`. See "${promise}" in plugins/README.md`.length));
    });
  }
  return found;
}

const titlePromise = (title: string): string => title.replace(/^.*?: /, "").replace(/ \((?:run|model|tool)\)$/, "");

/** Plugins with one fault, the promise that it breaks, and how the kit puts it. */
const FAULTS: readonly (readonly [fault: string, promise: string, complaint: string])[] = [
  ["marks results", "same as ungoverned", "what the model reads"],
  ["wraps errors of tools", "same when a tool throws", "what the model reads"],
  ["wraps errors of models", "same when a model fails", "what the caller catches"],
  ["retries past the gate", "same when a model fails", "how often the model is asked"],
  ["runs calls twice", "runs once", "calls of the tool that ran: wanted 1, found 2"],
  ["does not govern tools", "runs once", "acts that passed both gates, for each that ran: wanted 1, found 0"],
  ["does not govern models", "judged before and after", "what guards were shown at pre_model_call"],
  ["does not govern runs", "judged before and after", "what guards were shown at input"],
  ["shows prompts as they like", "one shape", "the payload at pre_model_call has no messages"],
  ["leaves failed acts open", "ends every act", "reservations that are still held"],
  ["keeps the first session", "sessions stay apart", "the session that denies was not asked"],
  ["does not govern tools", "denied does not run", "nothing was denied"],
  ["judges calls twice", "denied once", "denials at pre_tool_call: wanted 1, found 2"],
  ["judges models twice", "denied once", "denials at pre_model_call: wanted 1, found 2"],
  ["tells nobody why a call was refused", "told why", "what the model reads"],
  ["tells nobody why a model was refused", "told why", "what the caller gets"],
  ["tells the model all that it knows", "nothing internal", "what the model reads"],
  ["fails open", "a broken guard denies", "calls of the tool that ran: wanted 0, found 1"],
  ["gives a refused result", "a refused result is withheld", "what the model reads"],
  ["gives a refused answer", "a refused result is withheld", "what the caller gets"],
  ["refuses a whole turn", "a denied sibling", "allowed calls beside it that ran: wanted 1, found 0"],
  ["streams before it is judged", "a refused stream", "what was streamed has"],
  ["forgets a reader that leaves", "a reader may leave", "reservations that are still held: wanted 0, found 1"],
  ["runs the arguments as they were", "a change goes in", "the tool got"],
  ["sends the request as it was", "a change goes in", "what the model reads"],
  ["runs the prompt as it was", "a change goes in", "what the model reads"],
  ["drops a changed result", "a change comes out", "what the model reads"],
  ["drops a changed answer", "a change comes out", "what the caller gets"],
  ["asks twice", "asked once", "how often a person was asked: wanted 1, found 2"],
  ["takes a no for a yes", "a no denies", "refused calls that ran: wanted 0, found 1"],
  ["a no ends the turn", "an approved sibling", "approved calls beside it that ran: wanted 1, found 0"],
  ["lets a yes stand", "a second pause", "approved calls that ran: wanted 1, found 2"],
  ["takes any answer for a yes", "a yes in the framework", "refused calls that ran: wanted 0, found 1"],
  ["drops grants", "a grant given later", "granted calls that ran: wanted 1, found 0"],
  ["drops grants", "a grant elsewhere", "granted calls that ran in another process: wanted 1, found 0"],
  ["runs what has a grant", "only what was granted", "calls that ran by a grant that somebody else signed"],
  ["runs what has a grant", "a grant elsewhere", "calls that ran by a grant that was used"],
  ["runs finished siblings again", "a paused call counts once", "calls beside it that ran, once it was answered"],
  ["judges, and runs later", "parallel calls keep a limit", "calls of 5 that ran under a limit of 2"],
  ["reports no usage", "usage is counted", "tokens that the session counts"],
  ["retries past the gate", "a failed attempt counts", "model calls that the session counts"],
  ["passes no signal", "abort stops it", "the tool's signal does not abort"],
  ["goes on when killed", "a killed agent stops", "how often the model was asked: wanted 1"],
  ["does not govern sub-agents", "sub-agents are governed", "denied calls of the inner agent's tool that ran"],
  ["nests without a signal", "nested acts wait for nobody", "denials under a limit of one act at a time"],
  ["names something twice", "coverage is true", 'coverage() lists "ask" twice'],
  ["has a method that nobody names", "coverage is true", "coverage() does not name forecast"],
  ["says nothing of sub-agents", "coverage is true", "coverage() says nothing of agents that agents call"],
  ["changes the original", "the original stays as it was", "governing changed the original"],
  ["changes the original's class", "the original stays as it was", "governing changed the original's class"],
  ["gives the original back", "the original stays as it was", "the governed object is the original itself"],
  ["holds the original", "nothing leads to the original", "the original is reached by it[Symbol(inner)].entries()"],
  ["hands out the original", "nothing leads to the original", "the original is reached by describe()"],
];

describe("testPlugin()", () => {
  describe("passes a plugin that keeps everything, when", () => {
    for (const { title, run } of testPlugin(miniFixture())) test(title, run);
  });

  test.each(FAULTS)("fails a plugin that %s, when it comes to %j", async (fault, promise, complaint) => {
    const found = await complaints(fault, promise);
    expect(found.join("\n")).toContain(complaint);
  });

  test("fails a drive that never ends, when its time is over", async () => {
    vi.useFakeTimers();
    try {
      const drive = () => new Promise<never>(() => undefined);
      const [first] = testPlugin({
        ...miniFixture(),
        entries: { hangs: { gates: ["run"], drive } },
        timeoutMs: 70_000,
      });
      const failed = first?.run().then(() => "passed", ({ message }: Error) => message);
      await vi.advanceTimersByTimeAsync(70_000);
      expect(await failed).toContain("it has not ended within 70000 ms");
    } finally {
      vi.useRealTimers();
    }
  });

  test("finds a fault for each promise, when all are listed", () => {
    expect(new Set(FAULTS.map(([, promise]) => promise))).toEqual(new Set(pluginPromises));
  });

  test("has titles that differ, when all are listed", () => {
    const titles = testPlugin(miniFixture()).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    expect(new Set(titles.map(titlePromise))).toEqual(new Set(pluginPromises));
  });
});

describe("cannot", () => {
  const because = "this framework cannot";
  const runOf = (fault: string | undefined, key: string, coverage: string, title: string) =>
    testPlugin({ ...miniFixture(fault), cannot: { [key]: { because, coverage } } })
      .find((one) => one.title === title)?.run();

  test.each(["told why", "loop/told why", "told why (tool)", "loop/told why (tool)"])(
    "passes a promise that is broken, when it has %j",
    async (key) => {
      await runOf("tells nobody why a call was refused", key, "the weather", "mini, loop: told why (tool)");
    },
  );

  test("fails a promise that is kept, when it says otherwise", async () => {
    await expect(runOf(undefined, "loop/told why", "the weather", "mini, loop: told why (tool)")).rejects.toThrow(
      '"cannot" has "loop/told why", and it is kept',
    );
  });

  test("fails a promise that is broken, when the coverage does not say so", async () => {
    const fault = "tells nobody why a call was refused";
    await expect(runOf(fault, "told why", "the moon", "mini, loop: told why (tool)")).rejects.toThrow(
      'coverage() does not name "the moon"',
    );
    await expect(runOf(fault, "told why", "the moon", "mini: coverage is true")).rejects.toThrow(
      'coverage() does not name "the moon", where "told why" is not kept',
    );
  });

  test("leaves other entries as they are, when it names one", async () => {
    const fault = "tells nobody why a call was refused";
    await expect(runOf(fault, "loop/told why", "the weather", "mini, ask: told why (tool)")).rejects.toThrow(
      "what the model reads does not have",
    );
  });
});

describe("a fixture", () => {
  const drive = () => Promise.resolve({});
  const good = miniFixture();
  test.each([
    [{ ...good, name: "" }, '"name" must be a text'],
    [{ ...good, coverage: {} }, '"coverage" must be a function'],
    [{ ...good, object: 7 }, '"object" must be a function'],
    [{ ...good, timeoutMs: 0 }, '"timeoutMs" must be a number above 0'],
    [{ ...good, entries: {} }, '"entries" must be an object of at least one entry'],
    [{ ...good, extra: 1 }, '"extra" must be one of the known options'],
    [{ ...good, entries: { a: { gates: [], drive } } }, '"entries.a.gates" must be a list of run, model, tool'],
    [{ ...good, entries: { a: { gates: ["prompt"], drive } } }, '"entries.a.gates" must be a list of run, model, tool'],
    [{ ...good, entries: { a: { gates: ["run"] } } }, '"entries.a.drive" must be a function'],
    [{ ...good, entries: { a: { gates: ["run"], drive, approval: "ask" } } }, '"entries.a.approval" must be'],
    [{ ...good, entries: { a: { gates: ["run"], drive, refusedTool: "user" } } }, '"entries.a.refusedTool" must be'],
    [{ ...good, entries: { a: { gates: ["run"], drive, streams: false } } }, '"entries.a.streams" must be'],
    [{ ...good, cannot: { "told when": { because: "", coverage: "" } } }, '"cannot" must be an object of promises'],
    [{ ...good, cannot: { "walk/told why": { because: "", coverage: "" } } }, '"cannot" must be an object of promises'],
    [{ ...good, cannot: { "told why": "no" } }, '"cannot.told why" must be an object of because and coverage'],
  ])("throws, when it is wrong (%#)", (fixture, message) => {
    expect(() => testPlugin(fixture as never)).toThrow(`Cannot build testPlugin(): ${message}`);
  });
});
