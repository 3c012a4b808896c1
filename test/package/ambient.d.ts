// oxlint-disable no-var -- what other declarations look up in `globalThis` is there by `var` alone
// Every global beyond ECMAScript that the core's source and its published types may name, and no more of each than they use.
// A project that has neither the DOM's types nor Node's needs just these declarations.

interface EventListenerOptions {
  once?: boolean;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: any;
  addEventListener(type: "abort", listener: () => void, options?: EventListenerOptions): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

declare var AbortSignal: {
  prototype: AbortSignal;
  new (): AbortSignal;
  abort(reason?: any): AbortSignal;
  any(signals: Iterable<AbortSignal>): AbortSignal;
};

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: any): void;
}

declare var AbortController: { prototype: AbortController; new (): AbortController };

interface TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(source: string, destination: Uint8Array<ArrayBuffer>): { read: number; written: number };
}

declare var TextEncoder: { prototype: TextEncoder; new (): TextEncoder };

interface TextDecoder {
  decode(input?: ArrayBufferView | ArrayBuffer, options?: { stream?: boolean }): string;
}

declare var TextDecoder: { prototype: TextDecoder; new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder };

interface URL {
  readonly href: string;
  readonly hostname: string;
}

declare var URL: { prototype: URL; new (url: string): URL };

interface CryptoKey {
  readonly type: string;
  readonly extractable: boolean;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

interface CryptoKeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

interface JsonWebKey {
  crv?: string;
  d?: string;
  kty?: string;
  x?: string;
}

type KeyBytes = ArrayBufferView<ArrayBuffer> | ArrayBuffer;
type KeyAlgorithmName = string | { name: string; hash?: string };

declare var crypto: {
  getRandomValues(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  readonly subtle: {
    digest(algorithm: string, data: KeyBytes): Promise<ArrayBuffer>;
    sign(algorithm: KeyAlgorithmName, key: CryptoKey, data: KeyBytes): Promise<ArrayBuffer>;
    verify(algorithm: KeyAlgorithmName, key: CryptoKey, signature: KeyBytes, data: KeyBytes): Promise<boolean>;
    generateKey(algorithm: KeyAlgorithmName, extractable: boolean, usages: readonly string[]): Promise<CryptoKeyPair | CryptoKey>;
    importKey(format: "raw" | "pkcs8" | "spki", data: KeyBytes, algorithm: KeyAlgorithmName, extractable: boolean, usages: readonly string[]): Promise<CryptoKey>;
    importKey(format: "jwk", data: JsonWebKey, algorithm: KeyAlgorithmName, extractable: boolean, usages: readonly string[]): Promise<CryptoKey>;
    exportKey(format: "raw" | "pkcs8" | "spki", key: CryptoKey): Promise<ArrayBuffer>;
    exportKey(format: "jwk", key: CryptoKey): Promise<JsonWebKey>;
  };
};

declare function setTimeout(callback: () => void, ms?: number): unknown;
declare function clearTimeout(timer: unknown): void;
