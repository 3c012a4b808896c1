import { compileHost } from "./host.ts";
import { every, FALSE, TRUE, type Truth, UNKNOWN } from "./truth.ts";

/** A link as it was found: a whole URL, or `undefined` where it has no one reading. */
type Link = string | undefined;

// What ends a link is white space, or what closes what it stands in.
const REST = /[^\s<>"'`]*/y;
const WWW = /(?<![\w@/.:-])www\.[^\s<>"'`]+/gi;
const BARE = /(?<![\w@/.:-])(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z]{2,}(?::\d+)?\/[^\s<>"'`]*/gi;
const TARGETS = [
  /\]\(\s*<?([^\s)>]+)/g,
  /^ {0,3}\[[^\]\n]+\]:\s*<?([^\s>]+)/gm,
  /\b(?:href|src|action|formaction|poster|data|srcset|cite|background)\s*=\s*(?:["']\s*)?([^\s"'>]+)/gi,
  /\burl\(\s*(?:["']\s*)?([^\s"')]+)/gi,
];
/** A scheme without its slashes, or with others: some programs go there. */
const ODD = /\b(?:https?|wss?|ftp):(?!\/\/[^/\s\\])\S|(?<=[a-z\d+.-]{2}):\/?\\/i;
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(colon|sol|bsol|period|commat|num|amp));?/gi;
const NAMED: ReadonlyMap<string, string> = new Map([
  ["colon", ":"],
  ["sol", "/"],
  ["bsol", "\\"],
  ["period", "."],
  ["commat", "@"],
  ["num", "#"],
  ["amp", "&"],
]);

/**
 * Compiles host patterns into the test of a text: whether all links written in it have one of these hosts. Without
 * patterns: whether there is none.
 *
 * Links are `scheme://`, `www.`, a bare host with a path, and in Markdown and HTML targets `//` and `scheme:` too. What
 * looks like a link and cannot be read in one way is unknown.
 */
export function compileLinks(patterns: readonly string[]): (text: string) => Truth {
  const isOurs = compileHost(patterns);
  return (text) => {
    const links = linksIn(text);
    const plain = text.replace(ENTITY, decoded).normalize("NFKC").replace(/\p{Cf}/gu, "");
    // What only a program that folds or drops characters reads as a link.
    const isHidden = plain !== text && linksIn(plain).join("\n") !== links.join("\n");
    if (patterns.length === 0) return links.length > 0 ? FALSE : isHidden || ODD.test(text) ? UNKNOWN : TRUE;
    const all = every(links, (link) => link === undefined ? UNKNOWN : isOurs(link));
    return all === TRUE && (isHidden || ODD.test(text)) ? UNKNOWN : all;
  };
}

function linksIn(text: string): readonly Link[] {
  const links: Link[] = [];
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", REST.lastIndex)) {
    REST.lastIndex = at + 3;
    const rest = REST.exec(text)?.[0] ?? "";
    links.push(trimmed(`${schemeBefore(text, at)}://${rest}`));
    // Some programs see a second link in it.
    if (rest.includes("://")) links.push(undefined);
  }
  for (const [link] of text.matchAll(WWW)) links.push(`http://${trimmed(link)}`);
  for (const [link] of text.matchAll(BARE)) links.push(`http://${trimmed(link)}`);
  for (const [, target = ""] of TARGETS.flatMap((form) => [...text.matchAll(form)])) {
    if (target.startsWith("//")) links.push(`http:${target}`);
    else if (/^[a-z][a-z\d+.-]*:(?!\/\/)/i.test(target) || target.startsWith("\\")) links.push(undefined);
  }
  return links;
}

/** Without what belongs to the sentence. */
function trimmed(link: string): string {
  return link.replace(/[)\]}>.,;:!?*_]+$/, "");
}

/** The letters of the scheme that ends at a place. */
function schemeBefore(text: string, end: number): string {
  let from = end;
  while (from > 0 && /[a-z\d+.-]/i.test(text[from - 1] as string)) from--;
  return text.slice(from, end).replace(/^[^a-z]+/i, "");
}

function decoded(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return NAMED.get(name.toLowerCase()) ?? whole;
  const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}
