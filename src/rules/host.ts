import { compileGlob, type GlobTest } from "../base/glob.ts";
import { FALSE, some, TRUE, type Truth, UNKNOWN } from "./truth.ts";

/** The ports of the schemes that a pattern means where it names none. */
const WEB: ReadonlyMap<string, string> = new Map([["http", "80"], ["https", "443"], ["ws", "80"], ["wss", "443"]]);

interface HostPattern {
  readonly scheme: string | undefined;
  readonly isHost: GlobTest;
  /** `*`: any. */
  readonly port: string | undefined;
}

interface Address {
  readonly scheme: string;
  readonly host: string;
  readonly port: string | undefined;
}

/** Stands for a star while a pattern's host is parsed: not every platform takes stars. */
const STAR = "0star0";
const PATTERN = /^(?:([a-z][a-z\d+.-]*):\/\/)?(\[[\da-f:.]+\]|[^\s/?#@:[\]\\%]+)(?::(\d{1,5}|\*))?$/i;

/** Says what is wrong with a host pattern, or nothing. */
export function hostMistake(text: string): string | undefined {
  return readPattern(text) === undefined
    ? "a host, such as example.com, *.example.com or https://example.com:8443"
    : undefined;
}

/**
 * Compiles host patterns (`[scheme://]host[:port]`, with `*` in the host) into the test of an absolute URL.
 *
 * A pattern without a port means the scheme's own, `:*` any; one without a scheme http, https, ws and wss. Hosts beyond
 * ASCII are compared as punycode. What two programs could read differently is unknown.
 */
export function compileHost(patterns: readonly string[]): (text: string) => Truth {
  const all = patterns.map((text) => readPattern(text) as HostPattern);
  return (text) => {
    const address = readAddress(text);
    return address === undefined ? UNKNOWN : some(all, (pattern) => matches(pattern, address));
  };
}

function matches({ scheme, isHost, port }: HostPattern, address: Address): Truth {
  const own = WEB.get(address.scheme);
  if (scheme === undefined ? own === undefined : false) return UNKNOWN;
  if (scheme !== undefined && scheme !== address.scheme) return FALSE;
  if (!isHost(address.host)) return FALSE;
  return port === "*" || (address.port ?? own) === (port ?? own) ? TRUE : FALSE;
}

function readPattern(text: string): HostPattern | undefined {
  const found = PATTERN.exec(text);
  if (found === null) return undefined;
  const [, scheme, host = "", port] = found;
  const ascii = punycode(host.replaceAll("*", STAR))?.replaceAll(STAR, "*");
  if (ascii === undefined || (port !== undefined && port !== "*" && !isPort(port))) return undefined;
  return { scheme: scheme?.toLowerCase(), isHost: compileGlob(ascii), port };
}

/** Reads an absolute URL; `undefined` where it could mean more than one place. */
function readAddress(text: string): Address | undefined {
  // deno-lint-ignore no-control-regex -- that is what is looked for
  if (/[\u0000-\u0020\u007f-\u00a0\u2028\u2029\\]/.test(text)) return undefined;
  const found = /^([a-z][a-z\d+.-]*):\/\/([^/?#]+)(?:[/?#]|$)/i.exec(text);
  if (found === null) return undefined;
  const [, scheme = "", authority = ""] = found;
  const parts = /^(\[[\da-f:.]+\]|[^[\]:@%]+)(?::(\d{1,5}))?$/i.exec(authority);
  if (parts === null) return undefined;
  const [, host = "", port] = parts;
  const ascii = punycode(host);
  if (ascii === undefined || host.endsWith(".") || host.includes("*") || (port !== undefined && !isPort(port))) {
    return undefined;
  }
  return { scheme: scheme.toLowerCase(), host: ascii, port };
}

function isPort(text: string): boolean {
  return String(Number(text)) === text && Number(text) <= 65_535;
}

/** A host as all programs write it; `undefined` where they may differ: odd numbers, look-alikes, what some map away. */
function punycode(host: string): string | undefined {
  const lower = host.toLowerCase();
  if (
    host.normalize("NFKC").toLowerCase() !== lower || /[ßς]|[^\u0000-\u007f\p{L}\p{N}]/u.test(lower)
  ) {
    return undefined;
  }
  let parsed: string;
  try {
    parsed = new URL(`http://${lower}/`).hostname;
  } catch {
    return undefined;
  }
  // deno-lint-ignore no-control-regex -- all of ASCII
  return parsed === lower || /[^\u0000-\u007f]/.test(lower) ? parsed : undefined;
}
