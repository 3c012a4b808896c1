import { checkSize, compileProgram, MAX_PATTERN } from "../match/program.ts";
import { AT_BEGIN, Simulation } from "../match/simulation.ts";
import { type Node, parseExactRegex, PatternError } from "../match/syntax.ts";

/** Says what is wrong with a regular expression, or nothing. */
export function regexMistake(source: string): string | undefined {
  if (source === "" || source.length > MAX_PATTERN) return `a regular expression of 1 to ${MAX_PATTERN} characters`;
  try {
    checkSize(parseExactRegex(source));
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return `a regular expression of the linear subset (at position ${error.position}: ${error.message} was wanted)`;
  }
}

/** Compiles a regular expression into the test of a whole text, exact in case, in linear time. */
export function compileRegex(source: string): (text: string) => boolean {
  const items: readonly Node[] = [
    { kind: "assert", what: "start" },
    parseExactRegex(source),
    { kind: "assert", what: "end" },
  ];
  const program = compileProgram([{ node: { kind: "seq", items }, index: 0, whole: true, glob: false }]);
  const { classOf, count } = program.classes;
  const simulation = new Simulation(program);
  return (text) => {
    simulation.begin(AT_BEGIN);
    for (let at = 0; at < text.length; at++) simulation.advance(classOf(text.charCodeAt(at)), at + 1);
    simulation.advance(count + 1, text.length);
    return simulation.found() === 0;
  };
}
