import { describe, expect, test } from "vitest";
import { createKernel, type Stage } from "../mod.ts";

/** A policy of the README's kind: what it blocks stands in none of the rows. */
const session = createKernel({
  policy: {
    allowedTools: ["search", "read_file", "write_file", "http_get", "sql_query", "mcp__github__list_issues"],
    blockedPatterns: [
      "password",
      "drop table",
      "--force",
      "ignore previous instructions",
      { pattern: "rm\\s+-rf", type: "regex" },
      { pattern: "\\b\\d{3}-\\d{2}-\\d{4}\\b", type: "regex" },
      { pattern: "sk-[a-z0-9]{8,}", type: "regex" },
      { pattern: "*.pem", type: "glob" },
    ],
    maxToolCalls: 1000,
    maxTokens: 5_000_000,
  },
}).session({ agentId: "a" });

/** Bytes that look like chance, the same each time. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = 0x2545f491;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, ...noise(4096));
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
const uuid = (n: number): string => {
  const hex = Buffer.from(noise(16 + n)).subarray(n).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

const TYPESCRIPT = `export async function fetchAll<T>(urls: readonly string[], signal?: AbortSignal): Promise<T[]> {
  const out: T[] = [];
  for (const url of urls) {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(\`\${url}: \${response.status}\`);
    out.push(await response.json() as T);
  }
  return out; // in order
}`;
const PYTHON = `import re
from dataclasses import dataclass

@dataclass
class Row:
    name: str
    amount: float = 0.0

def parse(line: str) -> Row:
    m = re.match(r"^(\\w+)\\s*=\\s*(-?\\d+(?:\\.\\d+)?)$", line)
    return Row(m[1], float(m[2])) if m else Row(line)
`;
const RUST = `fn main() -> Result<(), Box<dyn std::error::Error>> {
    let total: u64 = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok()).sum();
    println!("{total:>8}\\n");
    Ok(())
}`;
const DIFF = `diff --git a/src/a.ts b/src/a.ts
index 3f1c2aa..9b0e7d1 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,4 +1,4 @@
-export const limit = 10;
+export const limit = 12;
`;

const rows: readonly (readonly [string, Stage, unknown])[] = [
  // ---- code and data
  ["TypeScript", "pre_tool_call", { path: "src/fetch.ts", content: TYPESCRIPT }],
  ["Python", "pre_tool_call", { path: "parse.py", content: PYTHON }],
  ["Rust", "post_tool_call", RUST],
  ["a diff", "post_tool_call", DIFF],
  ["SQL", "pre_tool_call", {
    query: "SELECT id, name FROM users WHERE created_at > $1 ORDER BY id LIMIT 50",
    params: [7],
  }],
  ["SQL that makes tables", "pre_tool_call", {
    query: "CREATE TABLE drops (id INT); ALTER TABLE drops ADD COLUMN n INT",
  }],
  ["shell", "pre_tool_call", { command: "git log --oneline -n 5 && npm run build -- --watch=false | tee out.log" }],
  ["a regular expression in code", "pre_tool_call", { code: "const re = /^\\s*(?:\\\\x[0-9a-f]{2}|\\u00e9)+$/giu;" }],
  [
    "CSS",
    "post_tool_call",
    ".card::before{content:'\\201C';margin:0 -4px;background:url(data:image/gif;base64,R0lGODlhAQABAAAAACw=)}",
  ],
  ["HTML", "post_tool_call", "<p>Fish &amp; chips &lt;3 &#8364;5 &nbsp;<a href='/a?b=1&amp;c=2'>more</a></p>"],
  ["XML", "post_tool_call", '<?xml version="1.0"?><rss><item><guid>a&#45;1</guid><title>News</title></item></rss>'],
  ["YAML", "pre_tool_call", { content: "on: [push]\njobs:\n  test:\n    steps:\n      - run: npm ci\n" }],
  [
    "a CSV of numbers",
    "post_tool_call",
    Array.from({ length: 300 }, (_, i) => `${i};${i * 37 % 101};${1_700_000_000 + i * 61}`).join("\n"),
  ],
  [
    "JSON in JSON",
    "post_tool_call",
    JSON.stringify(JSON.stringify({ a: ["\u0041", '\n\t"x"'], path: "C:\\new\\table" })),
  ],
  ["a Windows path", "pre_tool_call", { path: "C:\\Users\\ada\\Documents\\notes\\x41\\u0041.txt" }],
  ["a log", "post_tool_call", "2026-01-02T03:04:05.678Z INFO [worker-3] done in 12ms (200) req=7f3a-11\n".repeat(50)],
  ["a lock file", "post_tool_call", { integrity: `sha512-${base64(noise(64))}`, resolved: "left-pad-1.3.0.tgz" }],
  [
    "a minified script",
    "post_tool_call",
    "!function(e,t){for(var n=0;n<t.length;n++){var r=t[n];e[r]=e[r]||0}}({},[1,2]);",
  ],
  ["mathematics", "input", "Show that ∑_{i=1}^{n} i = n(n+1)/2, and ∀ε>0 ∃δ: |x−a|<δ ⇒ |f(x)−f(a)|<ε."],
  ["LaTeX", "input", "\\frac{\\partial u}{\\partial t} = \\alpha \\nabla^2 u, \\quad u(0,x)=\\sin(\\pi x)"],
  ["Markdown", "output", "## Result\n\n| a | b |\n| - | - |\n| 1 | `x` |\n\n- [ ] later\n- [x] done ✅"],
  ["percent signs", "output", "Sales rose 12%, costs fell 7% and 100%25 of it is in http://a.example/%E4%BD%A0?x=%2Fy"],
  // ---- encoded and random
  ["a small image in base64", "pre_model_call", {
    messages: [{ role: "user", content: `data:image/png;base64,${base64(PNG)}` }],
  }],
  ["an image of 200 Ki in base64", "pre_model_call", { messages: [{ role: "user", content: base64(noise(150_000)) }] }],
  ["base64 in lines", "post_tool_call", base64(noise(6000)).replace(/.{76}/g, "$&\r\n")],
  ["base64 for URLs", "post_tool_call", Buffer.from(noise(3000)).toString("base64url")],
  ["hex", "post_tool_call", Buffer.from(noise(4000)).toString("hex")],
  [
    "a hex dump",
    "post_tool_call",
    Buffer.from(noise(1600)).toString("hex").replace(/(..)/g, "$1 ").replace(/(.{48})/g, "$1\n"),
  ],
  ["UUIDs", "post_tool_call", Array.from({ length: 200 }, (_, i) => uuid(i))],
  ["a UUID as arguments' key", "pre_tool_call", { [uuid(1)]: { id: uuid(2) } }],
  ["a JWT", "pre_tool_call", {
    token: `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"sub":"1","iat":1516239022}').toString("base64url")}.${
      Buffer.from(noise(32)).toString("base64url")
    }`,
  }],
  [
    "commit ids",
    "post_tool_call",
    Array.from({ length: 50 }, (_, i) => Buffer.from(noise(20 + i)).subarray(i).toString("hex")),
  ],
  ["an embedding", "post_tool_call", Array.from(noise(1536), (byte) => (byte - 128) / 4321)],
  ["an embedding as bytes", "post_tool_call", new Float32Array(Array.from(noise(1536), (byte) => (byte - 128) / 4321))],
  [
    "phone numbers and dates",
    "output",
    "Call 030 123456-78 or +1 (555) 010-9999 before 2026-11-05, ISBN 978-3-16-148410-0",
  ],
  // ---- languages
  [
    "Russian",
    "input",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. Пароль не нужен; отчёт за май готов.".repeat(20),
  ],
  ["Ukrainian", "output", "Щастям б'єш жук їх глицю в фон й ґедзь пріч. Усі рядки таблиці збережено."],
  ["Bulgarian", "input", "Ах, чудна българска земьо, полюшвай цъфтящи жита. Моля, обобщи документа."],
  ["Greek", "input", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Παρακαλώ συνόψισε το έγγραφο σε τρεις προτάσεις.".repeat(20)],
  [
    "Turkish",
    "input",
    "Pijamalı hasta yağız şoföre çabucak güvendi. IĞDIR'da ılık bir gün; İstanbul'da ise yağmur.".repeat(20),
  ],
  [
    "German",
    "input",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Straßenbahnhaltestellenverzeichnis ẞ SS ß."
      .repeat(20),
  ],
  [
    "German compounds",
    "output",
    "Donaudampfschifffahrtsgesellschaftskapitän Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
  ],
  [
    "Japanese",
    "input",
    "いろはにほへと ちりぬるを。この報告書を三行で要約してください。カタカナとｶﾅと漢字。".repeat(20),
  ],
  ["Chinese", "input", "天地玄黄，宇宙洪荒。请用三句话总结这份文件，并列出所有的数字：１２３。".repeat(20)],
  ["Korean", "input", "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.".repeat(20)],
  ["Arabic", "input", "نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق".repeat(20)],
  ["Hebrew in English", "input", "The word שלום means peace, and \u200fעברית\u200f is written from right to left."],
  ["Hindi", "input", "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले विष्णुवतार भगवान श्रीराम"],
  ["Thai", "input", "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน"],
  ["Vietnamese", "input", "Do bạch kim rất quý nên sẽ dùng để lắp vô xương, hãy tóm tắt tài liệu này."],
  ["French", "output", "Portez ce vieux whisky au juge blond qui fume ; l’œuvre coûte 3 €, n’est-ce pas ?"],
  ["Polish", "output", "Zażółć gęślą jaźń, a potem policz wiersze w tabeli."],
  ["emoji", "input", "👩‍👩‍👧‍👦 went to 🇯🇵 and ate 🍣🍣; thumbs 👍🏽 for it ❤️"],
  ["a fancy title", "output", "𝓗𝓮𝓵𝓵𝓸 ｗｏｒｌｄ ⓐⓑⓒ ﬁne"],
  // ---- shapes of popular SDKs
  ["a chat request", "pre_model_call", {
    messages: [{ role: "system", content: "You are helpful." }, {
      role: "user",
      content: [{ type: "text", text: "Hi" }, { type: "image", image: PNG }],
    }],
    tools: [{ name: "search", parameters: { type: "object", properties: { q: { type: "string" } }, required: ["q"] } }],
    temperature: 0.2,
    seed: undefined,
  }],
  ["a chat completion", "post_model_call", {
    id: "chatcmpl-9x",
    object: "chat.completion",
    created: 1_760_000_000,
    model: "m-1",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Sunny.", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
  }],
  ["a model's answer with calls", "post_model_call", {
    content: "",
    toolCalls: [{ id: "call_1", name: "search", arguments: { q: "tea" } }],
    finishReason: "tool-calls",
  }],
  ["an MCP result", "post_tool_call", {
    content: [{ type: "text", text: "3 issues" }, { type: "image", data: base64(PNG), mimeType: "image/png" }],
    structuredContent: { total: 3 },
    isError: false,
    _meta: {},
  }],
  ["a page of issues", "post_tool_call", {
    data: [{
      id: 1,
      node_id: "MDU6SXNzdWUx",
      number: 7,
      title: "Crash on start",
      labels: [{ color: "d73a4a" }],
      created_at: "2026-01-01T00:00:00Z",
      closed_at: null,
    }],
    headers: { etag: 'W/"0f9c"', "x-ratelimit-remaining": "59" },
    status: 200,
  }],
  ["rows of a database", "post_tool_call", {
    rows: [{ id: 9007199254740993n, at: new Date(0), note: null, blob: PNG }],
    rowCount: 1,
    fields: [{ name: "id", dataTypeID: 20 }],
  }],
  ["rows in a map", "post_tool_call", new Map([["ada", { tags: new Set(["a", "b"]), seen: new Date(0) }]])],
  [
    "a document with an id",
    "post_tool_call",
    new (class Document {
      readonly _id = { toJSON: (): string => "507f1f77bcf86cd799439011" };
      readonly title = "Notes";
      toJSON(): object {
        return { _id: "507f1f77bcf86cd799439011", title: this.title };
      }
    })(),
  ],
  [
    "an order of a class",
    "post_tool_call",
    new (class Order {
      readonly id = 7;
      readonly lines = [{ sku: "A-1", price: 12.5 }];
      total(): number {
        return 12.5;
      }
    })(),
  ],
  ["a charge", "post_tool_call", {
    id: "ch_3N",
    object: "charge",
    amount: 2000,
    currency: "eur",
    metadata: {},
    paid: true,
    receipt_url: "https://pay.example/r/1",
  }],
  ["search results", "post_tool_call", {
    results: [{ title: "Tides", url: new URL("https://a.example/tides?lang=en#top"), score: 0.93 }],
  }],
  ["settled promises", "post_tool_call", [{ status: "fulfilled", value: 1 }, {
    status: "rejected",
    reason: new TypeError("fetch failed"),
  }]],
  ["a file as a Node Buffer", "post_tool_call", Buffer.from("name,amount\nada,5\n")],
  ["a PDF", "post_tool_call", Uint8Array.of(...utf8("%PDF-1.7\n"), 0xe2, 0xe3, 0xcf, 0xd3, ...noise(8192))],
  ["a text file as bytes", "post_tool_call", utf8("Grüße aus Köln\n")],
  ["an error of an API", "post_tool_call", {
    name: "APICallError",
    message: "Too many requests",
    statusCode: 429,
    responseHeaders: { "retry-after": "3" },
    isRetryable: true,
  }],
  ["a schema of a tool", "pre_model_call", {
    messages: [],
    tools: [{
      name: "read_file",
      description: "Reads a file. Paths are relative; use forward slashes.",
      inputSchema: { $schema: "http://json-schema.org/draft-07/schema#", type: "object", additionalProperties: false },
    }],
  }],
  ["an empty thing", "output", {}],
  ["nothing", "output", undefined],
  ["a number", "output", -0],
];

describe("honest payloads", () => {
  test("are at least sixty", () => {
    expect(rows.length).toBeGreaterThanOrEqual(60);
  });

  test.each(rows)("check() allows %s at %s", async (_, stage, payload) => {
    const name = stage.endsWith("tool_call") ? "search" : stage.endsWith("model_call") ? "m" : "execute";
    const decision = await session.check({ stage, name, payload });
    expect(decision.effect === "allow" ? [] : [decision]).toEqual([]);
  });
});
