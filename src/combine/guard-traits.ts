import { show, wrongType } from "../base/check.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import { guardError } from "../base/decision.ts";
import { type Guard, named, stagesOf } from "../base/guard.ts";
import { pickOwn } from "../base/own.ts";
import { type Stage, STAGES } from "../base/request.ts";
import type { Judge } from "./ask-guard.ts";
import { partsAt } from "./compile.ts";
import { isOfLibrary, ofLibrary } from "./library.ts";

const composite = new WeakSet<Guard>();
const readOnly = new WeakSet<Guard>();
const counting = new WeakMap<Guard, readonly Counting[]>();

/** A limit that may count in the kernel's store. */
export interface Counting {
  /** What tells limits of one kind apart; for people. */
  readonly id: string;
  /** What its keys in a store begin with: two limits must not have the same. */
  readonly prefix: string;
}

/** Checks the parts of a combinator: at least one, and every one a function. */
export function checkParts(where: string, guards: readonly Guard[]): readonly Guard[] {
  if (guards.length === 0) throw new TypeError(`Cannot build ${where}: it needs at least one guard`);
  guards.forEach((guard, index) => checkGuard(where, `guards[${index}]`, guard));
  return Object.freeze([...guards]);
}

/** Throws unless a value is a guard. */
export function checkGuard(where: string, field: string, guard: unknown): asserts guard is Guard {
  if (typeof guard !== "function") throw wrongType(where, field, "a guard", guard);
  refuseOtherCopy(where, field, guard);
  const { stages, guardName } = pickOwn(guard as Guard, ["stages", "guardName"]);
  if (guardName !== undefined && typeof guardName !== "string") {
    throw wrongType(where, `${field}.guardName`, "a string", guardName);
  }
  if (stages === undefined) return;
  // A guard that could never judge is a mistake.
  if (!Array.isArray(stages) || stages.length === 0) {
    throw wrongType(where, `${field}.stages`, "an array of at least one stage", stages);
  }
  for (const stage of stages) {
    if (!STAGES.includes(stage)) {
      throw new TypeError(`Cannot build ${where}: "${field}.stages" names ${show(stage)}, which is no stage`);
    }
  }
}

/** The stages that at least one part judges; `undefined`: every one. */
export function unionOf(guards: readonly Guard[]): readonly Stage[] | undefined {
  if (guards.some((guard) => stagesOf(guard) === undefined)) return undefined;
  return Object.freeze(STAGES.filter((stage) => guards.some((guard) => stagesOf(guard)?.includes(stage))));
}

/** Makes a combinator's guard: at each stage it consists of the parts that name it, compiled once. */
export function byStage(name: string, guards: readonly Guard[], compile: (parts: readonly Guard[]) => Judge): Guard {
  // Where every part judges everywhere there is nothing to look up, and an engine can inline the parts.
  if (guards.every((guard) => stagesOf(guard) === undefined)) {
    return inherit(named(compile(guards), name, undefined), guards, true);
  }
  const judges = new Map<string, Judge>();
  for (const stage of STAGES) {
    const parts = partsAt(guards, stage);
    if (parts.length > 0) judges.set(stage, compile(parts));
  }
  const guard: Guard = (request, context, taking) => {
    const judge = judges.get(request.stage);
    // Only a caller that ignores `stages` gets here, and it must not read the silence as consent.
    return judge === undefined
      ? guardError(name, new TypeError(`${name}() has no part that judges at ${show(request.stage)}`))
      : judge(request, context, taking);
  };
  return inherit(named(guard, name, unionOf(guards)), guards, true);
}

/** Makes a guard around one guard: it has its stages. */
export function around(
  name: string,
  inner: Guard,
  judge: Judge,
  stages: readonly Stage[] | undefined = stagesOf(inner),
): Guard {
  // Copied: the stages of a guard made by hand could change after they were checked.
  return named(
    ((request, context, taking) => judge(request, context, taking)) as Guard,
    name,
    stages === undefined ? undefined : Object.freeze([...stages]),
  );
}

/** Passes on what is known of the parts: whether they are composite, and whether they only read. */
export function inherit(guard: Guard, inner: readonly Guard[], isComposite: boolean): Guard {
  if (isComposite || inner.some((part) => composite.has(part))) composite.add(guard);
  if (inner.every((part) => readOnly.has(part))) readOnly.add(guard);
  if (!isComposite && inner.every(isOfLibrary)) ofLibrary(guard);
  const limits = inner.flatMap((part) => counting.get(part) ?? []);
  if (limits.length > 0) counting.set(guard, limits);
  return guard;
}

/** Tells which limit of ours a guard asks, where that may count in the kernel's store. */
export function counts(guard: Guard, limit: Counting | undefined): Guard {
  if (limit !== undefined) counting.set(guard, [limit]);
  return guard;
}

/** The id of two limits that would count as one in a store, where there are such. */
export function doubleLimit(guards: readonly Guard[]): string | undefined {
  const known = new Map<string, Counting>();
  for (const limit of guards.flatMap((guard) => counting.get(guard) ?? [])) {
    const other = known.get(limit.prefix);
    // One guard may stand in several places, and is one limit.
    if (other !== undefined && other !== limit) return limit.id;
    known.set(limit.prefix, limit);
  }
  return undefined;
}

/** Whether a guard is an `all` or an `any`, or stands around one. */
export function isComposite(guard: Guard): boolean {
  return composite.has(guard);
}

/** Marks a guard of ours that never writes to what it is shown: it needs no frozen copy. */
export function onlyReads(guard: Guard): Guard {
  readOnly.add(guard);
  return ofLibrary(guard);
}

/** Whether a guard is known never to write to what it is shown. */
export function isReadOnly(guard: Guard): boolean {
  return readOnly.has(guard);
}
