/**
 * Refusals behind a real HTTP server, in a process of its own.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";

interface Reply {
  readonly way: string;
  readonly kind: string;
  readonly body: string;
  readonly told: readonly string[];
}

const SERVER = fileURLToPath(new URL("./server.ts", import.meta.url));

/** @param home The folder whose `node_modules` has the major of `ai`. */
export function aiSdkHttpCases(title: string, home: string): void {
  describe(`aiSdk() with ${title} behind node:http`, () => {
    let replies: readonly Reply[] = [];
    beforeAll(() => {
      const folder = join(home, ".out");
      mkdirSync(folder, { recursive: true });
      const outfile = join(folder, `server-${process.pid}.mjs`);
      buildSync({
        entryPoints: [SERVER],
        outfile,
        bundle: true,
        packages: "external",
        platform: "node",
        format: "esm",
      });
      // Node ends a process that leaves a rejection behind, and this throws where it has not ended well.
      try {
        const options = { encoding: "utf8", stdio: "pipe", timeout: 50_000 } as const;
        replies = JSON.parse(execFileSync(process.execPath, [outfile], options)) as Reply[];
      } finally {
        rmSync(outfile, { force: true });
      }
    }, 60_000);

    test("answers every request of every way, and the server lives", () => {
      expect(new Set(replies.map(({ way }) => way)).size).toBe(12);
      expect(replies).toHaveLength(12 * 6);
    });

    test.each(["prompt", "answer"])("tells onError and the client, when it refuses the %s", (kind) => {
      for (const { way, body, told } of replies.filter((reply) => reply.kind === kind)) {
        expect([way, told]).toEqual([way, ["blocked_pattern"]]);
        expect(body).not.toContain("forbidden");
        if (/UI/.test(way)) expect([way, body]).toEqual([way, expect.stringContaining("refused: blocked_pattern")]);
      }
    });

    test("goes on after the refusal, when it refuses a tool call", () => {
      for (
        const { way, body } of replies.filter(({ kind, way }) => kind === "tool" && !way.startsWith("streamObject"))
      ) {
        expect([way, body.match(/fine/g)]).toEqual([way, ["fine", "fine"]]);
        if (/UI/.test(way)) expect(body).toContain("blocked_pattern");
      }
    });

    test("tells onError, when the provider breaks off", () => {
      for (const { way, told } of replies.filter(({ kind }) => kind === "broken")) {
        expect([way, told]).toEqual([way, ["the provider hung up"]]);
      }
    });

    test("cancels the model, when the client leaves", () => {
      expect(replies.filter(({ kind }) => kind === "endless").map(({ body }) => body)).toEqual(Array(12).fill("left"));
    });
  });
}
