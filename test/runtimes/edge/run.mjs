// Asks the example worker in the real workerd, and measures how it starts. Figures are printed, and never tested.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { bundle } from "../bundle.mjs";
import { startWorkerd } from "../workerd.mjs";

const STARTS = 5;
const REQUESTS = 50;
const median = (figures) => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)];

/** What the worker must do. Each behaviour has a caller of its own, so that no limit is shared. */
const behaviours = [
  ["answers an allowed prompt, with its tool's result", async (ask) => {
    assert.deepEqual(await ask({ prompt: "search tides" }), [200, { answer: "3 pages about tides" }, null]);
  }],
  ["answers a prompt of several lines, Unicode and all", async (ask) => {
    assert.deepEqual(await ask({ prompt: "note Zoë 😀\nhello" }), [200, {
      answer: "noted: Zoë 😀\nI know no answer to: hello",
    }, null]);
  }],
  ["refuses a tool that is not allowed, with 403", async (ask) => {
    const [status, { error }] = await ask({ prompt: "search tides\nshell rm -rf /" });
    assert.deepEqual([status, error], [403, "tool_not_allowed"]);
  }],
  ["refuses a blocked pattern, with 403, however it is disguised", async (ask) => {
    for (const text of ["DROP  TABLE users", "ｄｒｏｐ table", "dr\u043ep t\u200bable", "ZHJvcCB0YWJsZSB1c2Vycw=="]) {
      const [status, { error, reason }] = await ask({ prompt: `note ${text}` });
      assert.deepEqual([status, error], [403, "blocked_pattern"], text);
      assert.doesNotMatch(reason, /drop|table|instructions/i);
    }
  }],
  ["refuses more tool calls than a request may make, with 403", async (ask) => {
    const [status, { error }] = await ask({ prompt: "note 1\nnote 2\nnote 3\nnote 4" });
    assert.deepEqual([status, error], [403, "max_tool_calls_exceeded"]);
  }],
  ["refuses a caller who asks too often, with 429 and a time to wait, and no other", async (ask, askAs) => {
    for (let n = 0; n < 5; n++) assert.equal((await ask({ prompt: "search tides" }))[0], 200);
    const [status, { error }, retryAfter] = await ask({ prompt: "search tides" });
    assert.deepEqual([status, error], [429, "rate_limited"]);
    assert.ok(Number(retryAfter) > 0 && Number(retryAfter) <= 60, `retry-after is ${retryAfter}`);
    assert.equal((await askAs("somebody else")({ prompt: "search tides" }))[0], 200);
  }],
  ["lets through no more of twenty requests at once than the limit", async (ask) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask({ prompt: "search tides" })));
    assert.deepEqual([200, 429].map((wanted) => answers.filter(([status]) => status === wanted).length), [5, 15]);
  }],
  ["refuses a body that is no prompt, with 400, and another method, with 405", async (ask, _askAs, url) => {
    assert.equal((await ask({ text: "hi" }))[0], 400);
    assert.equal((await fetch(`${url}agent`, { method: "POST", body: "{" })).status, 400);
    assert.equal((await fetch(`${url}agent`)).status, 405);
    assert.equal((await fetch(`${url}other`)).status, 404);
  }],
  ["refuses a prompt that is too large, with 413", async (ask) => {
    const [status, { error }] = await ask({ prompt: "x".repeat(2 ** 20 + 1) });
    assert.deepEqual([status, error], [413, "payload_too_large"]);
  }],
];

async function timed(run) {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function asker(url, caller) {
  return async (body) => {
    const response = await fetch(`${url}agent`, {
      method: "POST",
      headers: { "x-caller": caller },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    return [response.status, await response.json(), response.headers.get("retry-after")];
  };
}

async function measure() {
  const [listened, first, later] = [[], [], []];
  for (let start = 0; start < STARTS; start++) {
    const server = await startWorkerd();
    try {
      listened.push(server.listenedMs);
      const ask = (n) => timed(() => asker(server.url, `caller ${n}`)({ prompt: "search tides" }));
      first.push(await ask(0));
      for (let n = 1; n <= REQUESTS; n++) later.push(await ask(n));
    } finally {
      await server.stop();
    }
  }
  return { listened: median(listened), first: median(first), later: median(later) };
}

/** Runs every behaviour in one worker, then measures fresh ones. */
export async function runEdge() {
  const path = await bundle("edge/worker.ts", "worker.mjs", { minify: true });
  const failures = [];
  const server = await startWorkerd();
  try {
    for (const [name, run] of behaviours) {
      const askAs = (caller) => asker(server.url, encodeURIComponent(`${name}/${caller}`));
      await run(askAs("me"), askAs, server.url).catch((error) => failures.push(`${name}: ${error.stack}`));
    }
  } finally {
    await server.stop();
  }
  if (failures.length === 0) {
    const { listened, first, later } = await measure();
    console.log(
      `edge worker: ${(statSync(path).size / 1000).toFixed(0)} kB minified; workerd listens ${
        listened.toFixed(0)
      } ms after its start, the first answer takes ${first.toFixed(1)} ms, a later one ${
        later.toFixed(2)
      } ms (medians of ${STARTS} starts and ${STARTS * REQUESTS} requests)`,
    );
  }
  return { passed: behaviours.length - failures.length, failures };
}
