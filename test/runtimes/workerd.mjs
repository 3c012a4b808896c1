// Starts the real workerd, on a free port of this machine.
import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { here, out } from "./bundle.mjs";

/** Serves test/.out/runtimes/worker.mjs; answers the port, how long it took to listen in ms, and how to stop it. */
export async function startWorkerd() {
  cpSync(join(here, "workerd.capnp"), join(out, "workerd.capnp"));
  // The binary itself: behind the package's shim it would outlive the process that is stopped.
  const binary = createRequire(import.meta.url)("workerd").default;
  const began = performance.now();
  const server = spawn(binary, ["serve", "--control-fd=3", join(out, "workerd.capnp")], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const kill = () => void server.kill("SIGKILL");
  // However this process ends, the server ends with it.
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    kill();
    await ended;
  };
  let late;
  try {
    const port = await new Promise((resolve, reject) => {
      late = setTimeout(() => reject(new Error("workerd did not listen within 30 s")), 30_000);
      server.once("error", reject);
      server.once("exit", (code) => reject(new Error(`workerd exited with ${code}`)));
      let text = "";
      server.stdio[3].setEncoding("utf8").on("data", (data) => {
        text += data;
        const match = /\{[^}\n]*"event":\s*"listen"[^}\n]*"port":\s*(\d+)[^}\n]*\}/.exec(text);
        if (match !== null) resolve(Number(match[1]));
      });
    });
    return { url: `http://127.0.0.1:${port}/`, listenedMs: performance.now() - began, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(late);
  }
}
