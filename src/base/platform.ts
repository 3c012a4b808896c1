/**
 * The platform's types that declarations name. ECMAScript has no signals and no keys, and every library of types has
 * its own: what is published compiles with each of them, and with none.
 */

/** An `AbortSignal`: exactly the platform's type where a project has one, of the DOM or of Node, else its main members. */
export type AbortSignalLike = typeof globalThis extends { readonly AbortSignal: { readonly prototype: infer S } } ? S
  : {
    readonly aborted: boolean;
    // deno-lint-ignore no-explicit-any -- as the platform has it: a reason is whatever was given
    readonly reason: any;
    addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
    removeEventListener(type: "abort", listener: () => void): void;
  };

/** A `CryptoKey`: what the platform's `crypto.subtle` takes where a project has a type of it, else its main members. */
export type CryptoKeyLike = typeof globalThis extends {
  // deno-lint-ignore no-explicit-any -- what is signed, and how, is not asked here
  readonly crypto: { readonly subtle: { sign(algorithm: any, key: infer K, data: any): unknown } };
} ? K
  : {
    readonly type: string;
    readonly extractable: boolean;
    readonly algorithm: { readonly name: string };
    readonly usages: readonly string[];
  };

/** Bytes in memory of their own, as `crypto.subtle` takes them: since TypeScript 5.7 a `Uint8Array<ArrayBuffer>`. */
export type Bytes = ReturnType<Uint8ArrayConstructor["of"]>;
