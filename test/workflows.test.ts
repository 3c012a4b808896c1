import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly needs?: string | readonly string[];
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: unknown;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, ".github/workflows");
const names = readdirSync(folder);
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

/** The workflows as a real parser of YAML reads them. */
function parsed(): Readonly<Record<string, Workflow>> {
  const program = "console.log(JSON.stringify(Bun.YAML.parse(require('node:fs').readFileSync(0, 'utf8'))))";
  const bun = join(root, "node_modules/bun/bin/bun.exe"); // so called on every system
  return Object.fromEntries(
    names.map((
      name,
    ) => [name, JSON.parse(execFileSync(bun, ["-e", program], { input: read(name), encoding: "utf8" }))]),
  );
}

const workflows = parsed();
const jobs = Object.entries(workflows).flatMap(([name, { jobs }]) =>
  Object.entries(jobs).map(([id, job]) => ({ name, id, job, steps: job.steps }))
);
const steps = jobs.flatMap(({ name, id, job }) => job.steps.map((step) => ({ where: `${name}: ${id}`, ...step })));
const runs = steps.flatMap(({ where, run }) => (run === undefined ? [] : [{ where, run }]));

describe("workflows", () => {
  test("are three, each with its occasion and its jobs", () => {
    expect(names.sort()).toEqual(["release.yml", "scheduled.yml", "test.yml"]);
    for (const [name, { on, jobs }] of Object.entries(workflows)) {
      expect(on, name).toBeTypeOf("object");
      expect(Object.keys(jobs).length, name).toBeGreaterThan(0);
    }
  });

  test("pin every action to a commit and say which version that is", () => {
    const lines = names.flatMap((name) => read(name).split("\n").filter((line) => /\buses:/.test(line)));
    const pinned = /^\s*- uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
    expect(lines.filter((line) => !pinned.test(line))).toEqual([]);
    expect(steps.filter(({ uses }) => uses !== undefined).length).toBe(lines.length);
    const actions = new Set(lines.map((line) => line.trim()));
    expect(new Set([...actions].map((line) => line.split("@")[0])).size, "one commit an action").toBe(actions.size);
  });

  test("grant at most reading, and the run's identity to the jobs that publish", () => {
    for (const [name, { permissions }] of Object.entries(workflows)) {
      expect([{}, { contents: "read" }], name).toContainEqual(permissions);
    }
    const granted = jobs.filter(({ job }) => job.permissions !== undefined).map((
      { name, id, job },
    ) => [`${name}: ${id}`, job.permissions]);
    expect(Object.fromEntries(granted)).toEqual({
      "release.yml: test": { contents: "read" },
      "release.yml: npm": { contents: "read", "id-token": "write" },
      "release.yml: jsr": { contents: "read", "id-token": "write" },
    });
  });

  test("publish only what was tested, and from a clean install without scripts", () => {
    const { jobs } = workflows["release.yml"] as Workflow;
    const lines = (id: string): unknown[] => (jobs[id] as Job).steps.flatMap(({ run }) => run ?? []);
    expect(lines("test")).toEqual(['node test/package/release.mjs "$TAG"', ".ci/run"]);
    for (const id of ["npm", "jsr"]) {
      expect(jobs[id]?.needs, id).toBe("test");
      expect(lines(id), id).toEqual(["npm ci --ignore-scripts", `npm run publish:${id}`]);
    }
  });

  test("give every job an end", () => {
    expect(jobs.filter(({ job }) => !(Number(job["timeout-minutes"]) <= 60)).map(({ name, id }) => `${name}: ${id}`))
      .toEqual([]);
  });

  test("keep no credentials in the checkout", () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.length).toBe(jobs.length);
    expect(checkouts.filter((step) => step.with?.["persist-credentials"] !== false).map(({ where }) => where)).toEqual(
      [],
    );
  });

  test("put no expression into a command, where a branch's name would be code", () => {
    expect(runs.filter(({ run }) => run.includes("${{"))).toEqual([]);
  });

  test("run only what there is", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const unknown = runs.filter(({ run }) => {
      const script = /^npm run ([\w:-]+)/.exec(run)?.[1];
      const file = /^(?:node |(?=\.ci\/))([\w./-]+)/.exec(run)?.[1];
      if (script !== undefined) return !Object.hasOwn(scripts, script);
      return file === undefined ? !/^npm ci(?: --ignore-scripts)?$/.test(run) : !existsSync(join(root, file));
    });
    expect(unknown).toEqual([]);
  });
});
