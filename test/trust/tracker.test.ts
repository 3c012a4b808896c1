import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actionGuard } from "../../src/trust/action-guard.ts";
import { type AgentProfile, agentProfile } from "../../src/trust/profile.ts";
import { trustTracker } from "../../src/trust/tracker.ts";
import { memoryStore } from "./memory-store.ts";

type Options = NonNullable<Parameters<typeof trustTracker>[0]>;
const DAY = 86_400_000;
const KEY = "trust:did:agentmesh:a1";
const alpha = (trustScore = 500, did = "did:agentmesh:a1") => agentProfile({ did, name: "Alpha", trustScore });
const METHOD = { success: "recordSuccess", failure: "recordFailure", violation: "recordViolation" } as const;
type Outcome = keyof typeof METHOD;

describe("scores", () => {
  const { sequences } = JSON.parse(readFileSync(new URL("../vectors/trust.json", import.meta.url), "utf8")) as {
    sequences: { reward: number; penalty: number; start: number; events: [Outcome, number][] }[];
  };

  test("record…() moves scores as the reference, when it plays its 30 sequences", () => {
    expect(sequences.length).toBe(30);
    for (const { reward, penalty, start, events } of sequences) {
      const [agent, tracker] = [alpha(start), trustTracker({ reward, penalty })];
      expect(events.map(([outcome]) => [outcome, tracker[METHOD[outcome]](agent, "a")])).toEqual(events);
      expect(tracker.history().map(({ outcome, newScore }) => [outcome, newScore])).toEqual(events);
    }
  });

  test.each([[{}, 450], [{ penalty: 70 }, 430], [{ violationPenalty: 200 }, 300], [
    { penalty: 70, violationPenalty: 0 },
    500,
  ]])("recordViolation() takes its own penalty, when options are %j", (options, score) => {
    const [agent, tracker] = [alpha(), trustTracker(options)];
    expect([tracker.recordViolation(agent, "a"), agent.trustScore, tracker.history()[0]]).toMatchObject([score, score, {
      outcome: "failure",
      violation: true,
    }]);
  });

  test("record…() agrees with a model on any sequence, when rewards and penalties are any", () => {
    const points = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(
        points,
        points,
        points,
        points,
        fc.array(fc.constantFrom<Outcome>("success", "failure", "violation")),
        (start, reward, penalty, violationPenalty, outcomes) => {
          const [agent, tracker] = [alpha(start), trustTracker({ reward, penalty, violationPenalty })];
          let score = start;
          for (const outcome of outcomes) {
            score = Math.max(
              0,
              Math.min(1000, score + { success: reward, failure: -penalty, violation: -violationPenalty }[outcome]),
            );
            expect(tracker[METHOD[outcome]](agent, "a")).toBe(score);
            expect(agent.trustScore).toBe(score);
          }
        },
      ),
    );
  });

  test("record…() moves one agent, when there are others", () => {
    const [one, other, tracker] = [alpha(), alpha(500, "did:agentmesh:a2"), trustTracker()];
    tracker.recordFailure(one, "a");
    expect([one.trustScore, other.trustScore]).toEqual([450, 500]);
  });

  const like = {
    did: "did:agentmesh:a1",
    name: "A",
    capabilities: [],
    trustScore: 500,
    status: "active",
    metadata: {},
  };
  test.each([["a look-alike", like], ["a proxy", new Proxy(alpha(), {})], ["an heir", Object.create(alpha())], [
    "null",
    null,
  ], ["a copy", { ...alpha() }]])("record…() throws, when the agent is %s", (_, agent) => {
    expect(() => trustTracker().recordSuccess(agent as AgentProfile, "a")).toThrow("must be made by agentProfile()");
  });

  test.each([[undefined, undefined], [7, undefined], ["a", ""], ["a", 7], ["a", null]])(
    "record…() throws and changes nothing, when action and call id are %j and %j",
    (action, callId) => {
      const [agent, tracker] = [alpha(), trustTracker()];
      expect(() => tracker.recordSuccess(agent, action as string, callId as string)).toThrow(TypeError);
      expect([agent.trustScore, tracker.history().length]).toEqual([500, 0]);
    },
  );
});

describe("history", () => {
  test.each([[0, []], [1, ["e"]], [3, ["c", "d", "e"]], [5, ["a", "b", "c", "d", "e"]], [6, [
    "a",
    "b",
    "c",
    "d",
    "e",
  ]]])("history() keeps the last ones in order, when %d are kept", (historyLimit, kept) => {
    const [agent, tracker] = [alpha(), trustTracker({ historyLimit })];
    for (const action of ["a", "b", "c", "d", "e"]) tracker.recordSuccess(agent, action);
    expect(tracker.history().map(({ action }) => action)).toEqual(kept);
  });

  test("history() answers frozen copies, when its caller would change them", () => {
    const [agent, tracker] = [alpha(), trustTracker()];
    tracker.recordSuccess(agent, "a");
    const seen = tracker.history();
    expect(() => ((seen[0] as { newScore: number }).newScore = 1000)).toThrow(TypeError);
    expect(() => (seen as unknown[]).push(1)).toThrow(TypeError);
    expect(tracker.history()[0]).toEqual({
      did: agent.did,
      action: "a",
      outcome: "success",
      newScore: 510,
      timestamp: expect.any(Number),
    });
  });
});

describe("call ids", () => {
  test.each([
    [["success", "success"], 510],
    [["failure", "failure"], 450],
    [["failure", "success"], 450],
    [["violation", "failure", "success"], 300],
    [["success", "failure"], 460],
    [["success", "failure", "failure", "success", "violation", "violation"], 260],
  ] as [Outcome[], number][])(
    "record…() counts a call once, unless worse comes to light, when it is told %j",
    (outcomes, score) => {
      const [agent, tracker] = [alpha(), trustTracker({ violationPenalty: 200 })];
      const scores = outcomes.map((outcome) => tracker[METHOD[outcome]](agent, "a", "call-1"));
      expect([agent.trustScore, scores.at(-1)]).toEqual([score, score]);
    },
  );

  test("record…() counts both, when two agents use the same id", () => {
    const [one, other, tracker] = [alpha(), alpha(500, "did:agentmesh:a2"), trustTracker()];
    expect([tracker.recordSuccess(one, "a", "#1"), tracker.recordSuccess(other, "a", "#1")]).toEqual([510, 510]);
  });

  test("record…() forgets the oldest id, when it remembers no more", () => {
    const [agent, tracker] = [alpha(), trustTracker({ callMemory: 2 })];
    for (const id of ["1", "2", "3", "3", "2", "4", "5"]) tracker.recordSuccess(agent, "a", id);
    expect([agent.trustScore, tracker.recordSuccess(agent, "a", "4"), tracker.recordSuccess(agent, "a", "5")]).toEqual([
      550,
      550,
      550,
    ]);
    expect(tracker.recordSuccess(agent, "a", "1")).toBe(560);
  });

  test("record…() counts every call, when it remembers none or has no id", () => {
    const [agent, tracker] = [alpha(), trustTracker({ callMemory: 0 })];
    for (const id of ["1", "1", undefined, undefined]) tracker.recordSuccess(agent, "a", id);
    expect(agent.trustScore).toBe(540);
  });
});

describe("decay", () => {
  const clocked = (decay: NonNullable<Options["decay"]>, start = 1000 * DAY) => {
    const clock = { now: start };
    return { clock, tracker: trustTracker({ decay, clock: () => clock.now }) };
  };

  test.each([[0, 810], [0.5, 805], [0.99, 801], [1, 800], [10, 710], [31, 500], [365, 500]])(
    "a score falls evenly and stops at its floor, when %d days pass",
    (days, score) => {
      const { clock, tracker } = clocked({ perDay: 10 });
      const agent = alpha(800);
      tracker.recordSuccess(agent, "a");
      clock.now += days * DAY;
      expect(agent.trustScore).toBe(score);
      expect(actionGuard({ minTrustScore: score }).check(agent, "a").allowed).toBe(true);
      expect(actionGuard({ minTrustScore: score + 1 }).check(agent, "a").allowed).toBe(false);
    },
  );

  test("a score does not rise, when it is below the floor", () => {
    const { clock, tracker } = clocked({ perDay: 10, towards: 500 });
    const agent = alpha(200);
    tracker.recordFailure(agent, "a");
    clock.now += 365 * DAY;
    expect(agent.trustScore).toBe(150);
  });

  test("a score falls from its base once, when it is read often or loaded again", async () => {
    const { clock, tracker } = clocked({ perDay: 10, towards: 0 });
    const agent = alpha(800);
    await tracker.load(agent);
    for (let hour = 0; hour < 48; hour++) {
      clock.now += DAY / 24;
      agent.trustScore;
      await tracker.load(agent);
    }
    expect(agent.trustScore).toBe(780);
  });

  test("an outcome counts on top of what is left, when it comes after idle days", () => {
    const { clock, tracker } = clocked({ perDay: 10, towards: 0 });
    const agent = alpha(800);
    tracker.recordSuccess(agent, "a");
    clock.now += 10 * DAY;
    expect(tracker.recordSuccess(agent, "a")).toBe(720);
    clock.now += DAY;
    expect(agent.trustScore).toBe(710);
  });

  test("a score falls by the time since the latest moment seen, when the clock goes back (TT-10)", () => {
    const { clock, tracker } = clocked({ perDay: 10, towards: 0 });
    const agent = alpha(800);
    const t0 = clock.now;
    tracker.recordSuccess(agent, "a");
    clock.now = t0 - DAY;
    expect(agent.trustScore).toBe(810);
    clock.now = t0 + 10 * DAY;
    expect(agent.trustScore).toBe(710);
  });

  test.each([NaN, Infinity, -Infinity, undefined])("time stands still, when the clock says %s", (nonsense) => {
    const { clock, tracker } = clocked({ perDay: 10, towards: 0 });
    const agent = alpha(800);
    tracker.recordSuccess(agent, "a");
    const before = clock.now;
    clock.now = nonsense as number;
    expect(tracker.recordSuccess(agent, "a")).toBe(820);
    clock.now = before + DAY;
    expect(agent.trustScore).toBe(810);
    expect(tracker.history().map(({ timestamp }) => timestamp)).toEqual([before, before]);
  });

  test("a score does not fall, when no decay was asked for", async () => {
    const clock = { now: DAY };
    const [agent, tracker] = [alpha(800), trustTracker({ clock: () => clock.now })];
    expect(await tracker.load(agent)).toBe(800);
    tracker.recordSuccess(agent, "a");
    clock.now += 1000 * DAY;
    expect(agent.trustScore).toBe(810);
  });
});

describe("store", () => {
  const kept = (score: unknown, at: unknown = 0) => ({ value: JSON.stringify({ score, at }), version: "x" });
  const stored = (store: ReturnType<typeof memoryStore>, key = KEY) =>
    JSON.parse(store.entries.get(key)?.value ?? "null");

  test("load() shows the score of another process, when that process wrote it", async () => {
    const store = memoryStore();
    const first = trustTracker({ store, clock: () => 9 });
    first.recordFailure(alpha(), "a");
    await first.flush();
    expect(stored(store)).toEqual({ score: 450, at: 9 });
    const agent = alpha();
    expect(await trustTracker({ store }).load(agent)).toBe(450);
    expect(agent.trustScore).toBe(450);
  });

  test("load() leaves the score, when the store knows nothing of the agent", async () => {
    const agent = alpha(640);
    expect(await trustTracker({ store: memoryStore() }).load(agent)).toBe(640);
  });

  test.each([
    ["null", kept(null)],
    ["text", kept("9999")],
    ["negative", kept(-5)],
    ["too high", kept(1001)],
    ["a fraction", kept(500.5)],
    ["without a time", kept(700, null)],
    ["with no time", { value: '{"score":700}', version: "x" }],
    ["before all time", kept(700, -1)],
    ["another shape", { value: '{"a":{"score":null}}', version: "x" }],
    ["no JSON", { value: "{", version: "x" }],
    ["empty", { value: "", version: "x" }],
    ["JSON null", { value: "null", version: "x" }],
    ["a number", { value: 700, version: "x" }],
    ["without a version", { value: kept(700).value }],
    ["null itself", null],
  ])("load() answers 0 and tells, when the entry is %s (TT-07)", async (_, entry) => {
    const store = memoryStore();
    store.entries.set(KEY, entry as never);
    const errors: Error[] = [];
    const [agent, tracker] = [alpha(900), trustTracker({ store, onError: (error) => errors.push(error) })];
    expect(await tracker.load(agent)).toBe(0);
    expect(actionGuard({ minTrustScore: 1 }).check(agent, "a").allowed).toBe(false);
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Could not read the trust score of did:agentmesh:a1: the entry /),
    ]);
    await expect(tracker.flush()).rejects.toThrow('The trust store "memory" failed 1 time');
    await tracker.flush();
  });

  test("load() answers 0, when the store fails, and the score, when it works again", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept(700));
    store.onRead = () => Promise.reject("down");
    const [agent, tracker] = [
      alpha(900),
      trustTracker({
        store,
        onError: () => {
          throw new Error("a listener's own");
        },
      }),
    ];
    expect(await tracker.load(agent)).toBe(0);
    store.onRead = undefined;
    expect(await tracker.load(agent)).toBe(700);
    await expect(tracker.flush()).rejects.toMatchObject({
      errors: [{ message: "Could not read the trust score of did:agentmesh:a1: the store failed", cause: "down" }],
    });
  });

  test("record…() adds to what is stored and then shows that, when the agent was not loaded", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept(200));
    const [agent, tracker] = [alpha(), trustTracker({ store })];
    expect(tracker.recordSuccess(agent, "a")).toBe(510);
    await tracker.flush();
    expect([agent.trustScore, stored(store).score]).toEqual([210, 210]);
  });

  test("record…() leaves a damaged entry and trusts nobody, when it meets one", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept("9999"));
    const [agent, tracker] = [alpha(), trustTracker({ store })];
    tracker.recordSuccess(agent, "a");
    await expect(tracker.flush()).rejects.toThrow(AggregateError);
    expect([agent.trustScore, stored(store).score]).toEqual([0, "9999"]);
  });

  test("no outcome is lost, when several trackers write the same agent at once", async () => {
    const store = memoryStore();
    const trackers = Array.from(
      { length: 5 },
      () => ({ agent: alpha(), tracker: trustTracker({ store, penalty: 7 }) }),
    );
    for (let round = 0; round < 5; round++) {
      for (const { agent, tracker } of trackers) tracker.recordFailure(agent, "a");
    }
    await Promise.all(trackers.map(({ tracker }) => tracker.flush()));
    expect(stored(store).score).toBe(500 - 25 * 7);
  });

  test("record…() adds to the newer score, when another process writes between the read and the write", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept(700));
    const before = store.read;
    store.read = async (key) => {
      const entry = await before(key);
      store.read = before;
      store.entries.set(KEY, { ...kept(300), version: "y" });
      return entry;
    };
    const tracker = trustTracker({ store });
    tracker.recordSuccess(alpha(), "a");
    await tracker.flush();
    expect(stored(store).score).toBe(310);
  });

  test("flush() tells, when an entry always changes meanwhile, and the outcome is written later", async () => {
    const store = memoryStore();
    let puts = 0;
    store.onPut = () => (puts++, false);
    const [agent, tracker] = [alpha(), trustTracker({ store })];
    tracker.recordFailure(agent, "a");
    await expect(tracker.flush()).rejects.toMatchObject({
      errors: [{
        message: "Could not write the trust score of did:agentmesh:a1: the entry changed 16 times while it was written",
      }],
    });
    expect([puts, agent.trustScore]).toEqual([16, 450]);
    store.onPut = undefined;
    await tracker.flush();
    expect(stored(store).score).toBe(450);
  });

  test("flush() tells, when put() answers neither true nor false", async () => {
    const store = memoryStore();
    store.onPut = () => "OK";
    const tracker = trustTracker({ store });
    tracker.recordFailure(alpha(), "a");
    await expect(tracker.flush()).rejects.toMatchObject({
      errors: [{ cause: new TypeError("put() must answer true or false") }],
    });
  });

  test("outcomes wait in order and are written together, when the store was away", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept(980));
    store.onRead = () => Promise.reject(new Error("down"));
    const [agent, tracker] = [alpha(980), trustTracker({ store })];
    tracker.recordSuccess(agent, "a");
    await expect(tracker.flush()).rejects.toThrow("failed 1 time");
    tracker.recordSuccess(agent, "a");
    tracker.recordSuccess(agent, "a");
    tracker.recordFailure(agent, "a");
    await expect(tracker.flush()).rejects.toThrow("failed 1 time");
    store.onRead = undefined;
    expect(await tracker.load(agent)).toBe(950);
    await tracker.flush();
    expect([agent.trustScore, stored(store).score]).toEqual([950, 950]);
  });

  test("flush() keeps a bounded number of errors and counts them all, when a store stays away", async () => {
    const store = memoryStore();
    store.onRead = () => Promise.reject(new Error("down"));
    const tracker = trustTracker({ store });
    for (let i = 0; i < 20; i++) await tracker.load(alpha());
    const error = await tracker.flush().catch((reason: AggregateError) => reason) as AggregateError;
    expect([error.message, error.errors.length]).toEqual(['The trust store "memory" failed 20 times', 16]);
  });

  test("an outcome stays, when it is recorded while the store is asked or written", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept(700));
    const [agent, tracker] = [alpha(), trustTracker({ store })];
    store.onRead = () => void (store.onRead = undefined, tracker.recordFailure(agent, "during the read"));
    expect(await tracker.load(agent)).toBe(650);
    store.onPut = () => void (store.onPut = undefined, tracker.recordFailure(agent, "during the write"));
    const shown: number[] = [];
    store.onRead = () => void shown.push(agent.trustScore);
    await tracker.flush();
    await tracker.flush();
    expect([shown, agent.trustScore, stored(store).score]).toEqual([[600], 600, 600]);
  });

  test("both outcomes stay in order, when one is recorded while the write of another fails", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept(30));
    const [agent, tracker] = [alpha(30), trustTracker({ store, reward: 10, penalty: 50 })];
    store.onPut = () => {
      store.onPut = undefined;
      tracker.recordSuccess(agent, "during the write");
      throw new Error("down");
    };
    tracker.recordFailure(agent, "a");
    await expect(tracker.flush()).rejects.toThrow("failed 1 time");
    await tracker.flush();
    expect([agent.trustScore, stored(store).score]).toEqual([10, 10]);
  });

  test("what waits is written as one by one, whatever the outcomes and the stored score", async () => {
    const score = fc.integer({ min: 0, max: 1000 });
    await fc.assert(
      fc.asyncProperty(
        score,
        fc.array(fc.constantFrom<Outcome>("success", "failure", "violation"), { minLength: 1 }),
        score,
        score,
        async (start, outcomes, reward, penalty) => {
          const [together, single] = [memoryStore(), memoryStore()];
          for (const store of [together, single]) store.entries.set(KEY, kept(start));
          const options = { reward, penalty, violationPenalty: 300 };
          const [one, other] = [
            trustTracker({ ...options, store: together }),
            trustTracker({ ...options, store: single }),
          ];
          const agent = alpha();
          for (const outcome of outcomes) {
            one[METHOD[outcome]](agent, "x");
            other[METHOD[outcome]](alpha(), "x");
            await other.flush();
          }
          await one.flush();
          expect(stored(together).score).toBe(stored(single).score);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("a stored score falls while nobody runs, when there is decay", async () => {
    const store = memoryStore();
    const clock = { now: 100 * DAY };
    const make = () => trustTracker({ store, clock: () => clock.now, decay: { perDay: 10, towards: 0 } });
    const first = make();
    first.recordSuccess(alpha(800), "a");
    await first.flush();
    clock.now += 10 * DAY;
    const [agent, second] = [alpha(800), make()];
    expect(await second.load(agent)).toBe(710);
    second.recordSuccess(agent, "a");
    await second.flush();
    expect(stored(store)).toEqual({ score: 720, at: clock.now });
    clock.now += DAY;
    expect(agent.trustScore).toBe(710);
  });

  test("load() takes now for a time that is still to come, when an entry has one", async () => {
    const store = memoryStore();
    store.entries.set(KEY, kept(800, 1e15));
    const clock = { now: DAY };
    const [agent, tracker] = [
      alpha(),
      trustTracker({ store, clock: () => clock.now, decay: { perDay: 10, towards: 0 } }),
    ];
    await tracker.load(agent);
    clock.now += DAY;
    expect(agent.trustScore).toBe(790);
  });

  test("idle time begins at load(), when the store does not know the agent", async () => {
    const clock = { now: DAY };
    const [agent, tracker] = [
      alpha(800),
      trustTracker({ store: memoryStore(), clock: () => clock.now, decay: { perDay: 10, towards: 0 } }),
    ];
    await tracker.load(agent);
    clock.now += DAY;
    expect(agent.trustScore).toBe(790);
  });

  test("each agent has its own entry, when ids look like names of a prototype", async () => {
    const store = memoryStore();
    const tracker = trustTracker({ store });
    for (const did of ["did:agentmesh:constructor", "did:agentmesh:toString"]) {
      tracker.recordSuccess(alpha(500, did), "a");
    }
    await tracker.flush();
    expect([...store.entries.keys()]).toEqual(["trust:did:agentmesh:constructor", "trust:did:agentmesh:toString"]);
  });

  test("flush() resolves, when there is no store", async () => {
    const tracker = trustTracker();
    tracker.recordSuccess(alpha(), "a");
    await expect(tracker.flush()).resolves.toBeUndefined();
  });

  test("load() rejects, when the agent is a look-alike", async () => {
    await expect(trustTracker({ store: memoryStore() }).load({ ...alpha() })).rejects.toThrow(
      "must be made by agentProfile()",
    );
  });
});

describe("construction", () => {
  test.each([
    ["reward", NaN],
    ["reward", Infinity],
    ["reward", -1],
    ["reward", 0.5],
    ["reward", 1001],
    ["reward", "10"],
    ["reward", null],
    ["penalty", NaN],
    ["penalty", -50],
    ["penalty", Infinity],
    ["violationPenalty", NaN],
    ["violationPenalty", -1],
    ["historyLimit", -1],
    ["historyLimit", Infinity],
    ["historyLimit", NaN],
    ["callMemory", Infinity],
    ["callMemory", "5"],
    ["clock", 7],
    ["onError", "log"],
    ["store", {}],
    ["store", null],
    ["store", { name: "x", read() {} }],
    ["store", "redis"],
    ["rewards", 10],
  ])("trustTracker() throws and names the field, when %s is %s (TT-01, TT-04)", (field, value) => {
    expect(() => trustTracker({ [field]: value } as Options)).toThrow(
      `Cannot build trustTracker(): "${field}" must be `,
    );
  });

  test.each([
    ["decay.perDay", { perDay: 0 }],
    ["decay.perDay", { perDay: NaN }],
    ["decay.perDay", { perDay: -1 }],
    ["decay.perDay", { perDay: 1001 }],
    ["decay.perDay", { perDay: "5" }],
    ["decay.perDay", {}],
    ["decay.towards", { perDay: 1, towards: NaN }],
    ["decay.towards", { perDay: 1, towards: 1001 }],
    ["halfLife", { perDay: 1, halfLife: 3 }],
    ["options", null],
    ["options", "fast"],
  ])("trustTracker() throws and names %s, when decay is %j", (field, decay) => {
    expect(() => trustTracker({ decay: decay as never })).toThrow(`"${field}" must be `);
  });

  test("trustTracker() throws, when options are no object", () => {
    expect(() => trustTracker(null as never)).toThrow('"options" must be an object');
  });
});

describe("rewards by action", () => {
  test("makes single actions worth more, less or nothing, and all others the reward", () => {
    const rewards = { deploy: 25, ping: 0, ["__proto__"]: 7 };
    const tracker = trustTracker({ rewards });
    rewards.ping = 1000;
    const agent = agentProfile({ did: "did:agentmesh:a", name: "A" });
    for (let i = 0; i < 45; i++) tracker.recordSuccess(agent, "ping");
    expect(agent.trustScore).toBe(500);
    expect(tracker.recordSuccess(agent, "deploy")).toBe(525);
    expect(tracker.recordSuccess(agent, "Deploy")).toBe(535);
    expect(tracker.recordSuccess(agent, "__proto__")).toBe(542);
    expect(tracker.recordSuccess(agent, "constructor")).toBe(552);
    // What goes wrong costs the same, whatever it is worth.
    expect(tracker.recordFailure(agent, "ping")).toBe(502);
  });

  test("reaches 900 with forty-five calls that do nothing, where nobody says what they are worth", () => {
    const tracker = trustTracker();
    const agent = agentProfile({ did: "did:agentmesh:a", name: "A", trustScore: 450 });
    for (let i = 0; i < 45; i++) tracker.recordSuccess(agent, "ping");
    expect(agent.trustScore).toBe(900);
  });

  test.each([
    [{ deploy: -1 }, '"rewards.deploy" must be a whole number from 0 to 1000, and is -1'],
    [{ deploy: NaN }, '"rewards.deploy"'],
    [{ deploy: "5" }, '"rewards.deploy"'],
    [new Map([["deploy", 5]]), '"rewards" must be a plain object'],
    [["deploy"], '"rewards"'],
    [null, '"rewards"'],
  ])("throws, when they are %j", (rewards, message) => {
    expect(() => trustTracker({ rewards } as never)).toThrow(message);
  });
});
