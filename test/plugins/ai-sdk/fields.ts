/**
 * Walks the declarations of the SDK's own provider interface: a field that comes new with a release is judged, or named
 * here and in `coverage`.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createKernel, pinTools, type ToolIdentity } from "../../../mod.ts";
import { aiSdk } from "../../../plugins/ai-sdk.ts";
import { all, answer, type Major, type Part, streamOf, usage } from "../ai-sdk-cases.ts";

/** What a declaration says, from its first brace to the one that closes it. */
function bodyOf(text: string, name: string): string {
  const start = new RegExp(`(?:type|interface) ${name}\\b[^{(]*[({]`).exec(text);
  if (start === null) throw new Error(`There is no declaration of ${name}`);
  let depth = 0;
  for (let at = start.index + start[0].length - 1; at < text.length; at++) {
    if ("{([".includes(text[at] as string)) depth++;
    if ("})]".includes(text[at] as string)) depth--;
    const isEnd = depth === 0 && /^\s*;?\s*\n(?!\s*[|&])/.test(text.slice(at + 1));
    if (isEnd) return text.slice(start.index, at + 1);
  }
  throw new Error(`The declaration of ${name} does not end`);
}

/** The names of fields, those of a declaration itself or all. */
function fieldsIn(text: string, isDeep: boolean): readonly string[] {
  const plain = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/'[^']*'/g, "");
  const names = new Set<string>();
  let depth = 0;
  for (const line of plain.split("\n")) {
    const [, name] = /^\s*(?:readonly )?(\w+)\??:/.exec(line) ?? [];
    if (name !== undefined && (isDeep || depth === 1)) names.add(name);
    for (const char of line) depth += char === "{" ? 1 : char === "}" ? -1 : 0;
  }
  return [...names];
}

/** The names of fields of a tool, in all the types that its declaration is made of. */
function toolFields(text: string): readonly string[] {
  const names = ["Tool", ...(/type ToolCallerTool\b/.test(text) ? ["ToolCallerTool"] : [])];
  const fields = new Set<string>();
  for (const name of names) {
    const start = new RegExp(`^(?:declare )?type ${name}\\b`, "m").exec(text)?.index;
    if (start === undefined) throw new Error(`There is no declaration of ${name}`);
    let end = start;
    for (let depth = 0; depth > 0 || text[end] !== ";"; end++) {
      if ("{([".includes(text[end] as string)) depth++;
      if ("})]".includes(text[end] as string)) depth--;
    }
    const declaration = text.slice(start, end);
    for (const field of fieldsIn(declaration, false)) fields.add(field);
    const plain = declaration.replace(/\/\*[\s\S]*?\*\//g, "");
    for (const [, other] of plain.matchAll(/\b([A-Z]\w*Tool|ToolOutputProperties)</g)) {
      if (!names.includes(other as string)) names.push(other as string);
    }
  }
  return [...fields];
}

const WORD = "the launch code";

export function aiSdkFields(title: string, major: Major, declarations: string): void {
  const text = readFileSync(declarations, "utf8");
  const form = major.isV4 === true ? "V4" : "V3";
  const { wrapLanguageModel } = major.ai;
  const topOf = (name: string): readonly string[] => fieldsIn(bodyOf(text, `LanguageModel${form}${name}`), false);
  const deepOf = (...names: string[]): readonly string[] => [
    ...new Set(names.flatMap((name) => fieldsIn(bodyOf(text, `LanguageModel${form}${name}`), true))),
  ];

  function modelOf(double: object, definitions = true): any {
    const session = createKernel({ policy: { blockedPatterns: ["launch code"] } }).session({ agentId: "a" });
    return wrapLanguageModel({
      model: new major.Model(double),
      middleware: aiSdk(session, { definitions }).middleware,
    });
  }
  const isRefused = (asked: Promise<unknown>): Promise<boolean> =>
    asked.then(() => false, (error) => error.code === "blocked_pattern");
  const unjudged = async (fields: readonly string[], judge: (field: string) => Promise<boolean>): Promise<string[]> => {
    const left: string[] = [];
    for (const field of fields) if (!(await judge(field))) left.push(field);
    return left.sort();
  };

  describe(`aiSdk() with ${title} judges every declared field`, () => {
    test("of a call", async () => {
      const fields = topOf("CallOptions");
      expect(fields).toContain("stopSequences");
      const prompt = [{ role: "user", content: [{ type: "text", text: "hi" }] }];
      const left = await unjudged(fields.filter((field) => field !== "tools" && field !== "abortSignal"), (field) => {
        const value = field === "prompt"
          ? [{ role: "user", content: [{ type: "text", text: WORD }] }]
          : { x: { y: WORD } };
        return isRefused(modelOf({ doGenerate: async () => answer("ok") }).doGenerate({ prompt, [field]: value }));
      });
      expect(left).toEqual(["headers"]);
    });

    test("of a prompt, however deep", async () => {
      const fields = deepOf(
        "Prompt",
        "Message",
        "TextPart",
        "ReasoningPart",
        "FilePart",
        "ToolCallPart",
        "ToolResultPart",
        "ToolApprovalResponsePart",
        "ToolResultOutput",
      );
      expect(fields).toEqual(expect.arrayContaining(["providerOptions", "filename", "approvalId", "output"]));
      const left = await unjudged(fields, (field) => {
        const part = { type: "text", text: "hi", [field]: WORD };
        return isRefused(
          modelOf({ doGenerate: async () => answer("ok") }).doGenerate({ prompt: [{ role: "user", content: [part] }] }),
        );
      });
      expect(left).toEqual([]);
    });

    test("of a whole answer", async () => {
      const left = await unjudged(topOf("GenerateResult"), (field) => {
        const value = field === "content"
          ? [{ type: "text", text: WORD }]
          : field === "warnings"
          ? [{ message: WORD }]
          : { raw: WORD };
        return isRefused(
          modelOf({ doGenerate: async () => ({ ...answer("ok"), [field]: value }) }).doGenerate({ prompt: [] }),
        );
      });
      expect(left).toEqual(["request"]);
    });

    test("of a response", async () => {
      const left = await unjudged(["headers", "body", ...topOf("ResponseMetadata")], (field) => {
        const response = { [field]: field === "headers" ? { x: WORD } : WORD };
        return isRefused(
          modelOf({ doGenerate: async () => ({ ...answer("ok"), response }) }).doGenerate({ prompt: [] }),
        );
      });
      expect(left).toEqual(["body"]);
    });

    test("of every part of a stream", async () => {
      const kinds = [
        ...new Set(
          [...bodyOf(text, `LanguageModel${form}StreamPart`).matchAll(/type: '([\w-]+)'/g)].map(([, kind]) =>
            kind as string
          ),
        ),
      ];
      expect(kinds).toEqual(expect.arrayContaining(["text-delta", "tool-input-start", "finish", "raw", "error"]));
      const fields = deepOf(
        "StreamPart",
        "ResponseMetadata",
        "File",
        "Source",
        "ToolCall",
        "ToolResult",
        "ToolApprovalRequest",
      )
        .filter((field) => field !== "type");
      const left: string[] = [];
      for (const type of [...kinds, "file", "source", "tool-call", "tool-result", "tool-approval-request", "new"]) {
        for (const field of fields) {
          const whole = {
            id: "1",
            ...(type.endsWith("-delta") ? { delta: "x" } : {}),
            ...(type === "finish" ? { usage: usage(1, 1) } : {}),
          };
          const part: Part = {
            type,
            ...whole,
            [field]: field === "usage" || field === "finishReason" ? { raw: WORD } : WORD,
          };
          const { stream } = await modelOf({ doStream: async () => ({ stream: streamOf([part]) }) }).doStream({
            prompt: [],
          });
          const codes = (await all(stream)).filter((one) => one["type"] === "error").map(({ error }) => error.code);
          if (!codes.includes("blocked_pattern")) left.push(`${type}.${field}`);
        }
      }
      // The id of a block joins its pieces, a call has a gate of its own, and raw chunks are what `coverage` names.
      const isNamed = (place: string): boolean =>
        /^(?:text|reasoning|tool-input)-\w+\.id$|^tool-call\.(?:input|toolName|toolCallId)$|^raw\./.test(place);
      expect(left.filter((place) => !isNamed(place))).toEqual([]);
    });

    test("of a tool, which pins compare", async () => {
      const text = readFileSync(declarations.replace("provider/", "provider-utils/"), "utf8");
      const fields = toolFields(text);
      expect(fields).toEqual(expect.arrayContaining(["metadata", "strict", "args", "id", "execute", "outputSchema"]));
      const { jsonSchema } = major.ai;
      const left: string[] = [];
      for (const field of fields) {
        const key = field === "execute" ? "fn" : field;
        const isSchema = field.endsWith("Schema");
        const pairs: readonly (readonly unknown[])[] = isSchema
          ? [[{ type: "object" }, { type: "string" }]]
          : [["a", "b"], [(): string => "a", (): string => "a"]];
        const pair = pairs.find(([pinned]) => {
          try {
            return pinTools({ run: { [key]: pinned } as ToolIdentity });
          } catch {
            return false;
          }
        });
        const codes: unknown[] = [];
        for (const value of pair ?? []) {
          const guards = [pinTools({ run: { [key]: pair?.[0] } as ToolIdentity })];
          const { tools } = aiSdk(createKernel({ guards }).session({ agentId: "a" }));
          const own = { execute: (): string => "a", [field]: isSchema ? jsonSchema(value) : value };
          codes.push(await tools({ run: own }).run.execute());
        }
        const [same, other] = codes as [unknown, { code: string }];
        if (same !== "a" || other?.code !== "content_hash_mismatch") left.push(field);
      }
      expect(left).toEqual([]);
    });

    test("of providers: each kind of model is governed or named", () => {
      const kinds = new Set(
        [...text.matchAll(/^(?:export |declare )*(?:interface|type) (\w+)V[34]\b/gm)].map(([, kind]) => kind as string),
      );
      const { ungoverned } = aiSdk(createKernel().session({ agentId: "a" })).coverage();
      const named = ungoverned.join(" ").toLowerCase();
      const left = [...kinds].filter((kind) => {
        const word = kind.replace(/^Experimental_|Model$|Factory$/g, "").replace(/\B[A-Z]/g, " $&").toLowerCase();
        return /Model$|Files$|Skills$|Factory$|Batch$/.test(kind) && kind !== "LanguageModel" && !named.includes(word);
      });
      expect([...kinds]).toEqual(expect.arrayContaining(["LanguageModel", "EmbeddingModel", "VideoModel"]));
      expect(left).toEqual([]);
      const ways = fieldsIn(bodyOf(text, `Provider${form}`).replace(/^(\s*\w+\??)\(.*/gm, "$1: ;"), false);
      expect(ways.filter((way) => !named.includes(way.replace(/Model$/, "").toLowerCase())).toSorted()).toEqual(
        ["languageModel", "specificationVersion", ...(major.isV4 ? [] : ["textEmbeddingModel"])],
      );
    });

    test("of what comes with a stream, which strict leaves out", () => {
      expect(topOf("StreamResult").toSorted()).toEqual(["request", "response", "stream"]);
      const session = createKernel().session({ agentId: "a" });
      expect(aiSdk(session).coverage().passedThrough).toEqual(
        expect.arrayContaining(["headers", "request", "response.body", "response of a stream", "raw"]),
      );
    });
  });
}
