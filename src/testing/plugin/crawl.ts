const MOST = 50_000;

/**
 * The way on which one of some objects is reached from another: by own and inherited keys, symbols, getters, and what
 * maps and sets hold. Closures cannot be seen.
 */
export function wayTo(from: unknown, targets: readonly object[]): string | undefined {
  const wanted = new Set<unknown>(targets);
  const seen = new Set<unknown>([Object.prototype, Function.prototype, Array.prototype, Promise.prototype]);
  const queue: (readonly [value: unknown, way: string])[] = [[from, "it"]];
  for (let at = 0; at < queue.length && at < MOST; at++) {
    const [value, way] = queue[at] as readonly [unknown, string];
    if (wanted.has(value)) return way;
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
    seen.add(value);
    for (const [step, inner] of insideOf(value)) queue.push([inner, `${way}${step}`]);
  }
  return undefined;
}

function insideOf(value: object): (readonly [step: string, inner: unknown])[] {
  const found: (readonly [string, unknown])[] = [];
  try {
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      found.push([stepOf(key), descriptor?.value], [`${stepOf(key)} (getter)`, descriptor?.get]);
    }
    found.push([" (prototype)", Reflect.getPrototypeOf(value)]);
    if (value instanceof Map) found.push(...[...value].map((entry) => [".entries()", entry] as const));
    if (value instanceof Set) found.push(...[...value].map((item) => [".values()", item] as const));
  } catch {
    // A proxy that does not let itself be looked at leads nowhere.
  }
  for (const [name, get] of gettersOf(value)) {
    try {
      found.push([stepOf(name), get.call(value)]);
    } catch {
      // What throws gives nothing.
    }
  }
  return found;
}

/** The getters that a value has, inherited ones too. */
function gettersOf(value: object): (readonly [PropertyKey, () => unknown])[] {
  const getters: (readonly [PropertyKey, () => unknown])[] = [];
  try {
    for (let at: object | null = value; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at)) {
      if (at === Function.prototype) break;
      for (const key of Reflect.ownKeys(at)) {
        const get = Reflect.getOwnPropertyDescriptor(at, key)?.get;
        if (get !== undefined) getters.push([key, get as () => unknown]);
      }
    }
  } catch {
    // As above.
  }
  return getters;
}

function stepOf(key: PropertyKey): string {
  return typeof key === "symbol" ? `[${String(key)}]` : `.${String(key)}`;
}

/** The names of an object's methods, inherited ones too. */
export function methodsOf(value: object): readonly string[] {
  const names = new Set<string>();
  for (let at: object | null = value; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at)) {
    if (at === Function.prototype) break;
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof descriptor.value === "function" && name !== "constructor" && !name.startsWith("_")) names.add(name);
    }
  }
  return [...names];
}

/** What can be seen of an object from outside, at a depth of two: enumerable keys, kinds, what runs. */
export function outlineOf(value: object, depth: number = 2): readonly string[] {
  const lines: string[] = [];
  for (const [key, { get, value: inner }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if (!Object.prototype.propertyIsEnumerable.call(value, key)) continue;
    const kind = get === undefined ? typeof inner : "getter";
    lines.push(`.${key} ${kind}${typeof inner === "function" ? ` ${inner.name} ${inner.length}` : ""}`);
    if (depth > 1 && typeof inner === "object" && inner !== null) {
      lines.push(...outlineOf(inner, depth - 1).map((line) => `.${key}${line}`));
    }
  }
  return lines.sort();
}

/** Every member of an object's classes, as it is now. */
export function inheritedBy(value: object): readonly unknown[] {
  const members: unknown[] = [];
  let at: object | null = Reflect.getPrototypeOf(value);
  for (; at !== null && at !== Object.prototype; at = Reflect.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) {
      const { value: member, get, set } = Reflect.getOwnPropertyDescriptor(at, key) as PropertyDescriptor;
      members.push(key, member, get, set);
    }
  }
  return members;
}
