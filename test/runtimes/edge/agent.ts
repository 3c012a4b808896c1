/** A small agent without a model: it reads its prompt line by line, and calls the tool that a line names. */
import type { Session } from "../../../mod.ts";

type Tool = (args: { readonly text: string }) => string;

const TOOLS: ReadonlyMap<string, Tool> = new Map<string, Tool>([
  ["search", ({ text }) => `3 pages about ${text}`],
  ["note", ({ text }) => `noted: ${text}`],
  ["shell", ({ text }) => `ran ${text}`],
]);

/** Answers a prompt such as `search tides`, with a tool call for each line that begins with a tool's name. */
export async function runAgent(prompt: string, session: Session): Promise<string> {
  const answers: string[] = [];
  for (const line of prompt.split("\n")) {
    const [, name = "", text = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
    const tool = TOOLS.get(name);
    answers.push(
      tool === undefined ? `I know no answer to: ${line}` : await session.tool({ name, arguments: { text } }, tool),
    );
  }
  return answers.join("\n");
}
