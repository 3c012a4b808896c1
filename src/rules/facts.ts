import { type ExecutionContext, perSession } from "../base/context.ts";
import { ownField } from "../base/own.ts";
import { KnownTexts } from "./known.ts";
import type { Asked } from "./asked.ts";
import { find, type Found, type Place } from "./place.ts";

/** What the kernel knows, as conditions see it: a place that begins with `$`. */
export function factOf(place: Place, asked: Asked): Found {
  return find(place, rootOf(place.fact, asked));
}

function rootOf(fact: string | undefined, { request, context }: Asked): unknown {
  switch (fact) {
    case undefined:
    case "$payload":
      return request.payload;
    case "$name":
      return request.name;
    case "$agent": {
      const agent = ownField(context, "agent");
      if (agent === undefined) return undefined;
      const { did, name, capabilities, trustScore, status, metadata } = agent;
      return { did, name, capabilities, trustScore, status, metadata };
    }
    default:
      return context[fact.slice(1) as keyof ExecutionContext];
  }
}

/** What the user of a session said, and what its trusted tools answered. */
export const knownTo: (context: ExecutionContext) => KnownTexts = perSession((around) => new KnownTexts(around()));
