import { expect, test } from "vitest";
import { blockPatterns } from "../../src/guards/block-patterns.ts";
import { createKernel } from "../../src/preset/create-kernel.ts";
import type { BlockedPattern } from "../../src/policy/policy.ts";
import { randomBase64 } from "./random.ts";

// What a policy of the README's kind blocks, with short words and with words that look-alikes and folds could make.
const PATTERNS: readonly BlockedPattern[] = [
  "password",
  "rm -rf",
  "drop table",
  "--force",
  "ssn",
  "cop",
  "top",
  "pop",
  "sin",
  "bed",
  { pattern: "\\d{3}-\\d{2}-\\d{4}", type: "regex" },
  { pattern: "sk-[a-z0-9]{8,}", type: "regex" },
  { pattern: "*secret_key*", type: "glob" },
];

test.each<readonly [string, unknown]>([
  ["English prose", "The quarterly report is ready. Don't send it before Tuesday, it isn't signed - yet."],
  ["Russian prose", "Мы собрали рост продаж, сор из избы не выносим; тор и сыр, авто и кот. Отчёт готов."],
  [
    "Russian prose beside Latin names",
    "Отправьте отчёт в Slack и в Jira, сорт «А», порт USB-C, IP-адрес и SQL-запрос.",
  ],
  ["Ukrainian prose", "Сьогодні ми перевірили звіт; її сор і тор."],
  ["Bulgarian prose", "Сор, топ модел и поп музика: това е тест."],
  ["Greek prose", "Το τοπ μοντέλο και η ποπ μουσική. Ο κόσμος τρέχει, ΤΟΠ ΚΑΙ ΠΟΠ."],
  ["Greek letters of mathematics", "σx + τ·ρ = αβγ, μm, Δt, 5 µs, Ω, φ(x) ≈ π/2"],
  ["Turkish prose", "Sınıfta sınav var, ısındı; İstanbul'da ışık kısıldı."],
  ["German prose", "Die Straße ist maßvoll beleuchtet, die Maße stimmen. Geschwindigkeitsbegrenzung, Größe, Grüße."],
  ["French prose", "L'été dernier, le café où nous étions a fermé ; ça n'empêche pas l'œuvre."],
  ["Polish prose", "Zażółć gęślą jaźń, łódź i żaba."],
  ["Vietnamese prose", "Tôi đã gửi báo cáo cho bộ phận tài chính vào thứ ba."],
  ["Japanese prose", "四半期レポートは準備できました。〜まで待ってください。ＡＢＣ株式会社、トップページ。"],
  ["Chinese prose", "季度报告已经准备好了，请不要在星期二之前发送。"],
  ["Korean prose", "분기 보고서가 준비되었습니다. 화요일 전에 보내지 마세요."],
  ["Arabic prose", "التقرير الفصلي جاهز. ٢٠٢٦/١١/٢٩ الساعة ١١:٤٣"],
  ["Hebrew prose", "הדוח הרבעוני מוכן."],
  ["Hindi prose", "त्रैमासिक रिपोर्ट तैयार है। १२३"],
  ["Thai prose", "รายงานประจำไตรมาสพร้อมแล้ว"],
  ["emoji", "Well done 👩‍👩‍👧 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇹🇷 ☝🏽"],
  ["TypeScript", "export function f<T>(x: T[]): T { return x.map((y) => y ?? `${y}\\n`)[0]!; } // 'a' \"b\""],
  ["a regular expression", "/^(?:\\s*\\d{3}|[\\w.-]+@[^\\s@]+\\.\\w{2,})$/u"],
  ["a shell script", "for f in *.txt; do echo \"$f\" | sed 's/\\t/ /g' >> out.log 2>&1; done"],
  ["a path of Windows", "C:\\Users\\redo\\temp\\new\\file.txt"],
  ["JSON", JSON.stringify({ a: [1, 2, { b: "x\ny" }], c: null, d: "é" })],
  ["JSON in JSON", JSON.stringify(JSON.stringify({ text: "a \"quoted\" 'word'\n" }))],
  ["HTML", '<p class="x">a &amp; b &lt;c&gt; &nbsp; &#8220;d&#8221; &reg;</p>'],
  ["Markdown", "# Title\n\n- `code` **bold** [link](https://example.com/a%20b?x=1&y=2#z)\n\n> quote\n"],
  ["a URL with a query", "https://example.com/search?q=a+b%2Fc&lang=de&amp=1&lt=5&utm_source=x"],
  ["CSV", 'id,name,amount\n1,"Müller, Å",12.50\n2,O\'Neil,-3\n'],
  ["a table of numbers", "25 30 45 60\n72 66 20 41\n0.25 0.5 1e-9\n"],
  ["dates and times", "2026-11-29T11:43:04.123Z, 29.11.2026 20:15:30, Sun Nov 29 11:43:04 UTC 2026"],
  ["telephone numbers", "+49 30 1234567, (555) 123-4567, 020 7946 0958"],
  ["UUIDs", "123e4567-e89b-12d3-a456-426614174000 6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
  ["a hash in hexadecimal", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
  [
    "a lock file",
    '"integrity": "sha512-Jv5Zx1kUhW0c0aGrGzmLQmBJRMMaVFpY9CkYqQ1JfDdmmVIoHhLGnCLy5zdjXl8WLRz9QXjV3yQwD0dXrVdOMQ=="',
  ],
  ["addresses of network cards", "00:1A:2B:3C:4D:5E 72:6d:30:2d"],
  ["a hexdump", "00000000: 8950 4e47 0d0a 1a0a 0000 000d 4948 4452  .PNG........IHDR"],
  ["a diff", "@@ -1,3 +1,3 @@\n-const a = 1;\n+const a = 2;\n"],
  ["a stack trace", "TypeError: x is not a function\n    at f (file:///srv/app/dist/index.js:12:34)"],
  ["LaTeX", "\\frac{1}{2} \\alpha \\beta \\text{rate} \\left( x^2 \\right)"],
  ["a small picture", { type: "image", data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" }],
  ["a picture in a data URL", { url: `data:image/png;base64,${randomBase64(65_536, 11)}` }],
  ["a picture in lines", { body: randomBase64(65_536, 12).replace(/.{76}/g, "$&\r\n") }],
  ["a lone surrogate at a cut", "a text that was cut in the middle of an emoji \ud83d"],
  ["a tool's result", { content: [{ type: "text", text: "72°F, humidity 41%, wind 5 km/h" }], isError: false }],
])("blockPatterns() allows ordinary text, when it is %s", async (_, payload) => {
  const session = createKernel({ guards: [blockPatterns(PATTERNS)] }).session({ agentId: "a" });
  expect(await session.check({ stage: "post_tool_call", name: "t", payload })).toMatchObject({ effect: "allow" });
});
