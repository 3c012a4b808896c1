import { describe, expect, test } from "vitest";
import { agentProfile, memoryStore, profileStore, type StateStore, trustTracker } from "../../mod.ts";

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
