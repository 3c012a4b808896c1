import { stringList, wrong } from "../base/check.ts";
import { TOOL_NAME } from "../base/request.ts";

/** Returns a copy of a list of tool names, else throws: a name that no tool can have is a mistake. */
export function toolNames(where: string, field: string, names: unknown): readonly string[] {
  const list = stringList(where, field, names);
  list.forEach((name, index) => {
    if (!TOOL_NAME.test(name)) throw wrong(where, `${field}[${index}]`, "1 to 128 letters, digits and _ . : / -", name);
  });
  return Object.freeze(list);
}
