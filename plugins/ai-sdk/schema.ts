/**
 * The JSON Schema that models are told of a tool.
 *
 * @module
 */
interface Schema {
  readonly jsonSchema: unknown;
  readonly "~standard": { readonly jsonSchema: { input(options: object): unknown } };
}

/**
 * The schema as `asSchema` of the SDK makes it; a promise where the schema itself is one. Throws or rejects where there
 * is none.
 */
export function schemaOf(given: unknown): unknown {
  const schema = (typeof given === "function" && !("~standard" in given) ? given() : given) as Schema;
  return Symbol.for("vercel.ai.schema") in schema
    ? schema.jsonSchema
    : close(schema["~standard"].jsonSchema.input({ target: "draft-07" }));
}

/**
 * Closes a JSON Schema as the SDK does with what it makes of zod and Standard Schemas: an object has no properties but
 * those it names.
 */
function close(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  const fields = schema as Record<string, unknown>;
  const isObject = [fields["type"]].flat().includes("object");
  if (isObject && Object(fields["additionalProperties"]) !== fields["additionalProperties"]) {
    fields["additionalProperties"] = false;
  }
  for (const key of ["items", "anyOf", "allOf", "oneOf", ...(isObject ? ["additionalProperties"] : [])]) {
    [fields[key]].flat().forEach(close);
  }
  for (const key of ["definitions", ...(isObject ? ["properties"] : [])]) {
    Object.values(fields[key] ?? {}).forEach(close);
  }
  return fields;
}
