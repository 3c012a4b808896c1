// Runs the portable cases in a page of headless Chromium, which imports the built core module by module.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import process from "node:process";
import { bundle, here, root } from "./bundle.mjs";

const LIMIT_MS = 120_000;
const CANDIDATES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Where Chromium is: $CHROMIUM, or where systems put it. */
export function chromiumPath() {
  const path = process.env["CHROMIUM"] ?? CANDIDATES.find((candidate) => existsSync(candidate));
  if (path === undefined || !existsSync(path)) {
    throw new Error(
      `There is no Chromium${
        path === undefined ? "" : ` at ${path}`
      }: install it (Debian: apt-get install chromium) or name it in CHROMIUM`,
    );
  }
  return path;
}

/** The flags of a browser that serves a test: nothing of the user's, no first run, no calls home. */
export const CHROMIUM_FLAGS = [
  "--headless",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-extensions",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  // Root has no sandbox to be in.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

/** Serves the page, the cases and dist/; what the page sends back goes to `answered`, which modules it asked for into `asked`. */
async function serve(suite, asked, answered) {
  const server = createServer((request, response) => {
    const send = (status, type, body) =>
      response.writeHead(status, { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store" }).end(body);
    const path = normalize(new URL(request.url ?? "/", "http://127.0.0.1").pathname);
    if (request.method === "POST" && path === "/result") {
      let text = "";
      request.setEncoding("utf8").on("data", (data) => (text += data)).on("end", () => {
        send(204, "text/plain");
        answered(text);
      });
    } else if (path === "/") send(200, "text/html", readFileSync(join(here, "page.html")));
    else if (path === "/suite.js") send(200, "text/javascript", readFileSync(suite));
    else if (/^\/dist\/[\w./-]+\.js$/.test(path) && existsSync(join(root, path))) {
      asked.add(path);
      send(200, "text/javascript", readFileSync(join(root, path)));
    } else send(404, "text/plain", "");
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return server;
}

/** Runs the cases; answers what failed, how many passed, and in which browser. */
export async function runChromium() {
  const path = chromiumPath();
  const suite = await bundle("portable.ts", "page-suite.js", { apart: true });
  const asked = new Set();
  let answered;
  const answer = new Promise((resolve) => (answered = resolve));
  const server = await serve(suite, asked, answered);
  const profile = mkdtempSync(join(tmpdir(), "sallyport-chromium-"));
  // A group of its own, so that the browser's children end with it.
  const browser = spawn(path, [
    ...CHROMIUM_FLAGS,
    `--user-data-dir=${profile}`,
    `http://127.0.0.1:${server.address().port}/`,
  ], { stdio: ["ignore", "ignore", "pipe"], detached: true });
  let said = "";
  browser.stderr.setEncoding("utf8").on("data", (data) => (said = (said + data).slice(-2000)));
  const kill = () => {
    if (browser.pid === undefined) return;
    try {
      process.kill(-browser.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  const remove = () => rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  // However this process ends, the browser ends with it.
  const onExit = () => {
    kill();
    remove();
  };
  process.once("exit", onExit);
  const ended = new Promise((resolve) => browser.once("exit", resolve).once("error", resolve));
  let late;
  try {
    const text = await Promise.race([
      answer,
      ended.then((how) => {
        throw new Error(
          `Chromium ended (${how instanceof Error ? how.message : how}) before the page answered\n${said}`,
        );
      }),
      new Promise((
        _,
        reject,
      ) => (late = setTimeout(
        () => reject(new Error(`The page did not answer within ${LIMIT_MS / 1000} s\n${said}`)),
        LIMIT_MS,
      ))),
    ]);
    const { error, ...result } = JSON.parse(text);
    if (error !== undefined) throw new Error(`The page failed: ${error}`);
    const [, version] = /(?:Headless)?Chrome\/([\d.]+)/.exec(result.runtime) ?? [];
    if (version === undefined) throw new Error(`Not Chromium but ${result.runtime} answered`);
    if (!asked.has("/dist/mod.js") || ![...asked].some((one) => one.startsWith("/dist/chunks/"))) {
      throw new Error(`The page did not import the built modules and what they share: ${[...asked].join(", ")}`);
    }
    return { ...result, version, modules: asked.size };
  } finally {
    clearTimeout(late);
    process.off("exit", onExit);
    kill();
    await ended;
    server.closeAllConnections();
    server.close();
    remove();
  }
}
