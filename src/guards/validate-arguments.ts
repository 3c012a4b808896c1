import { stateOf } from "../base/context.ts";
import { ownOptions, wrong } from "../base/check.ts";
import { faultDenial } from "../combine/fold-decisions.ts";
import { ofLibrary } from "../combine/library.ts";
import { allow, type Decision, deny, isThenable, transform } from "../base/decision.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import { hasField, memberOf } from "../base/own.ts";
import type { GateCaps } from "../snapshot/caps.ts";
import { sameData } from "../snapshot/same-data.ts";
import { capsOf, Fault, snapshot } from "../snapshot/snapshot.ts";
import { toolNames } from "./tool-names.ts";

/** A schema of any library that speaks Standard Schema 1 (zod, valibot, arktype, …): https://standardschema.dev */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  /** What the standard asks for. */
  readonly "~standard": {
    /** The standard's version. */
    readonly version: 1;
    /** The library. */
    readonly vendor: string;
    /** Checks a value: `value` where it fits, else `issues`. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Never there when the program runs. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. */
export type StandardResult<Output> = { readonly value: Output; readonly issues?: undefined } | {
  readonly issues: readonly StandardIssue[];
};

/** What does not fit, and where. */
export interface StandardIssue {
  /** For people; it may quote the value. */
  readonly message: string;
  /** The way there. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What becomes of tools without a schema. */
export interface ValidateArgumentsOptions {
  /** Whether a tool without a schema is denied. Default `false`: it passes. */
  readonly strict?: boolean;
}

const WHERE = "validateArguments()";
const MOST_PATHS = 20;

/**
 * Checks the arguments of tool calls against a schema per tool.
 *
 * Where the schema's output differs from the arguments (defaults, coercion, keys that it drops), the tool gets the
 * output: it is read once, like any payload, so it must be plain. A schema may answer later. Tool names match exactly;
 * the schemas are read when the guard is built. A schema that throws denies.
 * Denies with `invalid_arguments` (`details.paths`: where, at most 20, and never a value). Denies with
 * `payload_not_plain` or `payload_too_large`, if that is what the output is.
 *
 * @throws {TypeError} If a name is no tool's, something is no Standard Schema 1, or an option is wrong.
 * @example Usage
 * ```ts
 * import { createKernel, type StandardSchemaV1, validateArguments } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * // Or z.object({ path: z.string() }), v.object(…), type({ path: "string" }).
 * const schema: StandardSchemaV1 = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "mine",
 *     validate: (value) => {
 *       const { path } = value as { path?: unknown };
 *       return typeof path === "string" ? { value: { path } } : { issues: [{ message: "no string", path: ["path"] }] };
 *     },
 *   },
 * };
 * const session = createKernel({ guards: [validateArguments({ read: schema })] }).session({ agentId: "a" });
 * const read = (args: object) => session.tool({ name: "read", arguments: args }, (safe) => Object.keys(safe).join());
 * assert.equal(await read({ path: "/tmp/a", extra: 1 }), "path");
 * await assert.rejects(read({ path: 7 }), { code: "invalid_arguments" });
 * ```
 */
export function validateArguments(
  schemas: Readonly<Record<string, StandardSchemaV1>>,
  options: ValidateArgumentsOptions = {},
): Guard {
  if (typeof schemas !== "object" || schemas === null || Array.isArray(schemas)) {
    throw wrong(WHERE, "schemas", "an object of schemas by tool name", schemas);
  }
  const { strict = false } = ownOptions(WHERE, options, ["strict"]);
  if (typeof strict !== "boolean") throw wrong(WHERE, "strict", "true or false", strict);
  const known = new Map<string, (value: unknown) => unknown>();
  for (const name of toolNames(WHERE, "schemas", Object.keys(schemas))) {
    known.set(name, validatorOf(name, schemas[name]));
  }
  return ofLibrary(defineGuard({
    name: "validateArguments",
    stages: ["pre_tool_call"],
    check: ({ name, payload }, context): Decision | Promise<Decision> => {
      const validate = known.get(name);
      if (validate === undefined) return strict ? deny("invalid_arguments", `Tool "${name}" has no schema`) : allow();
      const result = validate(payload);
      return isThenable(result)
        ? Promise.resolve(result).then((late) => judge(name, payload, late, stateOf(context).caps))
        : judge(name, payload, result, stateOf(context).caps);
    },
  }));
}

function validatorOf(name: string, schema: unknown): (value: unknown) => unknown {
  const field = `schemas.${name}`;
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) {
    throw wrong(WHERE, field, "a Standard Schema", schema);
  }
  const standard = memberOf(schema as StandardSchemaV1, "~standard");
  if (typeof standard !== "object" || standard === null || typeof memberOf(standard, "validate") !== "function") {
    throw wrong(WHERE, `${field}["~standard"]`, "what Standard Schema 1 asks for", standard);
  }
  const version = memberOf(standard, "version");
  if (version !== 1) throw wrong(WHERE, `${field}["~standard"].version`, "1", version);
  return (value) => standard.validate(value);
}

function judge(name: string, payload: unknown, result: unknown, caps: GateCaps | undefined): Decision {
  if (typeof result !== "object" || result === null) {
    throw new TypeError(`The schema of tool "${name}" answered no result`);
  }
  const issues = memberOf(result as { issues?: unknown }, "issues");
  if (issues !== undefined) {
    if (!Array.isArray(issues)) throw new TypeError(`The schema of tool "${name}" answered issues that are no list`);
    return deny("invalid_arguments", `The arguments of tool "${name}" do not fit its schema`, {
      paths: issues.slice(0, MOST_PATHS).map(pathOf),
    });
  }
  if (!hasField(result, "value")) {
    throw new TypeError(`The schema of tool "${name}" answered neither a value nor issues`);
  }
  const output = snapshot(memberOf(result as { value?: unknown }, "value"), capsOf("pre_tool_call", caps), false);
  if (output instanceof Fault) return faultDenial(output, "pre_tool_call");
  return sameData(output, payload)
    ? allow()
    : transform(output, `The arguments of tool "${name}" were brought into the form of its schema`);
}

/** Where an issue is, as `items[3].price`; keys come from the model, so they are cut short. */
function pathOf(issue: unknown): string {
  const path = memberOf(issue as Partial<StandardIssue>, "path");
  if (!Array.isArray(path)) return "";
  let text = "";
  for (const segment of path as readonly unknown[]) {
    const key = typeof segment === "object" && segment !== null
      ? memberOf(segment as { key?: unknown }, "key")
      : segment;
    if (typeof key === "number") text += `[${key}]`;
    else text += (text === "" ? "" : ".") + String(key).slice(0, 64);
  }
  return text.slice(0, 200);
}
