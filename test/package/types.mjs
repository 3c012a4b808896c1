// The published declarations as compilers of users read them: old and new ones, with every way of resolving a module, with the
// types of browsers, of Node, and of nothing but ECMAScript. And the global names that the sources need.
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { assert, assertSame, built, check, here, keys, node, refusal, root, specifierOf, project, tsc, write } from "./harness.mjs";

const compilerOptions = { target: "es2022", noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, resolveJsonModule: true };
const RESOLUTIONS = { node16: { module: "node16" }, nodenext: { module: "nodenext" }, bundler: { module: "esnext", moduleResolution: "bundler" } };

const compilers = join(here, "compilers");
const COMPILERS = { 5.5: join(compilers, "node_modules/ts55"), 5.9: join(compilers, "node_modules/ts59"), 7: join(root, "node_modules/typescript") };

/** What a project's compiler knows. */
const PROJECTS = {
  "nothing but ECMAScript": { lib: ["es2022"] },
  "Node 20": { lib: ["es2022"], node: "node20" },
  "Node 22": { lib: ["es2022"], node: "node22" },
  "Node 24": { lib: ["es2022"], node: "node24" },
  "the DOM": { lib: ["es2022", "dom", "dom.iterable"] },
  "the DOM and Node 22": { lib: ["es2022", "dom", "dom.iterable"], node: "node22" },
};

/** Installs the compilers from their lock, where they are missing or older than it. */
function installCompilers() {
  const time = (path) => statSync(join(compilers, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // npm writes the second file last, so an install that was broken off counts as missing.
  if (time("node_modules/.package-lock.json") >= time("package-lock.json")) return;
  const { status } = spawnSync("npm", ["ci", "--prefix", compilers, "--loglevel=error"], { stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) throw new Error(`npm ended with ${status}`);
}

const compile = (version, config) => node(join(COMPILERS[version], "bin/tsc"), "-p", config);

const missingNames = (text) => new Set(Array.from(text.matchAll(/Cannot find name '([^']+)'/g), ([, name]) => name));

/** What ambient.d.ts declares: each name with the names that its declarations mention. */
function declarations() {
  const declared = new Map();
  for (const block of readFileSync(join(here, "ambient.d.ts"), "utf8").replace(/^\/\/.*$/gm, "").split(/^(?=(?:declare|interface|type) )/m)) {
    const name = /^(?:declare )?(?:interface|type|var|function) (\w+)/.exec(block)?.[1];
    if (name !== undefined) declared.set(name, [...(declared.get(name) ?? []), ...block.match(/\w+/g)]);
  }
  return declared;
}

/** The declared names that some needed one leads to. */
function reached(declared, needed) {
  const found = new Set();
  const visit = (name) => {
    if (found.has(name) || !declared.has(name)) return;
    found.add(name);
    for (const mentioned of declared.get(name)) visit(mentioned);
  };
  for (const name of needed) visit(name);
  return found;
}

/** A folder of the project with these types of Node, found as a user's are: the compiler looks from a file upwards. */
function folderWith(types) {
  const folder = join(project, types, "node_modules");
  if (existsSync(folder)) return types;
  mkdirSync(join(folder, "@types"), { recursive: true });
  cpSync(join(compilers, "node_modules", types), join(folder, "@types/node"), { recursive: true });
  // Unless it is in there, as that of all but one of them is.
  cpSync(join(compilers, "node_modules/undici-types"), join(folder, "undici-types"), { recursive: true });
  return types;
}

/** Writes a project, and answers its configuration. */
function written(name, { lib, node: types }, resolution, files) {
  const folder = types === undefined ? "." : folderWith(types);
  const config = join(folder, `${name.replaceAll(/\W+/g, "-")}.json`);
  const up = files.map((file) => (types === undefined ? file : `../${file}`));
  write(config, {
    compilerOptions: { ...compilerOptions, ...RESOLUTIONS[resolution], lib, types: types === undefined ? [] : ["node"] },
    files: up,
  });
  return config;
}

/** Every subpath's declarations, in each kind of project. */
async function checkProjects() {
  for (const name of ["consumer.ts", "platform.ts", "wrong.ts"]) copyFileSync(join(here, name), join(project, name));
  const imports = keys.map((key, index) => `import * as m${index} from "${specifierOf(key)}";\n`).join("");
  write("all.ts", `${imports}export const all: object[] = [${keys.map((_, index) => `m${index}`)}];\n`);
  for (const version of Object.keys(COMPILERS)) {
    for (const [what, options] of Object.entries(PROJECTS)) {
      if (options.node !== undefined && options.lib.length > 1 && version !== "7") continue;
      const hasPlatform = options.node !== undefined || options.lib.includes("dom");
      const files = ["all.ts", "consumer.ts", ...(hasPlatform ? ["platform.ts"] : [])];
      await check(`TypeScript ${version} compiles a project that knows ${what}`, () => compile(version, written(`${version} ${what}`, options, "nodenext", files)));
    }
    for (const resolution of Object.keys(RESOLUTIONS).filter((one) => one !== "nodenext" && (one === "bundler" || version === "7"))) {
      // Which knows no attributes of imports.
      const files = ["all.ts", ...(resolution === "node16" ? [] : ["consumer.ts"])];
      await check(`TypeScript ${version} resolves every subpath under ${resolution}`, () => compile(version, written(`${version} ${resolution}`, PROJECTS["nothing but ECMAScript"], resolution, files)));
    }
  }
  const wrong = Array.from(readFileSync(join(here, "wrong.ts"), "utf8").split("\n").entries()).filter(([, line]) => line.startsWith("export ")).map(([at]) => at + 1);
  for (const what of ["nothing but ECMAScript", "Node 20", "the DOM"]) {
    await check(`a wrong use is a type error for a compiler that knows ${what}`, () => {
      const printed = refusal(written(`wrong ${what}`, PROJECTS[what], "nodenext", ["wrong.ts"]));
      assertSame(new Set(Array.from(printed.matchAll(/wrong\.ts\((\d+),/g), ([, line]) => Number(line))), wrong, "Refused");
    });
  }
}

export async function checkTypes() {
  installCompilers();
  await checkProjects();

  await check("the sources need every name of ambient.d.ts, and no other", () => {
    tsc(join(here, "tsconfig.core.json"));
    const printed = refusal(join(here, "tsconfig.bare.json"));
    const [declared, needed] = [declarations(), missingNames(printed)];
    assertSame([...needed].filter((name) => !declared.has(name)), [], "Needed, and not declared");
    assertSame(declared.keys(), reached(declared, needed), "Declared");
  });

  await check("examples in the declarations import the package by its name on npm", () => {
    const imports = built(".d.ts").flatMap((path) => readFileSync(path, "utf8").match(/from "@?sallyport[^"]*"/g) ?? []);
    assert(imports.length > 50, `There are ${imports.length} imports in examples`);
    const names = keys.map(specifierOf);
    assertSame(imports.map((text) => text.slice(6, -1)).filter((name) => !names.includes(name)), [], "Imported");
  });
}
