/**
 * What a rule says, written as plainly as can be: the meaning that the compiled rules are compared with. It knows the
 * operators that need no reader, and no limits.
 */
type Value = unknown;
type Truth = "yes" | "no" | "unknown";
type Rule = {
  when?: Record<string, unknown>;
  require?: Record<string, unknown>;
  effect?: "deny" | "escalate";
};

export function decide(rules: readonly Rule[], payload: Value): string {
  const effects = rules.filter((rule) => isBroken(rule, payload)).map((rule) => rule.effect ?? "deny");
  return effects.includes("deny") ? "deny" : effects.includes("escalate") ? "escalate" : "allow";
}

function isBroken({ when, require }: Rule, payload: Value): boolean {
  const applies = when === undefined ? "yes" : condition(when, payload, "some");
  if (applies === "no") return false;
  return require === undefined || condition(require, payload, "all") !== "yes";
}

function condition(given: Record<string, unknown>, payload: Value, reading: "some" | "all"): Truth {
  return all(
    Object.entries(given).map(([key, value]) => {
      if (key === "not") {
        return turned(condition(value as Record<string, unknown>, payload, reading === "some" ? "all" : "some"));
      }
      const list = (value as Record<string, unknown>[]) ?? [];
      if (key === "allOf") return all(list.map((one) => condition(one, payload, reading)));
      if (key === "anyOf") return any(list.map((one) => condition(one, payload, reading)));
      return atPlace(key.split("."), payload, value as Record<string, unknown>, reading);
    }),
  );
}

function atPlace(steps: string[], payload: Value, test: Record<string, unknown>, reading: "some" | "all"): Truth {
  const found = walk(steps, payload);
  const values = found.filter((value) => value !== LOST);
  const isLost = values.length < found.length;
  if (values.length === 0) return isLost ? "unknown" : passes(test, NOTHING);
  const answers = values.map((value) => passes(test, value));
  if (isLost) answers.push("unknown");
  return reading === "some" ? any(answers) : all(answers);
}

const NOTHING = Symbol("nothing");
const LOST = Symbol("what does not fit");

function walk([step, ...rest]: string[], value: Value): Value[] {
  if (value === null || value === undefined) return [];
  if (step === undefined) return [value];
  if (step === "*") return (Array.isArray(value) ? value : [value]).flatMap((item) => walk(rest, item));
  if (step === "**") return deep(rest, value);
  if (Array.isArray(value)) {
    if (/^\d+$/.test(step)) return walk(rest, value[Number(step)]);
    return step === "length" ? walk(rest, value.length) : [LOST];
  }
  if (typeof value === "string") return step === "length" ? walk(rest, value.length) : [LOST];
  return typeof value === "object" ? own(step, rest, value as Record<string, unknown>) : [LOST];
}

function own(step: string, rest: string[], value: Record<string, unknown>): Value[] {
  const others = Object.keys(value).filter((key) => key !== step && key.toLowerCase() === step.toLowerCase());
  return [...others.map(() => LOST), ...(Object.hasOwn(value, step) ? walk(rest, value[step]) : [])];
}

function deep([step = "", ...rest]: string[], value: Value): Value[] {
  if (Array.isArray(value)) return value.flatMap((item) => deep([step, ...rest], item));
  if (typeof value !== "object" || value === null) return [];
  const here = own(step, rest, value as Record<string, unknown>);
  return [...here, ...Object.values(value).flatMap((item) => deep([step, ...rest], item))];
}

function passes(test: Record<string, unknown>, value: Value): Truth {
  return all(Object.entries(test).map(([operator, operand]) => holds(operator, operand as never, value)));
}

function holds(operator: string, operand: never, value: Value): Truth {
  if (operator === "exists") return told((value !== NOTHING) === operand);
  if (operator === "anyOf") return any((operand as Record<string, unknown>[]).map((test) => passes(test, value)));
  if (value === NOTHING) return "no";
  switch (operator) {
    case "eq":
      return typeof value === typeof operand ? told(value === operand) : "unknown";
    case "in": {
      const list = operand as unknown[];
      if (list.includes(value)) return "yes";
      return list.some((one) => typeof one === typeof value) ? "no" : "unknown";
    }
    case "contains":
      return Array.isArray(value) ? told(value.includes(operand)) : "unknown";
    case "glob":
      return typeof value === "string" ? told(globbed(operand, value)) : "unknown";
    default: {
      if (typeof value !== "bigint" && !(typeof value === "number" && Number.isFinite(value))) return "unknown";
      const [number, bound] = [Number(value), operand as number];
      return told({ lt: number < bound, lte: number <= bound, gt: number > bound, gte: number >= bound }[operator]!);
    }
  }
}

function globbed(glob: string, text: string): boolean {
  if (glob === "") return text === "";
  if (glob[0] !== "*") return glob[0] === text[0] && globbed(glob.slice(1), text.slice(1));
  return globbed(glob.slice(1), text) || (text !== "" && globbed(glob, text.slice(1)));
}

function told(value: boolean): Truth {
  return value ? "yes" : "no";
}

function turned(value: Truth): Truth {
  return value === "unknown" ? value : told(value === "no");
}

function all(values: readonly Truth[]): Truth {
  return values.includes("no") ? "no" : values.includes("unknown") ? "unknown" : "yes";
}

function any(values: readonly Truth[]): Truth {
  return values.includes("yes") ? "yes" : values.includes("unknown") ? "unknown" : "no";
}
