import { ownOptions, wholeNumber } from "../base/check.ts";
import type { Stage } from "../base/request.ts";

/** How large a payload may be at one kind of gate. What is absent keeps its default. */
export interface PayloadCaps {
  /** Text: the length of all strings, keys included, in UTF-16 code units. Default 1 MiB, at model gates 4 MiB. */
  bytes?: number;
  /** Objects, lists, maps and sets inside each other: at most 1000. Default 64. */
  depth?: number;
  /** Values of any kind, the payload itself included: at most 10,000,000. Default 100,000. */
  nodes?: number;
  /** Bytes that are no UTF-8 text, in buffers and typed arrays; what is text counts as text. Default 16 MiB. */
  binaryBytes?: number;
}

/** The caps of each kind of gate. */
export interface PayloadLimits {
  /** At `input` and `output`. */
  run?: PayloadCaps;
  /** At `pre_tool_call` and `post_tool_call`. */
  tool?: PayloadCaps;
  /** At `pre_model_call` and `post_model_call`. */
  model?: PayloadCaps;
}

/** How large a payload may be. */
export interface Caps {
  /** Objects and arrays inside each other. */
  readonly depth: number;
  /** Values of any kind, the payload itself included. */
  readonly nodes: number;
  /** Length of all texts, keys included, in UTF-16 code units. */
  readonly chars: number;
  /** Bytes that are no text. */
  readonly binaryBytes: number;
  /** What the caps are options of, for messages: `limits.tool`. */
  readonly option: string;
}

/** The caps of a kernel's gates. */
export interface GateCaps {
  readonly run: Caps;
  readonly tool: Caps;
  readonly model: Caps;
}

const DEEPEST = 1000;
const MOST_NODES = 10_000_000;
const KINDS = ["run", "tool", "model"] as const;
const FIELDS = ["bytes", "depth", "nodes", "binaryBytes"] as const;

function defaults(option: string, chars: number): Caps {
  return Object.freeze({ depth: 64, nodes: 100_000, chars, binaryBytes: 1 << 24, option });
}

/** The caps where a kernel was given none: 1 MiB of text at run and tool gates, 4 MiB at model gates. */
export const DEFAULT_CAPS: GateCaps = Object.freeze({
  run: defaults("limits.run", 1 << 20),
  tool: defaults("limits.tool", 1 << 20),
  model: defaults("limits.model", 1 << 22),
});

/** The caps of a gate. */
export function capsOf(stage: Stage, caps: GateCaps = DEFAULT_CAPS): Caps {
  switch (stage) {
    case "pre_model_call":
    case "post_model_call":
      return caps.model;
    case "pre_tool_call":
    case "post_tool_call":
      return caps.tool;
    default:
      return caps.run;
  }
}

/** The caps of a gate as their options are called. */
export function limitsOf({ chars: bytes, depth, nodes, binaryBytes }: Caps): Readonly<Required<PayloadCaps>> {
  return Object.freeze({ bytes, depth, nodes, binaryBytes });
}

/** Reads the `limits` of a kernel, and throws where they are none. */
export function readLimits(where: string, limits: unknown): GateCaps {
  if (limits === undefined) return DEFAULT_CAPS;
  const own = ownOptions(`${where}.limits`, limits as PayloadLimits, KINDS);
  const caps = { ...DEFAULT_CAPS };
  for (const kind of KINDS) {
    const given: unknown = own[kind];
    if (given !== undefined) caps[kind] = readCaps(`${where}.limits.${kind}`, given, DEFAULT_CAPS[kind]);
  }
  return Object.freeze(caps);
}

function readCaps(where: string, given: unknown, { chars, depth, nodes, binaryBytes, option }: Caps): Caps {
  const own = ownOptions(where, given as PayloadCaps, FIELDS);
  const read = (field: (typeof FIELDS)[number], fallback: number, most?: number): number => {
    const value: unknown = own[field];
    return value === undefined ? fallback : wholeNumber(where, field, value, 0, most);
  };
  return Object.freeze({
    depth: read("depth", depth, DEEPEST),
    nodes: read("nodes", nodes, MOST_NODES),
    chars: read("bytes", chars),
    binaryBytes: read("binaryBytes", binaryBytes),
    option,
  });
}
