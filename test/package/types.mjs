// The published declarations under every way of resolving them, and the global names that they and the sources need.
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertSame, built, check, here, keys, manifest, project, refusal, specifierOf, tsc, write } from "./harness.mjs";

const compilerOptions = { target: "es2023", noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, types: [] };
const RESOLUTIONS = { node16: { module: "node16" }, nodenext: { module: "nodenext" }, bundler: { module: "esnext", moduleResolution: "bundler" } };

/** The global names beyond ECMAScript that the core's declarations mention: what a project without the DOM's types declares. */
const IN_DECLARATIONS = ["AbortSignal", "CryptoKey"];

const missingNames = (text) => new Set(Array.from(text.matchAll(/Cannot find name '([^']+)'/g), ([, name]) => name));

/** What ambient.d.ts declares: each name with the names that its declarations mention. */
function declarations() {
  const declared = new Map();
  for (const block of readFileSync(join(here, "ambient.d.ts"), "utf8").replace(/^\/\/.*$/gm, "").split(/^(?=(?:declare|interface|type) )/m)) {
    const name = /^(?:declare )?(?:interface|type|const|function) (\w+)/.exec(block)?.[1];
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

export async function checkTypes() {
  for (const name of ["ambient.d.ts", "consumer.ts"]) copyFileSync(join(here, name), join(project, name));
  const imports = keys.map((key, index) => `import * as m${index} from "${specifierOf(key)}";\n`).join("");
  write("all.ts", `${imports}export const all: object[] = [${keys.map((_, index) => `m${index}`)}];\n`);

  for (const [kind, resolution] of Object.entries(RESOLUTIONS)) {
    await check(`the core's types need only ECMAScript and ambient.d.ts under ${kind}`, () => {
      write(`core-${kind}.json`, { compilerOptions: { ...compilerOptions, ...resolution, lib: ["esnext"] }, files: ["consumer.ts", "ambient.d.ts"] });
      tsc(`core-${kind}.json`);
    });
    await check(`every subpath's types are whole under ${kind}`, () => {
      const lib = ["esnext", "dom", "dom.iterable", "dom.asynciterable"];
      write(`all-${kind}.json`, { compilerOptions: { ...compilerOptions, ...resolution, lib }, files: ["all.ts"] });
      tsc(`all-${kind}.json`);
    });
  }

  await check("every subpath's types need only ECMAScript and ambient.d.ts", () => {
    write("all-bare.json", { compilerOptions: { ...compilerOptions, module: "nodenext", lib: ["esnext"] }, files: ["all.ts", "ambient.d.ts"] });
    tsc("all-bare.json");
  });

  await check(`the core's declarations name ${IN_DECLARATIONS.join(" and ")} and no other global`, () => {
    write("core.ts", `export * from "${manifest.name}";\n`);
    write("core-bare.json", { compilerOptions: { ...compilerOptions, module: "nodenext", lib: ["esnext"] }, files: ["core.ts"] });
    assertSame(missingNames(refusal("core-bare.json")), IN_DECLARATIONS, "Named");
  });

  await check("the sources need every name of ambient.d.ts, and no other", () => {
    const printed = refusal(join(here, "tsconfig.bare.json"));
    const others = printed.split("\n").filter((line) => line.includes("error TS") && !line.includes("Cannot find name"));
    assert(others.length === 0, others.join("\n"));
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

  await check("a wrong use is a type error for the consumer", () => {
    write("wrong.ts", `import { deny } from "${manifest.name}";\nexport const wrong: number = deny(1);\n`);
    write("wrong.json", { compilerOptions: { ...compilerOptions, module: "nodenext", lib: ["esnext"] }, files: ["wrong.ts", "ambient.d.ts"] });
    const printed = refusal("wrong.json");
    assert(/wrong\.ts\(2,/.test(printed), printed);
  });
}
