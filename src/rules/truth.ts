/** True, false or unknown. Source: Kleene's strong logic of three values (1952). */
export type Truth = typeof FALSE | typeof TRUE | typeof UNKNOWN;
export const FALSE = 0;
export const TRUE = 1;
export const UNKNOWN = 2;

export function truth(value: boolean): Truth {
  return value ? TRUE : FALSE;
}

export function not(value: Truth): Truth {
  return value === UNKNOWN ? UNKNOWN : value === TRUE ? FALSE : TRUE;
}

/** Whether all hold: the first that does not ends it. */
export function every<T>(items: readonly T[], judge: (item: T) => Truth): Truth {
  let all: Truth = TRUE;
  for (const item of items) {
    const one = judge(item);
    if (one === FALSE) return FALSE;
    if (one === UNKNOWN) all = UNKNOWN;
  }
  return all;
}

/** Whether one holds: the first that does ends it. */
export function some<T>(items: readonly T[], judge: (item: T) => Truth): Truth {
  let any: Truth = FALSE;
  for (const item of items) {
    const one = judge(item);
    if (one === TRUE) return TRUE;
    if (one === UNKNOWN) any = UNKNOWN;
  }
  return any;
}
