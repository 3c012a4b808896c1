import { show } from "./check.ts";
import { bare, hasField } from "./own.ts";

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
 * Refused are profiles, policies, guards, action guards, trackers, sessions, identities and verification caches.
 * Whatever is used through its methods alone works as well from elsewhere: stores, plugins, interceptors, kernels in
 * `replay`; and so does plain data: cards, challenges, chains, grants.
 *
 * @throws {TypeError} Which names both versions.
 */
export function refuseOtherCopy(where: string, field: string, value: unknown): void {
  const why = otherCopy(`"${field}"`, value);
  if (why !== undefined) throw new TypeError(`Cannot build ${where}: ${why}`);
}

/** Says of a value that another copy of the package made it, and which; `undefined` of any other value. */
export function otherCopy(what: string, value: unknown): string | undefined {
  const version = otherVersion(value);
  return version === undefined
    ? undefined
    : `${what} was made by another copy of sallyport, version ${version}, and this one is version ${VERSION}. ` +
      "A process needs one copy: npm ls sallyport shows where the others come from";
}

function otherVersion(value: unknown): string | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    // Its own or its class's: a mark that everything inherits is nobody's.
    if (!hasField(value, MADE_BY)) return undefined;
    const copy = (value as { [MADE_BY]?: unknown })[MADE_BY];
    if (copy === undefined || copy === THIS_COPY) return undefined;
    return show((copy as { version?: unknown }).version);
  } catch {
    // What cannot be asked is looked at by whoever takes it.
    return undefined;
  }
}
