import { isThenable } from "../base/decision.ts";
import { ignoreFailure } from "../base/taking.ts";
import type { View } from "./types.ts";
import { sameData } from "../snapshot/same-data.ts";

/** What stands for the form of a payload that a view did not read. */
export const UNSEEN: unique symbol = Symbol("unseen");

/** The form that a view gives of a payload; `UNSEEN` where it gives none of this one. */
export function formOf(view: View<unknown>, payload: unknown): unknown {
  try {
    const form = view.read(payload);
    if (isThenable(form)) {
      ignoreFailure(form);
      return UNSEEN;
    }
    if (form === undefined || form === null || form === payload) return UNSEEN;
    return isOfNothing(view, form) ? UNSEEN : form;
  } catch {
    return UNSEEN;
  }
}

/** Whether a view gives the same form of nothing: then it is meant for results, and did not look at this one. */
function isOfNothing(view: View<unknown>, form: unknown): boolean {
  try {
    return sameData(view.read({}), form);
  } catch {
    return false;
  }
}
