/**
 * A stream's parts as the content that they make up, and back.
 *
 * @module
 */
import { isProposed, readContent, writeContent } from "./answer.ts";
import { distribute } from "./parts.ts";
import { ownOf } from "../shared/own.ts";
import { graft, shown } from "./plain.ts";
import { type Answer, broken, type Part } from "./types.ts";

/** One part of the content, and the parts of the stream, by index, of which it was made. */
interface Unit {
  part: Part;
  readonly from: number[];
  /** Those of `from` that carry a piece of its text. */
  readonly deltas: number[];
  /** What the parts in `from` carry beside text, where they do. */
  readonly extras: { readonly at: number; readonly fields: Part }[];
}

/** A stream, put together. */
interface Assembled {
  readonly units: readonly Unit[];
  /** Inputs of calls in pieces, by the id of their call: all that the call itself says again. */
  readonly inputs: ReadonlyMap<unknown, Unit>;
  /** What the provider tells beside the content, by index. */
  readonly told: readonly number[];
}

/** Parts of a stream that are no content. `raw` is what the provider sent, of which all others were made. */
const BESIDE = /^(?:stream-start|response-metadata|finish|ping|raw)$/;
const PIECE = /^(text|reasoning|tool-input)-(start|delta|end)$/;
const INPUT_FIELDS: ReadonlySet<string> = new Set([
  "toolName",
  "inputEncoding",
  "providerExecuted",
  "dynamic",
  "title",
]);

function assemble(parts: readonly Part[]): Assembled {
  const units: Unit[] = [];
  const blocks = new Map<string, Unit>();
  const told: number[] = [];
  parts.forEach((part, at) => {
    const type = String(part["type"]);
    if (BESIDE.test(type)) {
      if (type !== "raw" && tells(part)) told.push(at);
      return;
    }
    const [, kind, step] = PIECE.exec(type) ?? [];
    if (kind === undefined) {
      units.push({ part, from: [at], deltas: [], extras: [] });
      return;
    }
    const key = `${kind} ${String(part["id"])}`;
    let unit = blocks.get(key);
    if (unit === undefined) {
      unit = { part: { type: kind, text: "" }, from: [], deltas: [], extras: [] };
      blocks.set(key, unit);
      units.push(unit);
    }
    extend(unit, part, at, step === "delta");
  });
  const inputs = new Map<unknown, Unit>();
  const left = units.filter((unit) => {
    if (unit.part["type"] !== "tool-input") return true;
    const id = parts[unit.from[0] as number]?.["id"];
    const isRepeated = repeats(
      unit,
      units.find(({ part }) => part["type"] === "tool-call" && part["toolCallId"] === id),
    );
    if (isRepeated) inputs.set(id, unit);
    return !isRepeated;
  });
  for (const unit of left) finish(unit);
  return { units: left, inputs, told };
}

function extend(unit: Unit, part: Part, at: number, isDelta: boolean): void {
  const { type: _type, id: _id, delta: _delta, ...fields } = part;
  const delta = ownOf(part, "delta");
  if (isDelta && typeof delta !== "string") throw new TypeError("A delta has no text");
  unit.from.push(at);
  if (isDelta) {
    unit.deltas.push(at);
    unit.part = { ...unit.part, text: (unit.part["text"] as string) + (delta as string) };
  } else if (delta !== undefined) unit.extras.push({ at, fields: { delta } });
  if (Object.values(fields).some((value) => value !== undefined)) unit.extras.push({ at, fields });
}

/** What stands beside a block's text is judged with it, each part's for itself. */
function finish(unit: Unit): void {
  if (unit.extras.length > 0) unit.part = { ...unit.part, fields: unit.extras.map(({ fields }) => fields) };
}

/** Whether an input in pieces says nothing but what its call says: the call's own gate judges that. */
function repeats({ part: { text }, extras }: Unit, call: Unit | undefined): boolean {
  if (call === undefined || (call.part["input"] !== text && text !== "")) return false;
  return extras.every(({ fields }) =>
    Object.keys(fields).every((key) => fields[key] === undefined || INPUT_FIELDS.has(key)) &&
    (fields["toolName"] ?? call.part["toolName"]) === call.part["toolName"] &&
    (typeof fields["title"] !== "string" || fields["title"] === call.part["title"])
  );
}

/** Whether a part beside the content says more than figures. */
function tells(part: Part): boolean {
  const { type: _type, usage, finishReason, warnings, ...rest } = part;
  const raw = [(usage as Part | undefined)?.["raw"], (finishReason as Part | undefined)?.["raw"]];
  return [...Object.values(rest), ...raw].some((value) => value !== undefined) ||
    (warnings !== undefined && !(Array.isArray(warnings) && warnings.length === 0));
}

function arrived(parts: readonly Part[]): string {
  return parts.filter(({ type }) => type === "text-delta").map(({ delta }) => delta).join("");
}

/** The part that ends a stream. */
export function finishOf(parts: readonly Part[]): Part | undefined {
  return parts.findLast(({ type }) => type === "finish");
}

/** A whole stream as guards see it: what comes under one id is one text. */
export function readStream(parts: readonly Part[]): Answer {
  const assembled = assemble(parts);
  return readAssembled(parts, assembled);
}

function readAssembled(parts: readonly Part[], { units, told }: Assembled): Answer {
  const read = readContent(units.map(({ part }) => part), finishOf(parts)?.["finishReason"]);
  const text = arrived(parts);
  return {
    ...read,
    ...(text === read.content ? {} : { interleaved: text }),
    ...(told.length === 0 ? {} : { provider: shown(told.map((at) => parts[at])) }),
  };
}

/**
 * A stream with what a guard changed, every part in its place. Raw chunks are left out: they still say the old.
 *
 * @throws {TypeError} If the stream cannot take the change.
 */
export function writeStream(parts: readonly Part[], after: Answer): readonly Part[] {
  const assembled = assemble(parts);
  const { units, inputs, told } = assembled;
  const before = readAssembled(parts, assembled);
  const { places, added } = writeContent(units.map(({ part }) => part), before, after);
  const changed = new Map<number, readonly Part[]>();
  units.forEach((unit, index) => writeUnit(changed, parts, unit, places[index], inputs));
  const tellings = graft(told.map((at) => parts[at]), before.provider, after?.provider) as readonly Part[];
  told.forEach((at, index) => changed.set(at, [tellings[index] as Part]));
  const end = parts.findLastIndex(({ type }) => type === "finish");
  const written = parts.flatMap((part, at): readonly Part[] => {
    if (part["type"] === "raw") return [];
    const here = changed.get(at) ?? [part];
    return at === end ? [...blocksOf(added), ...here] : here;
  });
  const all = end === -1 ? [...written, ...blocksOf(added)] : written;
  const isSplit = before.interleaved !== undefined && after?.interleaved !== before.interleaved;
  if (isSplit && arrived(all) !== after?.interleaved) throw broken("a text that stands in several blocks");
  return all;
}

/** Writes what one part of the content has become to the parts of the stream of which it was made. */
function writeUnit(
  changed: Map<number, readonly Part[]>,
  parts: readonly Part[],
  unit: Unit,
  place: Part | undefined,
  inputs: ReadonlyMap<unknown, Unit>,
): void {
  const { part, from, deltas, extras } = unit;
  const input = isProposed(part) ? inputs.get(part["toolCallId"]) : undefined;
  if (input !== undefined && place?.["input"] !== part["input"]) writeInput(changed, parts, input, place);
  if (place === part) return;
  for (const at of from) changed.set(at, []);
  if (place === undefined) return;
  if (deltas.length === 0 && PIECE.exec(String(parts[from[0] as number]?.["type"])) === null) {
    changed.set(from[0] as number, [place]);
    return;
  }
  const texts = distribute(deltas.map((at) => parts[at]?.["delta"] as string), String(place["text"]));
  const fields = (place["fields"] ?? []) as readonly Part[];
  for (const at of from) changed.set(at, [writePiece(parts[at] as Part, at)]);
  const last = from.at(-1) as number;
  const { id } = parts[last] as Part;
  // A block without a delta has none that could carry a text.
  if (deltas.length === 0 && place["text"] !== "") {
    changed.set(from[0] as number, [
      ...(changed.get(from[0] as number) as readonly Part[]),
      { type: `${String(part["type"])}-delta`, id, delta: place["text"] },
    ]);
  }

  function writePiece(piece: Part, at: number): Part {
    const index = deltas.indexOf(at);
    const own = extras.flatMap((extra, nth) => (extra.at === at ? [fields[nth] as Part] : []));
    return Object.assign({}, piece, ...own, index === -1 ? {} : { delta: texts[index] }) as Part;
  }
}

/** The pieces of an input whose call has other arguments now, or is gone. */
function writeInput(
  changed: Map<number, readonly Part[]>,
  parts: readonly Part[],
  { from }: Unit,
  call: Part | undefined,
): void {
  for (const at of from) changed.set(at, []);
  if (call === undefined) return;
  const first = from[0] as number;
  const { toolCallId: id, toolName, input: delta } = call;
  const start = parts[first] as Part;
  changed.set(first, [
    start["type"] === "tool-input-start" ? { ...start, toolName } : { type: "tool-input-start", id, toolName },
    { type: "tool-input-delta", id, delta },
    { type: "tool-input-end", id },
  ]);
}

/** Texts as the parts of a stream. */
function blocksOf(texts: readonly Part[]): readonly Part[] {
  return texts.flatMap(({ text: delta }, index): readonly Part[] => {
    const id = `sallyport-${index}`;
    return [{ type: "text-start", id }, { type: "text-delta", id, delta }, { type: "text-end", id }];
  });
}
