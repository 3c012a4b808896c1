/**
 * Runs a scenario with a framework, alone and governed, while names are polluted: all of them at once, but for those
 * that the framework itself does not live through, which come one by one. In a process of its own.
 */
export interface Subject {
  /** Uses the framework as its users do, and writes what came of it; `begin`: once everything is connected. */
  run(governed: boolean, note: (title: string, value: unknown) => void, begin: () => void): Promise<void>;
  /** What must be in nothing that a governed run writes. */
  readonly forbidden: RegExp;
}

/** What the test beside it hands over. */
export interface Trial {
  readonly names: readonly string[];
  /** Those that the framework reads from everything. */
  readonly fragile: readonly string[];
  readonly isEnumerable: boolean;
  /** Whether names are polluted only once everything is connected. */
  readonly isLate?: boolean;
}

/** What came of it. */
export interface Report {
  readonly clean: Logs;
  readonly polluted: readonly (Logs & { readonly kind: string })[];
  readonly fragile: readonly {
    readonly name: string;
    readonly kind: string;
    /** Whether the framework alone does something else, under this name or under it and all that it lives through. */
    readonly breaks: boolean;
    /** What the gates should have held back. */
    readonly leaks: readonly string[];
  }[];
}

interface Logs {
  readonly alone: readonly string[];
  readonly governed: readonly string[];
}

const KINDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["a text", "deny"],
  ["an object", { allowed: true, effect: "allow", name: "fine" }],
  ["a function", () => true],
]);

/** Nobody waits long for what is broken. */
const HASTE = { patienceMs: 100 };

const { defineProperty, hasOwn, keys } = Object;
const prototype = Object.prototype as unknown as Record<string, unknown>;

/** Prints a value by its own keys, sorted, without `JSON.stringify`, which asks for `toJSON`. */
function print(value: unknown, depth = 0): string {
  if (typeof value === "function") return "function";
  if (typeof value !== "object" || value === null) return String(value);
  if (depth > 8) return "…";
  if (value instanceof Error) return `${value.constructor.name}(${value.message})`;
  let text = Array.isArray(value) ? "[" : "{";
  const sorted = keys(value).sort();
  for (let at = 0; at < sorted.length; at++) {
    const key = sorted[at] as string;
    text += `${key}:${print((value as Record<string, unknown>)[key], depth + 1)},`;
  }
  return text + (Array.isArray(value) ? "]" : "}");
}

async function logOf(
  { run }: Subject,
  governed: boolean,
  patienceMs: number,
  begin: () => void,
): Promise<string[]> {
  const log: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  // What a broken framework waits for may never come.
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log[log.length] = "never ends";
      resolve();
    }, patienceMs);
  });
  const running = run(governed, (title, value) => {
    log[log.length] = `${title}: ${print(value)}`;
  }, begin).catch((error: unknown) => {
    log[log.length] = `ended: ${print(error)}`;
  });
  await Promise.race([running, late]);
  clearTimeout(timer);
  return log;
}

/** Both runs, while the prototype of everything has these names. */
async function polluted(
  subject: Subject,
  names: readonly string[],
  value: unknown,
  trial: Trial,
  { isWhole = true, patienceMs = 10_000 } = {},
): Promise<Logs> {
  const enumerable = trial.isEnumerable, isLate = trial.isLate === true;
  const begin = (): void => {
    for (const name of names) {
      if (hasOwn(prototype, name)) throw new Error(`${name} is there already`);
      const descriptor = { __proto__: null, value, enumerable, writable: true, configurable: true };
      defineProperty(prototype, name, descriptor as PropertyDescriptor);
    }
  };
  const end = (): void => {
    for (const name of names) delete prototype[name];
  };
  const logged = async (governed: boolean): Promise<string[]> => {
    if (!isLate) begin();
    try {
      return await logOf(subject, governed, patienceMs, isLate ? begin : () => undefined);
    } finally {
      end();
    }
  };
  return { alone: await logged(false), governed: isWhole ? await logged(true) : [] };
}

/** Tries everything, and prints the report. */
export async function attempt(subject: Subject): Promise<void> {
  const trial = JSON.parse(process.argv[2] as string) as Trial;
  // What a framework leaves unhandled under a name is its own: what is compared are the logs.
  for (const event of ["unhandledRejection", "uncaughtException"]) process.on(event, () => undefined);
  const clean = await polluted(subject, [], undefined, trial);
  const all: Report["polluted"][number][] = [];
  const fragile: Report["fragile"][number][] = [];
  for (const [kind, value] of KINDS) {
    all.push({ kind, ...await polluted(subject, trial.names, value, trial) });
    for (const name of trial.fragile) {
      const { alone, governed } = await polluted(subject, [name], value, trial, HASTE);
      const isBroken = (log: readonly string[]): boolean => log.join("\n") !== clean.alone.join("\n");
      // Some break it together with others only.
      const breaks = isBroken(alone) ||
        isBroken((await polluted(subject, [...trial.names, name], value, trial, { ...HASTE, isWhole: false })).alone);
      fragile.push({ name, kind, breaks, leaks: governed.filter((line) => subject.forbidden.test(line)) });
    }
  }
  console.log(JSON.stringify({ clean, polluted: all, fragile } satisfies Report));
  process.exit();
}
