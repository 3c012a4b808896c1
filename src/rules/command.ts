import { every, some, type Truth, truth, UNKNOWN } from "./truth.ts";

/** What a shell would run, as far as its text alone tells. */
type Line = readonly (readonly string[])[];

const RESERVED: ReadonlySet<string> = new Set(
  "if then else elif fi do done case esac while until for in function select time coproc [[ ]] { } !".split(" "),
);

/** Says what is wrong with the pattern of a command, or nothing. */
export function commandMistake(pattern: string): string | undefined {
  const words = wordsOf(pattern);
  return words.length === 0 || words[0] === "*" || words.slice(0, -1).some((word) => word.includes("*")) ||
      (words.at(-1)?.includes("*") === true && words.at(-1) !== "*")
    ? "words, of which the last may be *, such as git log *"
    : undefined;
}

function wordsOf(pattern: string): readonly string[] {
  return pattern.split(" ").filter((word) => word !== "");
}

/**
 * Compiles patterns into the test of a shell line: whether each of its simple commands, or with `isAny` one of them, is
 * as a pattern says. A last `*` stands for any more words.
 *
 * What a shell would rewrite before it runs it is unknown: substitution, redirection (but copies such as `2>&1`),
 * grouping, escapes, reserved words, assignments and globs in a command's name.
 */
export function compileCommand(patterns: readonly string[]): (text: string, isAny: boolean) => Truth {
  const all = patterns.map(wordsOf);
  return (text, isAny) => {
    const line = readLine(text);
    if (line === undefined) return UNKNOWN;
    const isAllowed = (command: readonly string[]): Truth => truth(all.some((words) => fits(words, command)));
    return isAny ? some(line, isAllowed) : every(line, isAllowed);
  };
}

function fits(words: readonly string[], command: readonly string[]): boolean {
  const isOpen = words.at(-1) === "*";
  const fixed = isOpen ? words.slice(0, -1) : words;
  return (isOpen ? command.length >= fixed.length : command.length === fixed.length) &&
    fixed.every((word, at) => word === command[at]);
}

/** Cuts a line into its simple commands; `undefined` where its text alone does not tell them. */
function readLine(text: string): Line | undefined {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    const copy = word === undefined || /^\d+$/.test(word) ? /^>&\d+(?=[\s;&|]|$)/.exec(text.slice(at, at + 12)) : null;
    if (copy !== null) {
      word = undefined;
      at += copy[0].length - 1;
    } else if (char === "'" || char === '"') {
      const end = text.indexOf(char, at + 1);
      const inside = text.slice(at + 1, end);
      if (end < 0 || (char === '"' && /[$`\\!]/.test(inside)) || hasControl(inside)) return undefined;
      // A name in quotes is what it says, so no glob and no assignment.
      word = (word ?? "") + inside;
      at = end;
    } else if (char === ";" || char === "&" || char === "|" || char === "\n") {
      if (char === ";" && text[at + 1] === ";") return undefined;
      endCommand();
    } else if (char === " " || char === "\t") endWord();
    else if (char === "#" && word === undefined) return undefined;
    else if ("$`\\()<>".includes(char) || hasControl(char)) return undefined;
    else if (words.length === 0 && "*?[{".includes(char)) return undefined;
    else word = (word ?? "") + char;
  }
  endCommand();
  const isOdd = commands.some(([name = ""]) => RESERVED.has(name) || /^[A-Za-z_]\w*(?:\[.*\])?\+?=/.test(name));
  return commands.length === 0 || isOdd ? undefined : commands;
}

function hasControl(text: string): boolean {
  // deno-lint-ignore no-control-regex -- that is what is looked for
  return /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/.test(text);
}
