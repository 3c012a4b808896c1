/**
 * Providers whose language models are governed, and whose other ways are refused by a strict plugin.
 *
 * @module
 */
import { memberOf } from "../shared/own.ts";
import type { AiMiddleware, Model } from "./types.ts";

/** What of a provider is data, and reaches nobody. */
const DATA: ReadonlySet<string> = new Set(["specificationVersion", "provider", "tools"]);

/** A language model whose every call passes the gates. */
function governModel(middleware: AiMiddleware, model: Model & Named): object {
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (params: object) => middleware.wrapGenerate({ params, model: model as never }),
    doStream: (params: object) => middleware.wrapStream({ params, model: model as never }),
  };
}

interface Named {
  readonly specificationVersion?: unknown;
  readonly provider?: unknown;
  readonly supportedUrls?: unknown;
}

function isLanguageModel(value: unknown): value is Model & Named {
  if (typeof value !== "object" || value === null) return false;
  const model = value as Partial<Model>;
  return typeof memberOf(model, "doGenerate") === "function" && typeof memberOf(model, "doStream") === "function" &&
    "supportedUrls" in model;
}

type Way = (...args: unknown[]) => unknown;

/** A copy of a provider. Each of its functions answers language models governed; what else one answers is refused in strict mode. */
export function governProvider(middleware: AiMiddleware, isStrict: boolean, provider: object): object {
  const governed = (name: string, way: Way) => (...args: unknown[]): unknown => {
    const made: unknown = Reflect.apply(way, provider, args);
    if (isLanguageModel(made)) return governModel(middleware, made);
    if (!isStrict) return made;
    throw new TypeError(`Cannot govern "${name}" of the provider: it is no language model, and strict is true`);
  };
  const copy: object = typeof provider === "function" ? governed("the call", provider as Way) : {};
  for (const name of membersOf(provider)) {
    const member = (provider as Record<string, unknown>)[name];
    const value = typeof member === "function" ? governed(name, member as Way) : member;
    if (typeof member !== "function" && isStrict && !DATA.has(name)) continue;
    Object.defineProperty(copy, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return copy;
}

/** The names of all that a provider has itself, or by its class. */
function membersOf(provider: object): ReadonlySet<string> {
  const names = new Set<string>();
  for (
    let at: object | null = provider;
    at !== null && at !== Object.prototype && at !== Function.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  for (const name of ["constructor", "length", "name", "prototype", "arguments", "caller"]) names.delete(name);
  return names;
}
