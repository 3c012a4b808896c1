import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AgentProfile,
  agentProfile,
  createKernel,
  memoryStore,
  profileStore,
  type StateStore,
  trustTracker,
} from "../../mod.ts";

const ada = (more: object = {}) =>
  agentProfile({
    did: "did:agentmesh:ada",
    name: "Ada",
    capabilities: ["read"],
    trustScore: 640,
    status: "suspended",
    metadata: { team: ["x"] },
    ...more,
  });
const delegating = (store: StateStore, over: Partial<StateStore>): StateStore => ({
  name: "s",
  read: (key) => store.read(key),
  put: (...args) => store.put(...args),
  take: (...args) => store.take(...args),
  giveBack: (...args) => store.giveBack(...args),
  ...over,
});

describe("profileStore()", () => {
  test("gives back what was saved, when another process reads it", async () => {
    const store = memoryStore();
    await profileStore({ store }).save(ada());
    const read = await profileStore({ store }).load("did:agentmesh:ada");
    expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify(ada())));
    expect(Object.isFrozen(read)).toBe(true);
  });

  test("keeps the newest, when a profile is saved again", async () => {
    const profiles = profileStore({ store: memoryStore() });
    await profiles.save(ada());
    await profiles.save(ada({ status: "revoked" }));
    expect((await profiles.load("did:agentmesh:ada"))?.status).toBe("revoked");
  });

  test("goes together with a tracker, which keeps the score", async () => {
    const store = memoryStore();
    const tracker = trustTracker({ store });
    const profile = ada();
    await profileStore({ store }).save(profile);
    tracker.recordSuccess(profile, "search");
    await tracker.flush();
    const read = (await profileStore({ store }).load(profile.did))!;
    expect([read.trustScore, await trustTracker({ store }).load(read), read.trustScore]).toEqual([640, 650, 650]);
  });

  test("answers undefined, when nothing was saved", async () => {
    expect(await profileStore({ store: memoryStore() }).load("did:agentmesh:bob")).toBeUndefined();
  });

  test.each([["no JSON", "{"], ["a score that is none", JSON.stringify({ ...ada(), trustScore: 9999 })], [
    "a field too many",
    JSON.stringify({ ...ada(), admin: true }),
  ], ["another's profile", JSON.stringify(ada({ did: "did:agentmesh:eve" }))]])(
    "rejects, when the store holds %s",
    async (_what, value) => {
      const store = memoryStore();
      store.put(JSON.stringify(["profile", "did:agentmesh:ada"]), value, { ifVersion: undefined, now: 0 });
      await expect(profileStore({ store }).load("did:agentmesh:ada")).rejects.toThrow();
    },
  );

  test("rejects, when the store fails, or changes all the time", async () => {
    await expect(
      profileStore({
        store: delegating(memoryStore(), {
          put: () => {
            throw new Error("down");
          },
        }),
      }).save(ada()),
    ).rejects.toThrow("down");
    await expect(profileStore({ store: delegating(memoryStore(), { put: () => false }) }).save(ada())).rejects.toThrow(
      /changes all the time/,
    );
  });

  test.each([[{}, /"store.read"/], [{ store: memoryStore(), clock: 5 }, /"clock"/], [{
    store: memoryStore(),
    path: "x",
  }, /"path"/]])("throws, when built with %j", (options, message) => {
    expect(() => profileStore(options as never)).toThrow(message);
  });

  describe("with several who save", () => {
    const did = "did:agentmesh:ada";
    const active = (more: object = {}) => ada({ status: "active", ...more });
    const setup = async () => {
      const store = memoryStore();
      const [one, two] = [profileStore({ store }), profileStore({ store })];
      await one.save(active({ capabilities: ["read", "write"], metadata: { team: "x", floor: 1 } }));
      return { store, one, two };
    };

    test("never undoes a revoke that came between, whatever is saved", async () => {
      const { one, two } = await setup();
      const before = (await one.load(did))!;
      await two.save(agentProfile({ ...(await two.load(did))!, status: "revoked" }));
      await one.save(before);
      await one.save(agentProfile({ ...before, capabilities: ["read"] }));
      await one.save(agentProfile({ ...before, name: "Ada Lovelace" }), { from: before });
      await profileStore({ store: (await setup()).store }).save(active());
      expect(await two.load(did)).toMatchObject({ status: "revoked", name: "Ada Lovelace", capabilities: ["read"] });
      // Not even by one that has seen it, nor by a newcomer that has not.
      const seen = (await one.load(did))!;
      expect((await one.save(agentProfile({ ...seen, status: "active" }), { from: seen })).status).toBe("revoked");
    });

    test("never undoes a revoke by a process that has loaded nothing", async () => {
      const { store, one } = await setup();
      const before = (await one.load(did))!;
      await one.save(agentProfile({ ...before, status: "revoked" }), { from: before });
      expect((await profileStore({ store }).save(active())).status).toBe("revoked");
    });

    test("lifts a suspension only for who has seen it", async () => {
      const { store, one, two } = await setup();
      const before = (await one.load(did))!;
      await two.save(agentProfile({ ...(await two.load(did))!, status: "suspended" }));
      expect((await one.save(before)).status).toBe("suspended");
      expect((await one.save(agentProfile({ ...before }))).status).toBe("suspended");
      expect((await one.save(agentProfile({ ...before }), { from: before })).status).toBe("suspended");
      expect((await profileStore({ store }).save(active())).status).toBe("suspended");
      const seen = (await one.load(did))!;
      expect((await one.save(agentProfile({ ...seen, status: "active" }), { from: seen })).status).toBe("active");
    });

    test("loses nothing, when two save at once", async () => {
      const { one, two } = await setup();
      const [first, second] = [(await one.load(did))!, (await two.load(did))!];
      await Promise.all([
        one.save(agentProfile({ ...first, capabilities: ["read", "write", "pay"], metadata: { team: "y", floor: 1 } })),
        two.save(
          agentProfile({ ...second, capabilities: ["read", "mail"], metadata: { team: "x", floor: 2, desk: 7 } }),
        ),
      ]);
      expect(await one.load(did)).toMatchObject({
        capabilities: expect.arrayContaining(["read", "pay", "mail"]),
        metadata: { team: "y", floor: 2, desk: 7 },
      });
      expect((await one.load(did))?.capabilities).not.toContain("write");
    });

    test("loses nothing, when two save at once who loaded nothing, or are the first", async () => {
      const store = memoryStore();
      const save = (more: object) => profileStore({ store }).save(active(more));
      await Promise.all([
        save({ capabilities: ["read"] }),
        save({ capabilities: ["write"] }),
        save({ status: "revoked" }),
      ]);
      expect(await profileStore({ store }).load(did)).toMatchObject({
        status: "revoked",
        capabilities: expect.arrayContaining(["read", "write"]),
      });
    });

    test("does not give back a capability that was taken away meanwhile", async () => {
      const { one, two } = await setup();
      const before = (await one.load(did))!;
      await two.save(agentProfile({ ...(await two.load(did))!, capabilities: ["read"] }));
      await one.save(agentProfile({ ...before, metadata: { team: "z" } }));
      expect(await two.load(did)).toMatchObject({ capabilities: ["read"], metadata: { team: "z" } });
      expect((await two.load(did))?.metadata).not.toHaveProperty("floor");
    });

    test("adds up what both moved the score by", async () => {
      const { one, two } = await setup();
      const [first, second] = [(await one.load(did))!, (await two.load(did))!];
      trustTracker().recordFailure(first, "search");
      trustTracker().recordSuccess(second, "search");
      await one.save(first);
      await two.save(second);
      expect((await one.load(did))?.trustScore).toBe(600);
    });

    test("keeps what is saved as it is, when nobody else saved", async () => {
      const { one } = await setup();
      const before = (await one.load(did))!;
      const next = agentProfile({ ...before, capabilities: ["write", "pay", "read"], name: "A", trustScore: 3 });
      expect(JSON.stringify(await one.save(next))).toBe(JSON.stringify(next));
      expect(JSON.stringify(await one.load(did))).toBe(JSON.stringify(next));
    });

    test("refuses another agent's profile as the source, and options that it does not know", async () => {
      const { one } = await setup();
      await expect(one.save(active(), { from: ada({ did: "did:agentmesh:eve" }) })).rejects.toThrow('"from"');
      await expect(one.save(active(), { form: active() } as never)).rejects.toThrow('"form"');
    });
  });
});

describe("save() into another store than the one that a profile was loaded from", () => {
  test("keeps all of it, where the other has an older one", async () => {
    const [here, there] = [profileStore({ store: memoryStore() }), profileStore({ store: memoryStore() })];
    await there.save(ada({ status: "active" }));
    await here.save(ada({ status: "active" }));
    await here.save(ada({ status: "revoked", capabilities: ["read", "write"] }));
    const loaded = await here.load("did:agentmesh:ada");
    const kept = await there.save(loaded as NonNullable<typeof loaded>);
    expect([kept.status, kept.capabilities]).toEqual(["revoked", ["read", "write"]]);
  });

  test("does not undo a revocation there", async () => {
    const [here, there] = [profileStore({ store: memoryStore() }), profileStore({ store: memoryStore() })];
    await there.save(ada({ status: "revoked" }));
    const saved = await here.save(ada({ status: "active" }));
    expect((await there.save(saved)).status).toBe("revoked");
  });

  test("loses nothing, when two profile stores share a store", async () => {
    const store = memoryStore();
    const [one, two] = [profileStore({ store }), profileStore({ store })];
    const loaded = await one.save(ada());
    await two.save(ada({ capabilities: ["read", "write"] }));
    expect((await two.save(loaded)).capabilities).toEqual(["read", "write"]);
  });
});

describe("save() without from, of a profile that was made from an older version", () => {
  const did = "did:agentmesh:ada";
  const start = ada({ status: "active", capabilities: ["read", "write"], metadata: { team: "x" } });
  /** One that loads, then another that adds `mail`, which the first may or may not see. */
  const setup = async () => {
    const store = memoryStore();
    const [one, two] = [profileStore({ store }), profileStore({ store })];
    await profileStore({ store }).save(start);
    const before = (await one.load(did)) as AgentProfile;
    const add = async () => {
      const seen = (await two.load(did)) as AgentProfile;
      await two.save(agentProfile({ ...seen, capabilities: [...seen.capabilities, "mail"] }), { from: seen });
    };
    return { store, one, two, before, add };
  };
  const changes: readonly (readonly [string, (before: AgentProfile) => AgentProfile])[] = [
    ["one field is new", (before) => agentProfile({ ...before, capabilities: ["read", "pay"] })],
    ["two steps were made", (before) => {
      const step = agentProfile({ ...before, metadata: { team: "y" } });
      return agentProfile({ ...step, capabilities: ["read", "pay"] });
    }],
    ["it is no profile of ours", (before) => ({ ...before, capabilities: ["read", "pay"] })],
  ];

  test.each(changes)("loses nothing that came between, when %s", async (_, change) => {
    const { one, before, add } = await setup();
    const mine = change(before);
    await add();
    // The same store has seen the newer one meanwhile, and it is not what this one was made from.
    await one.load(did);
    expect([...(await one.save(mine)).capabilities].sort()).toEqual(["mail", "pay", "read"]);
    expect((await one.load(did))?.capabilities).not.toContain("write");
  });

  test.each(changes)("takes away what it left out, when nothing came between, and %s", async (_, change) => {
    const { one, before } = await setup();
    expect((await one.save(change(before))).capabilities).toEqual(["read", "pay"]);
  });

  test("tells from which of two versions each of two is made, when they share their fields", async () => {
    const { one, before } = await setup();
    const first = agentProfile({ ...before, capabilities: ["read", "write", "a"] });
    await one.save(first);
    // Of the older one, and of the newer.
    const second = agentProfile({ ...before, capabilities: ["read", "write", "b"] });
    const third = agentProfile({ ...first, capabilities: ["write", "a"] });
    await one.save(second);
    expect([...(await one.save(third)).capabilities].sort()).toEqual(["a", "b", "write"]);
  });

  test("refuses to guess, when it may have been made from either of two that differ", async () => {
    const { one, before, add } = await setup();
    await add();
    const now = (await one.load(did)) as AgentProfile;
    const anew = { did, name: "Ada", capabilities: ["read", "pay"], trustScore: 640, metadata: { team: "z" } };
    await expect(one.save(agentProfile(anew))).rejects.toThrow(
      `The profile of ${did} may have been made from more than one version, and what it changed differs: give ` +
        '"from", the profile that it was made from, or what load() answers now to replace that',
    );
    expect((await one.load(did))?.capabilities).toEqual(["read", "write", "mail"]);
    // Told, it goes on.
    expect((await one.save(agentProfile(anew), { from: before })).capabilities).toEqual(["read", "mail", "pay"]);
    expect((await one.save(agentProfile(anew), { from: now })).capabilities).toEqual(["read", "pay"]);
    // And where it is the same either way.
    const wider = [...(await one.load(did))!.capabilities, "x"];
    expect((await one.save(agentProfile({ ...anew, capabilities: wider }))).capabilities).toContain("x");
  });

  test("refuses to guess, when more versions were seen than are remembered", async () => {
    const { one } = await setup();
    let last = (await one.load(did)) as AgentProfile;
    for (let i = 0; i < 20; i++) last = await one.save(agentProfile({ ...last, trustScore: 500 + i }));
    const anew = agentProfile({ did, name: "Ada", capabilities: ["read"], trustScore: 519, metadata: { team: "x" } });
    await expect(one.save(anew)).rejects.toThrow('give "from"');
    expect((await one.save(anew, { from: last })).capabilities).toEqual(["read"]);
  });

  test("refuses to guess, when the agent was seen so long ago that it is forgotten", async () => {
    const { one } = await setup();
    for (let i = 0; i < 4200; i++) await one.save(agentProfile({ did: `did:agentmesh:a${i}`, name: "A" }));
    const anew = agentProfile({ did, name: "Ada", capabilities: ["read"], metadata: { team: "z" } });
    await expect(one.save(anew)).rejects.toThrow('give "from"');
    // A newcomer is nobody's version.
    expect((await one.save(agentProfile({ did: "did:agentmesh:new", name: "N" }))).name).toBe("N");
  });

  test("only adds, when nothing of the agent was ever seen here", async () => {
    const { store } = await setup();
    const anew = agentProfile({
      did,
      name: "Ada of the desk",
      capabilities: ["pay"],
      trustScore: 900,
      metadata: { desk: 7 },
    });
    // In another process, that is.
    expect(await profileStore({ store: delegating(store, {}) }).save(anew)).toMatchObject({
      name: "Ada",
      capabilities: ["read", "write", "pay"],
      trustScore: 640,
      metadata: { team: "x", desk: 7 },
    });
  });

  test("keeps the agent's own profile, when a child session's narrowed one is saved", async () => {
    const { one, before } = await setup();
    const kernel = createKernel();
    const parent = kernel.session({
      agent: agentProfile({ did: "did:agentmesh:boss", name: "B", capabilities: ["read"], trustScore: 100 }),
    });
    const narrowed = parent.child({ agent: before }).context.agent as AgentProfile;
    expect([narrowed.capabilities, narrowed.trustScore]).toEqual([["read"], 100]);
    expect(await one.save(narrowed)).toMatchObject({ capabilities: ["read", "write"], trustScore: 640 });
  });

  test("knows a profile that was made by hand again, when it is saved once more", async () => {
    const { one, before, add } = await setup();
    const mine = { ...before, capabilities: ["read", "pay"], metadata: { team: "y" } };
    await one.save(mine, { from: before });
    await add();
    await one.load(did);
    mine.capabilities = ["pay"];
    // A list that its maker uses for others too says nothing about them.
    const other = { ...mine, did: "did:agentmesh:eve" };
    expect([...(await one.save(mine)).capabilities].sort()).toEqual(["mail", "pay"]);
    expect((await one.save(other)).capabilities).toEqual(["pay"]);
  });

  test("counts each change once, when one profile is saved twice at once", async () => {
    const { one, before } = await setup();
    const tracker = trustTracker();
    tracker.recordFailure(before, "search");
    const first = one.save(before);
    tracker.recordFailure(before, "search");
    const both = await Promise.all([first, one.save(before)]);
    expect(both.map(({ trustScore }) => trustScore)).toEqual([590, 540]);
    // And goes on after one that failed.
    let isDown = true;
    const store = memoryStore();
    const failing = profileStore({
      store: delegating(store, {
        put: (...args) => {
          if (isDown) throw new Error("down");
          return store.put(...args);
        },
      }),
    });
    const failed = failing.save(before);
    const next = failing.save(before);
    await expect(failed).rejects.toThrow("down");
    await expect(next).rejects.toThrow("down");
    isDown = false;
    expect((await failing.save(before)).trustScore).toBe(540);
  });

  test("does not lift a suspension that came after the one that was seen", async () => {
    const { one, two, before } = await setup();
    await one.save(agentProfile({ ...before, status: "suspended" }), { from: before });
    const seen = (await one.load(did)) as AgentProfile;
    const lifted = await two.save(agentProfile({ ...seen, status: "active" }), { from: seen });
    expect(lifted.status).toBe("active");
    await two.save(agentProfile({ ...lifted, status: "suspended" }), { from: lifted });
    const late = await one.save(agentProfile({ ...seen, status: "active", name: "A" }), { from: seen });
    expect([late.status, late.name]).toEqual(["suspended", "A"]);
  });

  test("loses nothing and undoes no revoke, however several load and save", async () => {
    const ways = ["spread", "anew", "from", "plain", "twice"] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(
          fc.record({
            way: fc.constantFrom(...ways),
            loads: fc.integer({ min: 0, max: 2 }),
            revokes: fc.boolean(),
            shares: fc.boolean(),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        async (scheduler, actors) => {
          const kept = memoryStore();
          const later = <T>(value: T): Promise<T> => scheduler.schedule(Promise.resolve(value));
          const store = delegating(kept, {
            read: (key) => later(0).then(() => kept.read(key)).then(later),
            put: (...args) => later(0).then(() => kept.put(...args)).then(later),
          });
          const initial = actors.map((_, at) => `old${at}`);
          await profileStore({ store: kept }).save(
            agentProfile({ did, name: "Ada", capabilities: initial, metadata: { team: "x" } }),
          );
          const shared = profileStore({ store });
          const changed: number[] = [];
          let revoked = false;
          const act = async ({ way, loads, revokes, shares }: typeof actors[number], at: number): Promise<void> => {
            const profiles = shares ? shared : profileStore({ store });
            const from = (await profiles.load(did)) as AgentProfile;
            for (let i = 0; i < loads; i++) await profiles.load(did);
            const { name, trustScore } = from;
            const status = revokes ? "revoked" : from.status;
            const capabilities = [...from.capabilities.filter((one) => one !== `old${at}`), `new${at}`];
            const metadata = { ...from.metadata, [`key${at}`]: at };
            const init = { did, name, trustScore, status, capabilities, metadata };
            const mine = way === "spread"
              ? agentProfile({ ...from, capabilities, status })
              : way === "plain"
              ? { ...from, capabilities, status }
              : way === "twice"
              ? agentProfile({ ...agentProfile({ ...from, metadata }), capabilities, status })
              : agentProfile(init);
            await later(0);
            try {
              await profiles.save(mine, way === "from" ? { from } : {});
              changed.push(at);
              revoked ||= revokes;
            } catch (error) {
              // Only where nobody could tell what it was made from.
              expect([way, String(error)]).toEqual(["anew", expect.stringContaining('give "from"')]);
            }
          };
          await scheduler.waitFor(Promise.all(actors.map(act)));
          const end = (await profileStore({ store: kept }).load(did)) as AgentProfile;
          for (const at of changed) {
            expect(end.capabilities).toContain(`new${at}`);
            expect(end.capabilities).not.toContain(`old${at}`);
            if (["anew", "from", "twice"].includes(actors[at]?.way as string)) {
              expect(end.metadata[`key${at}`]).toBe(at);
            }
          }
          actors.forEach((_, at) => {
            if (!changed.includes(at)) expect(end.capabilities).toContain(`old${at}`);
          });
          if (revoked) expect(end.status).toBe("revoked");
        },
      ),
      { numRuns: 300 },
    );
  });
});
