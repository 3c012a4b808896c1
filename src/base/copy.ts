import { show } from "./check.ts";
import { bare } from "./own.ts";

/** The version of the package; a test holds it to the manifests. */
export const VERSION = "0.1.0";

/** Under this every copy of the package keeps which copy made an object: the same symbol in all of them. */
export const MADE_BY: unique symbol = Symbol.for("sallyport.madeBy");
/** This copy. Compared by identity: another copy of the same version is another one. */
export const THIS_COPY: { readonly version: string } = Object.freeze({ version: VERSION });

/** Marks an object, or the prototype of a class, as made by this copy; invisible in loops, spreads and JSON. */
export function made<T extends object>(object: T): T {
  return Object.defineProperty(object, MADE_BY, bare({ value: THIS_COPY }));
}

/**
 * Throws if a value was made by another copy of the package. What a copy keeps about its objects no other copy can see:
 * a tracker would learn nothing, and a limit count nobody, silently.
 *
 * @throws {TypeError} Which names both versions.
 */
export function refuseOtherCopy(where: string, field: string, value: unknown): void {
  const version = otherVersion(value);
  if (version === undefined) return;
  throw new TypeError(
    `Cannot build ${where}: "${field}" was made by another copy of sallyport, version ${version}, and this one is ` +
      `version ${VERSION}. A process needs one copy: npm ls sallyport shows where the others come from`,
  );
}

function otherVersion(value: unknown): string | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    const copy = (value as { [MADE_BY]?: unknown })[MADE_BY];
    if (copy === undefined || copy === THIS_COPY) return undefined;
    return show((copy as { version?: unknown }).version);
  } catch {
    // What cannot be asked is looked at by whoever takes it.
    return undefined;
  }
}
