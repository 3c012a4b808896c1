import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, transformSync } from "esbuild";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const json = (path: string): any => JSON.parse(read(path));

/** The files under a folder, as paths from the root with forward slashes. */
function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return filesUnder(`${folder}/${entry.name}`);
    return entry.name.endsWith(".ts") ? [`${folder}/${entry.name}`] : [];
  }).sort();
}

const sources = filesUnder("src");
const plugins = filesUnder("plugins");
const pluginEntries = plugins.filter((path) => /^plugins\/[^/]+\.ts$/.test(path));
const everything = [...sources, ...plugins, "mod.ts"];
/** The rooms of which `sallyport/core` takes nothing. */
const OUTSIDE_THE_CORE = ["match", "policy", "state", "trust", "approval", "drift", "control", "preset"];

/**
 * A file without types and comments, so that what is left is what runs. A defined global shows up as `FORBIDDEN_name`.
 */
function running(path: string, globals: readonly string[] = []): string {
  // Comparing with Function.prototype compiles nothing, unlike any other use of Function.
  const define = Object.fromEntries([...globals.map((name) => [name, `FORBIDDEN_${name}`]), [
    "Function.prototype",
    "Function_prototype",
  ]]);
  const tsconfigRaw = { compilerOptions: { verbatimModuleSyntax: true } };
  return transformSync(read(path), { loader: "ts", format: "esm", legalComments: "none", define, tsconfigRaw }).code;
}

/** What a file imports when it runs, relative paths resolved from the root. */
function runtimeImports(path: string): string[] {
  const found = running(path).matchAll(
    /^(?:import|export)\s[^"]*?"([^"]+)";$|\bimport\(\s*"([^"]+)"|^import\s+"([^"]+)";$/gm,
  );
  return Array.from(found, ([, from, dynamic, bare]) => (from ?? dynamic ?? bare) as string)
    .map((target) => (target.startsWith(".") ? posix.join(posix.dirname(path), target) : target));
}

/** What a file names of others, types too. */
function allImports(path: string): string[] {
  const text = read(path).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  return Array.from(
    text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g),
    ([, target = ""]) => posix.join(posix.dirname(path), target),
  );
}

/** The ways from file to file that end where they began. */
function cyclesOf(importsOf: (path: string) => readonly string[]): string[] {
  const state = new Map<string, "open" | "done">();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (state.get(path) === "open") cycles.push([...way.slice(way.indexOf(path)), path].join(" -> "));
    if (state.has(path) || !everything.includes(path)) return;
    state.set(path, "open");
    for (const target of importsOf(path)) visit(target, [...way, path]);
    state.set(path, "done");
  };
  for (const path of everything) visit(path, []);
  return cycles;
}

/** The rooms of `src/`, from the bottom up: what runs is imported downwards only, and never across a floor. */
const FLOORS: readonly (readonly string[])[] = [
  ["src/base"],
  ["src/snapshot"],
  ["src/match", "src/state", "src/crypto"],
  ["src/combine"],
  ["src/guards", "src/intercept"],
  ["src/rules"],
  // The kernel and its extensions meet in src/kernel/seam.ts, which is types alone.
  ["src/kernel", "src/policy", "src/trust", "src/approval", "src/drift", "src/control", "src/audit"],
  ["src/preset"],
  ["mod.ts", "src/core.ts"],
  ["plugins", "src/testing"],
];
/** What an extension takes of another: its words, and no more. */
const ACROSS: readonly string[] = ["src/approval/ask.ts imports src/policy/digest.ts"];
const roomOf = (path: string): string => /^(?:src\/[^/]+(?=\/)|plugins|mod\.ts)/.exec(path)?.[0] ?? path;
const floorOf = (path: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(path)));

describe("imports", () => {
  test("every file has its room", () => {
    expect(
      everything.filter((path) => floorOf(path) === -1),
      "files of src/ outside the rooms of test/architecture.test.ts",
    ).toEqual([]);
    expect(sources.length).toBeGreaterThan(5);
  });

  test("run only downwards, and not across", () => {
    const wrong: string[] = [];
    for (const path of everything) {
      for (const target of runtimeImports(path)) {
        const imports = `${path} imports ${target}`;
        if (!everything.includes(target)) wrong.push(`${imports}, which is no file of mod.ts, src/ or plugins/`);
        else if (roomOf(target) === roomOf(path) || ACROSS.includes(imports)) continue;
        else if (floorOf(target) >= floorOf(path)) wrong.push(imports);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("form no cycle, also not by types", () => {
    expect(cyclesOf(runtimeImports)).toEqual([]);
    expect(cyclesOf(allImports)).toEqual([]);
  });

  test("of the seam and of what acts and sessions are to others are types alone", () => {
    for (const path of ["src/kernel/seam.ts", "src/kernel/types.ts", "src/kernel/engine.ts"]) {
      expect(runtimeImports(path), path).toEqual([]);
    }
  });

  test("of a plugin are types of mod.ts, and files of its own folder or of plugins/shared", () => {
    // `plugins/mcp.ts` is the entry point, and `plugins/mcp/` holds the rest where one file would be crowded.
    const nameOf = (path: string): string => (path.split("/")[1] as string).replace(/\.ts$/, "");
    const isOwn = (path: string, target: string): boolean =>
      target.startsWith("plugins/shared/") || (target.startsWith("plugins/") && nameOf(path) === nameOf(target));
    const wrong = plugins.flatMap((path) =>
      runtimeImports(path).filter((target) => !isOwn(path, target)).map((target) =>
        `${path} imports ${target} when it runs`
      )
    );
    const sideways = plugins.filter((path) => /\sfrom\s+"(?:\.\.?\/)+src\//.test(read(path)));
    expect(wrong).toEqual([]);
    expect(sideways, "plugins that import from within src/").toEqual([]);
  });
});

describe("src/README.md", () => {
  const page = read("src/README.md");
  const rows = Array.from(
    page.matchAll(/^\|\s*(\d+)\s*\|\s*`([^`]+)`\s*\|\s*(?:`([^`]+)`)?\s*\|\s*(.+?)\s*\|$/gm),
    ([, floor, room = "", start, holds = ""]) => ({ floor, room, start, holds }),
  );
  const outside = ["mod.ts", "core.ts", "plugins"];

  test("lists every room on its floor, with what it holds, and no other", () => {
    const nameOf = (room: string): string => room.replace(/^src\//, "");
    expect(rows.map(({ floor, room }) => `${floor} ${room}`).sort()).toEqual(
      FLOORS.flatMap((rooms, floor) => rooms.map((room) => `${floor + 1} ${nameOf(room)}`)).sort(),
    );
    const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(rows.map(({ room }) => room).filter((room) => !outside.includes(room)).sort())
      .toEqual(folders.map(({ name }) => name).sort());
    expect(rows.filter(({ holds }) => holds.length < 20)).toEqual([]);
  });

  test("says of a room what the top of its main file says", () => {
    const rooms = rows.filter(({ room }) => !outside.includes(room));
    const tops = rooms.map(({ room, start }) => {
      const [comment = ""] = /^(?:\/\/ .*\n)+/.exec(read(`src/${room}/${start}`)) ?? [];
      return `${room}: ${comment.replace(/^\/\/ /gm, "").replace(/\n/g, " ").trim()}`;
    });
    expect(tops).toEqual(
      rooms.map(({ room, holds }) => `${room}: ${holds.charAt(0).toUpperCase()}${holds.slice(1)}.`),
    );
  });

  test("names files that exist", () => {
    const named = Array.from(page.matchAll(/`((?:src|test|plugins)\/[^`<]+)`/g), ([, path]) => path as string);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe("the core", () => {
  const GLOBALS = [
    ...[
      "process",
      "Buffer",
      "require",
      "module",
      "__dirname",
      "window",
      "document",
      "navigator",
      "self",
      "fetch",
      "performance",
      "console",
    ],
    ...[
      "structuredClone",
      "queueMicrotask",
      "setImmediate",
      "AsyncLocalStorage",
      "eval",
      "Function",
      "globalThis",
      "global",
      "Deno",
      "Bun",
    ],
  ];

  /** Hashing at once is to be had from a runtime alone; where there is none, WebCrypto does it. */
  const PLATFORM: Readonly<Record<string, readonly string[]>> = { "src/audit/platform.ts": ["globalThis"] };

  test.each(sources)("names no global of one runtime in %s", (path) => {
    expect(Array.from(running(path, GLOBALS).matchAll(/FORBIDDEN_\w+/g), ([name]) => name.slice("FORBIDDEN_".length)))
      .toEqual(PLATFORM[path] ?? []);
    expect(running(path)).not.toMatch(/["'`]node:/);
  });

  test("compiles with nothing but ES2023 and the globals of test/package/ambient.d.ts", () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    let output = "";
    try {
      execFileSync(process.execPath, [tsc, "-p", join(root, "test/package/tsconfig.core.json")], {
        encoding: "utf8",
        cwd: root,
      });
    } catch (error) {
      output = (error as { stdout: string }).stdout;
    }
    expect(output).toBe("");
  });

  test("is bundled without policies, patterns, stores, trust, approvals, drift and the kill switch", async () => {
    for (
      const contents of ['export { createKernel, allowTools } from "./src/core.ts"', 'export * from "./src/core.ts"']
    ) {
      const { metafile } = await build({
        stdin: { contents, resolveDir: root, loader: "ts" },
        absWorkingDir: root,
        bundle: true,
        minify: true,
        format: "esm",
        platform: "neutral",
        write: false,
        metafile: true,
        logLevel: "silent",
      });
      const files = Object.keys(metafile.inputs);
      expect(files).toContain("src/kernel/kernel.ts");
      expect(files.filter((path) => OUTSIDE_THE_CORE.includes(path.split("/")[1] as string))).toEqual([]);
    }
  });

  test("touches no global and loads no module of the runtime, when it is imported", async () => {
    const outfile = join(root, "test/.out/core.mjs");
    mkdirSync(dirname(outfile), { recursive: true });
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ["mod.ts"],
      bundle: true,
      format: "esm",
      platform: "neutral",
      packages: "external",
      outfile,
      metafile: true,
      logLevel: "silent",
    });
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))).toEqual([]);
    const empty = join(root, "test/.out/empty.mjs"); // imported first: the runtime loads what importing itself needs
    writeFileSync(empty, "");
    const program = `
      await import(${JSON.stringify(pathToFileURL(empty).href)});
      const keys = () => [globalThis, Object, Object.prototype, Function.prototype, Array, Array.prototype, Promise, Promise.prototype, String.prototype, Error]
        .map((target) => Reflect.ownKeys(target).map(String).join());
      const native = () => process.moduleLoadList.filter((name) => /^NativeModule (?!internal\\/)/.test(name));
      const [keysBefore, modulesBefore] = [keys(), new Set(native())];
      const core = await import(${JSON.stringify(pathToFileURL(outfile).href)});
      const changed = keys().filter((value, index) => value !== keysBefore[index]);
      console.log(JSON.stringify({ exports: Object.keys(core).length, changed, loaded: native().filter((name) => !modulesBefore.has(name)) }));`;
    for (const flags of [[], ["--frozen-intrinsics", "--no-warnings"], ["--disallow-code-generation-from-strings"]]) {
      const out = JSON.parse(
        execFileSync(process.execPath, [...flags, "--input-type=module", "-e", program], { encoding: "utf8" }),
      );
      expect(out, flags.join(" ")).toEqual({ exports: expect.any(Number), changed: [], loaded: [] });
      expect(out.exports).toBeGreaterThan(5);
    }
  });
});

describe("files", () => {
  test("have at most 550 lines", () => {
    expect(
      everything.map((path) => [path, read(path).split("\n").length - 1] as const).filter(([, lines]) => lines > 550),
    ).toEqual([]);
  });

  /** The export lines of an entry point: of which file, and whether they export more than types. */
  function exported(entry: string): { path: string; values: boolean }[] {
    const lines = read(entry).replace(/\/\*[\s\S]*?\*\//g, "").matchAll(
      /^export\s+(type\s+)?([^"]*?)\s+from\s+"([^"]+)";$/gm,
    );
    return Array.from(lines, ([, type, names = "", target = ""]) => ({
      path: posix.join(posix.dirname(entry), target),
      values: type === undefined &&
        names.replace(/[{}]/g, "").split(",").some((name) => name.trim() !== "" && !/^\s*type\s/.test(name)),
    }));
  }

  // A file whose documentation holds a whole program is public: only what users can import has one.
  const documented = sources.filter((path) => /@example Usage/.test(read(path)));

  test("that document an example have their export line", () => {
    const entries = ["mod.ts", "src/core.ts", "src/audit/mod.ts", "src/testing/mod.ts"].filter((path) =>
      existsSync(join(root, path))
    );
    const shown = new Set(entries.flatMap((entry) => exported(entry).map(({ path }) => path)));
    expect(
      documented.filter((path) => !shown.has(path) && !["src/testing/mod.ts", "src/core.ts"].includes(path)),
      "public files without an export line in mod.ts",
    ).toEqual([]);
  });

  test.each(["mod.ts", "src/core.ts"])("have one export line each in %s, which holds nothing else", (entry) => {
    const paths = exported(entry).map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index), "files with more than one export line")
      .toEqual([]);
    const rest = read(entry).replace(/\/\*[\s\S]*?\*\/|^\/\/.*$/gm, "").replace(
      /^export\s[^"]*?from\s+"[^"]+";$/gm,
      "",
    ).trim();
    expect(rest, `logic in ${entry}`).toBe("");
  });

  test("of src/core.ts are exported under the same names by mod.ts, but for its own createKernel", () => {
    const namesOf = (entry: string): string[] =>
      Array.from(read(entry).matchAll(/^export\s+(type\s+)?\{([^}]*)\}/gm), ([, , names = ""]) => names.split(","))
        .flat().map((name) => name.replace(/^\s*type\s/, "").trim()).filter((name) => name !== "");
    expect(namesOf("src/core.ts").length).toBeGreaterThan(50);
    expect(namesOf("src/core.ts").filter((name) => !namesOf("mod.ts").includes(name))).toEqual([]);
  });

  test("of which mod.ts exports more than types have their test file, and so have plugins", () => {
    const values = exported("mod.ts").filter((line) => line.values).map(({ path }) => path);
    const wanted = [...values, ...pluginEntries].map((path) =>
      `test/${path.replace(/^src\//, "").replace(/\.ts$/, ".test.ts")}`
    );
    const present = new Set(filesUnder("test"));
    const missing = wanted.filter((path) =>
      !present.has(path) && !present.has(path.replace("test/plugins/", "test/frameworks/"))
    );
    expect(missing, "missing test files").toEqual([]);
  });

  test("at the top level are those of the project, and nothing that a tool left behind", () => {
    const tracked = execFileSync("git", ["ls-files"], { encoding: "utf8", cwd: root }).split("\n");
    const wanted =
      /^(?:(?:package(?:-lock)?|deno|jsr|tsconfig(?:\.build)?)\.json|mod\.ts|vitest\.config\.ts|LICENSE|[A-Z]+\.md|\..+)$/;
    expect(tracked.filter((path) => path !== "" && !path.includes("/") && !wanted.test(path))).toEqual([]);
  });

  test("of tests run: none is skipped, focused or left to do", () => {
    const marks = /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:skip|only|todo|fails)\b/;
    expect(filesUnder("test").filter((path) => path !== "test/architecture.test.ts" && marks.test(read(path)))).toEqual(
      [],
    );
  });
});

describe("manifests", () => {
  const npm = json("package.json");
  const deno = json("deno.json");
  const jsr = json("jsr.json");

  test("agree on name, version, licence, exports and what is published", () => {
    for (const key of ["name", "version", "license", "exports", "publish"]) expect(jsr[key], key).toEqual(deno[key]);
    expect([npm.version, npm.license]).toEqual([deno.version, deno.license]);
    expect(deno.name).toBe(`@sallyport/${npm.name}`);
  });

  test("export the same subpaths, each from a file that exists", () => {
    const compiled = (path: string, extension: string): string =>
      path.replace("./", "./dist/").replace(/\.ts$/, extension);
    const wanted = Object.entries<string>(deno.exports).map((
      [key, path],
    ) => [key, { types: compiled(path, ".d.ts"), default: compiled(path, ".js") }]);
    expect(npm.exports).toEqual({
      ...Object.fromEntries(wanted),
      "./policy.schema.json": "./src/policy/policy.schema.json",
      "./package.json": "./package.json",
    });
    expect(
      Object.values<string>(deno.exports).filter((path) => !existsSync(join(root, path))),
      "entry points without a file",
    ).toEqual([]);
    expect(
      pluginEntries.filter((path) => deno.exports[`./${path.replace(/\.ts$/, "")}`] !== `./${path}`),
      "plugins without a subpath",
    ).toEqual([]);
  });

  test("import the package's own subpaths under its short name", () => {
    const wanted = Object.entries(deno.exports).map((
      [key, path],
    ) => [key === "." ? npm.name : `${npm.name}/${key.slice(2)}`, path]);
    expect(deno.imports).toEqual(Object.fromEntries(wanted));
  });

  test("name no dependency that a user would install", () => {
    for (const key of ["dependencies", "peerDependencies", "optionalDependencies", "bundleDependencies"]) {
      expect(npm[key], key).toBeUndefined();
    }
  });

  test("lock versions without naming a host", () => {
    for (
      const path of [
        "package-lock.json",
        "test/frameworks/package-lock.json",
        "test/mutation/package-lock.json",
        "test/package/compilers/package-lock.json",
      ]
    ) {
      expect(read(path), path).not.toContain('"resolved"');
      expect(
        Object.values<string>({ ...json(path.replace("-lock", "")).devDependencies }).filter((range) =>
          !/^(?:npm:@?[\w/-]+@)?\d/.test(range)
        ),
        path,
      ).toEqual([]);
    }
  });

  test("agree with the changelog", () => {
    expect(read("CHANGELOG.md")).toContain(`## ${npm.version}`);
  });
});
