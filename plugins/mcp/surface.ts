/** The public names of an object's methods (`true`) and accessors, inherited ones too, without calling any. */
export function surfaceOf(object: object | null): ReadonlyMap<string, boolean> {
  if (object === null || object === Object.prototype) return new Map();
  const own = Object.entries(Object.getOwnPropertyDescriptors(object))
    .filter(([name, { value, get }]) =>
      !/^(?:_|constructor$|on[a-z]+$)/.test(name) && (typeof value === "function" || get !== undefined)
    );
  return new Map([
    ...surfaceOf(Object.getPrototypeOf(object) as object | null),
    ...own.map(([name, { get }]) => [name, get === undefined] as const),
  ]);
}
