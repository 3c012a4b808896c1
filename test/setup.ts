/**
 * Runs before every test file: a test that contacts another host, or leaves a rejection or an error behind, fails, even
 * when the code under test swallowed the error.
 */
import dgram from "node:dgram";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { afterAll, afterEach } from "vitest";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i;
const offences: string[] = [];

function judge(what: string, host: unknown): void {
  if (
    host === undefined || host === null || host === "" ||
    (typeof host === "string" && LOOPBACK.test(host.replace(/^\[(.*)\]$/, "$1")))
  ) return;
  const text = `A test must not leave this machine: ${what} to ${String(host)}`;
  offences.push(text);
  throw new Error(text);
}

/**
 * The host of `connect(options)`, `connect(port, host)` and `connect(path)`; Node's own callers hand over one array.
 */
function hostOf(args: readonly unknown[]): unknown {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === "object" && first !== null) {
    const { host, path } = first as { host?: unknown; path?: unknown };
    return path === undefined || path === null ? host : undefined;
  }
  return typeof second === "string" ? second : undefined;
}

function before(owner: any, method: string, check: (args: readonly unknown[]) => void): void {
  const original = owner[method];
  owner[method] = function (this: unknown, ...args: unknown[]): unknown {
    check(args);
    return Reflect.apply(original, this, args);
  };
}

const GUARDED = Symbol.for("sallyport.test.network");
const marks = globalThis as { [GUARDED]?: boolean };
if (marks[GUARDED] !== true) {
  marks[GUARDED] = true;
  before(net.Socket.prototype, "connect", (args) => judge("connect", hostOf(args)));
  for (const owner of [dns, dns.promises]) {
    for (const method of Object.keys(owner)) {
      if (/^(?:lookup|resolve|reverse)/.test(method)) before(owner, method, ([host]) => judge(`dns.${method}`, host));
    }
  }
  before(
    dgram.Socket.prototype,
    "connect",
    ([, host]) => judge("dgram.connect", typeof host === "string" ? host : undefined),
  );
  before(
    dgram.Socket.prototype,
    "send",
    (args) => judge("dgram.send", args.slice(1).find((arg) => typeof arg === "string")),
  );
  syncBuiltinESMExports();
}

// The runner fails the run on these too; recorded here, they are put down to the test that caused them, and a rejection
// that is handled later does not get away.
process.on("unhandledRejection", (reason) => offences.push(`A rejection was left unhandled: ${String(reason)}`));
process.on("uncaughtException", (error) => offences.push(`An error was left uncaught: ${String(error)}`));

const turn = setImmediate; // kept, since a test may leave fake timers behind

/** Node reports rejections once its queue of microtasks is empty, which a turn of the event loop guarantees. */
async function settle(): Promise<void> {
  await new Promise<void>((done) => turn(done));
  const found = offences.splice(0);
  if (found.length > 0) throw new Error(found.join("\n"));
}

afterEach(settle);
afterAll(settle);
