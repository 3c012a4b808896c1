import { compileGlobs } from "../base/glob.ts";
import { FALSE, TRUE, type Truth, UNKNOWN } from "./truth.ts";

const LOCAL = /^[A-Za-z0-9#$&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9#$&'*+/=?^_`{|}~-]+)*$/;
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DOMAIN_GLOB = /^[a-z0-9*-]+(?:\.[a-z0-9*-]+)*$/;

/** Says what is wrong with a domain glob, or nothing. */
export function emailMistake(glob: string): string | undefined {
  return DOMAIN_GLOB.test(glob.toLowerCase()) ? undefined : "a domain, such as example.com or *.example.com";
}

/**
 * Compiles domain globs into the test of one plain address: whether its domain is one of them, whatever its case.
 *
 * What could be read as several addresses, or as another one, is unknown: names, lists, comments, quotes, encoded
 * words, routes (`%` and `!`), addresses of machines, and what is not ASCII.
 */
export function compileEmail(domains: readonly string[]): (text: string) => Truth {
  const isOurs = compileGlobs(domains, true);
  return (text) => {
    const at = text.indexOf("@");
    const local = text.slice(0, at);
    const domain = text.slice(at + 1).toLowerCase();
    if (at < 0 || !LOCAL.test(local) || local.includes("=?") || !DOMAIN.test(domain)) return UNKNOWN;
    return isOurs(domain) ? TRUE : FALSE;
  };
}
