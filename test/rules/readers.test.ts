import { describe, expect, test } from "vitest";
import { compileCommand } from "../../src/rules/command.ts";
import { compileEmail } from "../../src/rules/email.ts";
import { compileHost } from "../../src/rules/host.ts";
import { compileLinks } from "../../src/rules/links.ts";
import { compileRegex } from "../../src/rules/regex.ts";
import { KnownTexts } from "../../src/rules/known.ts";
import { compileWithin } from "../../src/rules/within.ts";

const WORDS = ["no", "yes", "unknown"];
const asked = (judge: (text: string) => number) => (text: string) => WORDS[judge(text)];

describe("within", () => {
  const posix = asked(compileWithin(["/jobs", "~/notes"]));
  const relative = asked(compileWithin(["data"]));
  const drive = asked(compileWithin(["C:\\Jobs\\in"]));

  test.each([
    "/jobs/a",
    "/jobs",
    "/jobs/",
    "/jobs/./a//b/../c",
    "/jobs/a:b",
    "/jobs/a b",
    "~/notes/x",
    "/../jobs/a",
    "/jobs/…/ü",
    "/jobs/.hidden",
    "/jobs/$x",
  ])("%s is in it", (path) => expect(posix(path)).toBe("yes"));
  test.each([
    "/etc/passwd",
    "/jobs/../etc/passwd",
    "/workshop/a",
    "/jobs/a/../../etc",
    "/",
    "~/other",
    "~",
    "~/notes/../x",
  ])(
    "%s is not in it",
    (path) => expect(posix(path)).toBe("no"),
  );
  test.each([
    "",
    "work/a",
    "C:\\work\\a",
    "//host/jobs/a",
    "\\\\host\\work",
    "/jobs\\a",
    "/jobs/a\0",
    "/jobs/a\n",
    "/jobs/%2e%2e/x",
    "/jobs/..%2fx",
    "/Jobs/a",
    "/JOBS/a",
    "$HOME/x",
    "~root/x",
    "~/../x",
    "/jobs/PROGRA~1/x",
    "file:///jobs/a",
  ])("%s is unknown", (path) => expect(posix(path)).toBe("unknown"));

  test("relative folders take relative paths, and .. leaves them", () => {
    expect(["data/a", "./data/a", "data/../data/a", "x/../data/a"].map(relative)).toEqual(Array(4).fill("yes"));
    expect(["other", "../data/a", "data/../../data/a", "."].map(relative)).toEqual(Array(4).fill("no"));
    expect(["Data/a", "c:data/a", "file:data", "data\\a", "/data/a"].map(relative)).toEqual(Array(5).fill("unknown"));
  });

  test("a drive takes both slashes, and ignores case", () => {
    expect(["C:\\Jobs\\in\\a", "c:/jobs/IN/a", "C:\\Jobs\\in\\..\\in\\a.txt"].map(drive)).toEqual(Array(3).fill("yes"));
    expect(["C:\\Jobs\\a", "D:\\Jobs\\in\\a", "C:\\Jobs\\in\\..\\a"].map(drive)).toEqual(Array(3).fill("no"));
    expect(
      ["C:Jobs\\in", "C:\\Jobs\\in\\a:stream", "C:\\Jobs\\in.\\a", "C:\\Jobs \\in", "C:\\JOBS~1\\in", "/Jobs/in"].map(
        drive,
      ),
    )
      .toEqual(Array(6).fill("unknown"));
  });
});

describe("host", () => {
  const ours = asked(
    compileHost(["api.example.com", "*.example.org", "https://only.example.net:8443", "any.example:*"]),
  );

  test.each([
    "https://api.example.com/x",
    "http://api.example.com",
    "wss://API.Example.com?q",
    "https://api.example.com:443/",
    "https://a.b.example.org/",
    "https://only.example.net:8443/x",
    "http://any.example:9999",
    "https://api.example.com/@x",
  ])("%s is ours", (url) => expect(ours(url)).toBe("yes"));
  test.each([
    "https://evil.example/",
    "https://example.org/",
    "https://api.example.com.evil.example/",
    "https://api.example.com:8443/",
    "http://only.example.net:8443/",
    "https://only.example.net/",
    "https://evil.example/api.example.com",
    "https://evil.example?api.example.com",
    "https://аpi.example.com/",
    "https://evil.example#.example.org",
  ])("%s is not", (url) => expect(ours(url)).toBe("no"));
  test.each([
    "",
    "api.example.com",
    "//api.example.com/",
    "https:/api.example.com",
    "https:api.example.com",
    "https://u@api.example.com/",
    "https://api.example.com@evil.example/",
    "https://api.example.com\\@evil.example/",
    "https://api.example.com./",
    "https://api.example.com%2eevil.example/",
    "https://api%2eexample.com/",
    " https://api.example.com/",
    "https://api.example.com/ ",
    "https://api.example.com/a b",
    "https://api.example.com\t/",
    "https:///x",
    "https://api.example.com:/",
    "https://api.example.com:0443/",
    "https://api.example.com:99999/",
    "ftp://api.example.com/",
    "mailto:a@api.example.com",
    "https://api。example.com/",
    "https://ａpi.example.com/",
    "https://api\u00ad.example.com/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://straße.example.org/",
  ])("%s is unknown", (url) => expect(ours(url)).toBe("unknown"));

  test("numbers and names beyond ASCII in their one form are read", () => {
    const plain = asked(compileHost(["127.0.0.1", "[::1]", "bücher.example", "s3://bucket"]));
    expect(
      [
        "http://127.0.0.1/",
        "http://[::1]/",
        "https://bücher.example/",
        "https://xn--bcher-kva.example/",
        "s3://bucket/key",
      ].map(plain),
    )
      .toEqual(Array(5).fill("yes"));
    expect(["http://127.0.0.2/", "http://[::2]/"].map(plain)).toEqual(["no", "no"]);
  });
});

describe("email", () => {
  const ours = asked(compileEmail(["example.com", "*.example.org"]));

  test.each(["ada@example.com", "a.b+c@EXAMPLE.com", "x@mail.example.org", "o'neil@example.com"])(
    "%s is ours",
    (text) => expect(ours(text)).toBe("yes"),
  );
  test.each(["eve@example.net", "eve@example.com.evil.example", "eve@example.org", "eve@notexample.com"])(
    "%s is not",
    (text) => expect(ours(text)).toBe("no"),
  );
  test.each([
    "",
    "ada",
    "@example.com",
    "ada@",
    "ada@example.com,eve@evil.example",
    "ada@example.com eve@evil.example",
    "Ada <ada@example.com>",
    "eve@evil.example@example.com",
    '"eve@evil.example"@example.com',
    "eve%evil.example@example.com",
    "evil.example!eve@example.com",
    "=?utf-8?q?eve=40evil.example?=@example.com",
    "ada@example.com\n",
    "ada@example.com.",
    "ada@[127.0.0.1]",
    "ada@exаmple.com",
    "аda@example.com",
    "ada@example.com\0",
    ".ada@example.com",
    "a..b@example.com",
    "ada@localhost",
    "ada@-example.com",
    "(c)ada@example.com",
    "mailto:ada@example.com",
  ])("%j is unknown", (text) => expect(ours(text)).toBe("unknown"));
});

describe("command", () => {
  const judge = compileCommand(["git log *", "git status", "ls *", "echo *"]);
  const all = asked((text) => judge(text, false));
  const any = asked((text) => judge(text, true));

  test.each([
    "git log",
    "git log --oneline -5",
    "git status",
    "ls -la | git log",
    "ls; git status",
    "ls && git status\nls",
    "ls 'a;b'",
    'echo "a && rm -rf /"',
    "ls 2>&1",
    "ls -d *.ts",
    "ls&",
    "'git' log",
    "ls ~/x",
  ])("%s is allowed", (line) => expect(all(line)).toBe("yes"));
  test.each([
    "rm -rf /",
    "git push",
    "git status -s",
    "git -c core.pager=sh log",
    "ls; rm x",
    "ls | sh",
    "ls && rm x",
    "ls || rm x",
    "ls\nrm x",
    "ls & rm x",
    "gitlog",
    "./ls",
    "ls |& rm",
  ])("%s is not", (line) => expect(all(line)).toBe("no"));
  test.each([
    "",
    " ",
    ";",
    "ls $(rm x)",
    "ls `rm x`",
    "ls $HOME",
    'echo "$(rm x)"',
    'echo "`rm x`"',
    "ls > x",
    "ls < x",
    "ls >& x",
    "(ls)",
    "{ ls; }",
    "if ls; then rm x; fi",
    "! ls",
    "A=1 ls",
    "l\\s",
    "l*",
    "[ -f x ]",
    "ls 'a",
    'ls "a',
    "ls # rm",
    "ls\r\nrm",
    "time ls",
    "case x in y) ls;; esac",
    "ls\u0000",
    "PATH=. ls",
    "a[0]=1 ls",
    "{ls,x}",
    "ls <(rm x)",
  ])("%j is unknown", (line) => expect(all(line)).toBe("unknown"));

  test("the reading of when finds one of several", () => {
    expect([any("ls; rm x"), any("rm x; rm y"), all("ls; rm x")]).toEqual(["yes", "no", "no"]);
  });
});

describe("links", () => {
  const ours = asked(compileLinks(["example.com", "*.example.com"]));
  const none = asked(compileLinks([]));

  test.each([
    "",
    "no link at all: and/or, 1/2, a.b, e.g. this.",
    "See https://example.com/a.",
    "(https://docs.example.com/x)",
    "[a](https://example.com/b) and www.example.com",
    '<a href="https://example.com">x</a>',
    "[a](/local) [b](#top)",
    "Look at docs.example.com/page!",
    "Meet at 10:30, v1.2/3",
    "C:\\Users\\x",
    "it&#39;s fine",
  ])("%j links to ours at most", (text) => expect(ours(text)).toBe("yes"));
  test.each([
    "https://evil.example/?q=secret",
    "see www.evil.example",
    "evil.example/path",
    "[a](//evil.example/x)",
    '<img src="//evil.example/p.png">',
    "https://example.com.evil.example/",
    "https://example.com and http://evil.example",
    "![x](https://evil.example/a.png)",
    "[x]: https://evil.example/a",
  ])("%j links elsewhere", (text) => expect(ours(text)).toBe("no"));
  test.each([
    "https://example.com@evil.example/",
    "https:/evil.example",
    "https:\\\\evil.example",
    "http:evil.example",
    "https&#58;//evil.example/",
    "https://evil\u200b.example/",
    "hｔtps：／／evil.example/",
    "[a](javascript:alert(1))",
    "https://example.com%2eevil.example/",
    "[a](\\\\evil.example)",
    "ev\u00adil.example/path",
  ])("%j cannot be told, or links elsewhere", (text) => expect(ours(text)).not.toBe("yes"));

  test("an empty list wants no link", () => {
    expect([none("plain text"), none("https://example.com"), none("www.example.com"), none("http:evil.example")])
      .toEqual(["yes", "no", "no", "unknown"]);
  });

  test.each(["http:", "a".repeat(5), "://", "[](", "a.", "www.", "href= ", "&#x", "a1"])(
    "%j repeated is read in a number of steps that grows with the text",
    (unit) => {
      // What took more than linear time would not come back at this length.
      expect(WORDS).toContain(none(unit.repeat(100_000)));
    },
  );
});

describe("matches", () => {
  test("means the whole text, exact in case", () => {
    const matches = compileRegex("[A-Z]{2}\\d+|(?i:none)");
    expect(["AB12", "ab12", "xAB12", "AB12\n", "NoNe", "AB"].map(matches)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
    ]);
    expect(compileRegex("a.c")("a\nc")).toBe(false);
    expect(compileRegex("(?:a+)+b")("a".repeat(50_000))).toBe(false);
    expect([compileRegex("ß")("ss"), compileRegex("ß")("ß"), compileRegex("[^a]")("A")]).toEqual([false, true, true]);
  });
});

describe("known", () => {
  const known = new KnownTexts();
  known.learn("Send it to ada@example.com, please. IBAN: DE89 3704 0044 0532 0130 00!");
  known.learn({ invoice: { account: "1234567", names: ["Grace  Hopper"] }, total: 987654 });
  const has = asked((text) => known.has(text));

  test("a text that stands whole", () => {
    expect(
      ["ada@example.com", "ADA@EXAMPLE.COM", "DE89 3704 0044 0532 0130 00", "grace hopper", "1234567", "987654"].map(
        has,
      ),
    )
      .toEqual(Array(6).fill("yes"));
  });
  test("a part of another text is not it", () => {
    expect(
      ["da@example.com", "ada@example.co", "example.com", "3456789", "eve@example.com", "DE89370400440532013000"].map(
        has,
      ),
    )
      .toEqual(Array(6).fill("no"));
  });
  test("what stands everywhere tells nothing", () => {
    expect(["", "to", "13", "12345", "  "].map(has)).toEqual(Array(5).fill("unknown"));
  });
  test("a child knows what its parent knows, and not the other way", () => {
    const child = new KnownTexts(known);
    child.learn("only the child");
    expect([WORDS[child.has("ada@example.com")], has("only the child")]).toEqual(["yes", "no"]);
  });
  test("beyond a mebibyte nothing more is known", () => {
    const full = new KnownTexts();
    full.learn("x ".repeat(2 ** 19));
    full.learn("later word");
    expect(WORDS[full.has("later word")]).toBe("no");
  });
});
