import { existsSync, readFileSync } from "node:fs";

/** A file of test vectors: the shared one beside the project where there is one, else the copy in this folder. */
export function vectors<T>(name: string): T {
  const shared = new URL(`../../shared/vectors/${name}`, import.meta.url);
  return JSON.parse(
    readFileSync(existsSync(shared) ? shared : new URL(`vectors/${name}`, import.meta.url), "utf8"),
  ) as T;
}
