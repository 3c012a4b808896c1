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
});
