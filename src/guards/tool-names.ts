import { stringList, wrong } from "../base/check.ts";
import { TOOL_GLOB, TOOL_NAME } from "../base/request.ts";

/** Returns a copy of a list of tool names, else throws: a name that no tool can have is a mistake. */
export function toolNames(where: string, field: string, names: unknown): readonly string[] {
  const list = stringList(where, field, names);
  list.forEach((name, index) => {
    if (!TOOL_NAME.test(name)) throw wrong(where, `${field}[${index}]`, "1 to 128 letters, digits and _ . : / -", name);
  });
  return Object.freeze(list);
}

/** The same for a list in which `*` stands for any run of characters. */
export function toolGlobs(where: string, field: string, globs: unknown): readonly string[] {
  const list = stringList(where, field, globs);
  list.forEach((glob, index) => {
    if (!TOOL_GLOB.test(glob)) {
      throw wrong(where, `${field}[${index}]`, "1 to 128 letters, digits and _ . : / - *", glob);
    }
  });
  return Object.freeze(list);
}
