import type { StateStore } from "../state/store.ts";
import { functionOf, wrongType } from "./check.ts";
import { memberOf } from "./own.ts";

/** Returns `value` if it can be a store, else throws. */
export function checkStore(where: string, field: string, value: unknown): StateStore {
  if (typeof value !== "object" || value === null) throw wrongType(where, field, "a store of state", value);
  const store = value as StateStore;
  const name = memberOf(store, "name");
  if (typeof name !== "string" || name === "") {
    throw wrongType(where, `${field}.name`, "a string that is not empty", name);
  }
  for (const method of ["read", "put", "take", "giveBack"] as const) {
    functionOf(where, `${field}.${method}`, memberOf(store, method));
  }
  return store;
}
