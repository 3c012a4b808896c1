import type { GovernedRequest } from "../../../mod.ts";
import type { PluginGate } from "../plugin-fixture.ts";
import {
  ANSWER,
  calling,
  FAILING,
  FAILURE,
  OTHER_TOOL,
  PROMPT,
  QUERY,
  RESULT,
  saying,
  STAGES,
  TOOL,
} from "./markers.ts";
import { type Bench, count, GATES, has, holdsText, must, type PluginPromise } from "./promise.ts";
import { canonical } from "./text.ts";
import type { Trial, TrialInit } from "./trial.ts";

/** What holds where everything is allowed. */
export const ALLOWED: readonly PluginPromise[] = [
  {
    name: "same as ungoverned",
    check: (bench) =>
      sameAsUngoverned(bench, {
        turns: has("tool")(bench.entry)
          ? [calling([TOOL, { q: QUERY }], [OTHER_TOOL, { q: `${QUERY} again` }]), saying()]
          : [saying()],
      }),
  },
  {
    name: "same when a tool throws",
    concerns: has("tool"),
    check: (bench) =>
      sameAsUngoverned(bench, {
        tools: {
          [TOOL]: () => {
            throw new TypeError(FAILURE);
          },
        },
      }),
  },
  {
    name: "same when a model fails",
    concerns: has("model"),
    check: (bench) => sameAsUngoverned(bench, { turns: [FAILING, saying()] }),
  },
  {
    name: "runs once",
    gates: GATES,
    async check(bench, gate) {
      const trial = bench.trial();
      await trial.drive();
      const ran = gate === "tool" ? trial.ran.length : gate === "model" ? trial.requests.length : 1;
      must(ran > 0, "the act has not run");
      if (gate === "tool") count("calls of the tool that ran", ran, 1);
      count(
        "acts that passed both gates, for each that ran",
        trial.completed.filter((stage) => stage === STAGES[gate][1]).length,
        ran,
      );
    },
  },
  {
    name: "judged before and after",
    gates: GATES,
    async check(bench, gate) {
      const trial = bench.trial();
      await trial.drive();
      const [before, after] = STAGES[gate];
      const shown = (stage: typeof before): string => trial.seenAt(stage).map(({ text }) => text).join("\n");
      holdsText(`what guards were shown at ${before}`, shown(before), gate === "tool" ? QUERY : PROMPT);
      holdsText(`what guards were shown at ${after}`, shown(after), gate === "tool" ? RESULT : ANSWER);
      if (gate === "model" && has("tool")(bench.entry)) {
        holdsText(`what guards were shown at ${before} of the tool's result`, shown(before), RESULT);
      }
    },
  },
  {
    name: "one shape",
    gates: GATES,
    async check(bench, gate) {
      const trial = bench.trial();
      await trial.drive();
      const [before, after] = STAGES[gate];
      for (const { name, payload } of [...trial.seenAt(before), ...trial.seenAt(after)]) {
        must(typeof name === "string" && name !== "", `a request at ${before} or ${after} has no name`);
        must(payload !== undefined, `a request at ${before} or ${after} has no payload`);
      }
      SHAPES[gate](trial, bench);
    },
  },
  {
    name: "ends every act",
    async check(bench) {
      const throwing = (): never => {
        throw new TypeError(FAILURE);
      };
      const deniesAfter = ({ stage }: GovernedRequest) =>
        STAGES[bench.entry.gates[0] as PluginGate][1] === stage
          ? { effect: "deny", allowed: false, code: "kit", reason: "denied" } as const
          : undefined;
      const fails = has("model")(bench.entry) ? [{ turns: [FAILING] }] : [];
      for (const init of [{}, { tools: { [TOOL]: throwing } }, ...fails, { judge: deniesAfter }]) {
        const trial = bench.trial(init);
        await trial.drive();
        must(trial.seen.length > 0, "no act has begun");
        count("reservations that are still held when the drive is over", trial.held, 0);
      }
    },
  },
  {
    name: "sessions stay apart",
    async check(bench) {
      const [gate] = bench.entry.gates as [PluginGate];
      const denied = bench.trial({
        judge: ({ stage }) =>
          stage === STAGES[gate][0] ? { effect: "deny", allowed: false, code: "kit", reason: "denied" } : undefined,
      });
      const allowed = bench.trial();
      await Promise.all([denied.drive(), allowed.drive()]);
      must(denied.denials.length > 0, "the session that denies was not asked");
      count("denials of the session that allows", allowed.denials.length, 0);
      holdsText("what the caller of the session that allows got", allowed.got, ANSWER);
      must(allowed.seen.length > 0, "the session that allows was not asked");
    },
  },
];

async function sameAsUngoverned(bench: Bench, init: TrialInit): Promise<void> {
  const [plain, governed] = [bench.trial({ ...init, governed: false }), bench.trial(init)];
  await plain.drive();
  await governed.drive();
  must(plain.requests.length + plain.ran.length > 0, "ungoverned, nothing has run");
  const sides: readonly (readonly [string, (trial: Trial) => unknown])[] = [
    ["how often the model is asked", ({ requests }) => requests.length],
    ["what the model reads", ({ requests }) => requests.map(({ form }) => form)],
    ["the calls that run", ({ ran }) => ran.map(({ name, arguments: args }) => [name, args])],
    ["what the caller gets", ({ endings }) => endings.map(({ value }) => value)],
    ["what the caller catches", ({ endings }) => endings.map(({ error }) => error)],
    ["what is streamed", ({ parts }) => parts.filter((part) => typeof part !== "string")],
    ["the text that is streamed", ({ parts }) => parts.filter((part) => typeof part === "string").join("")],
  ];
  for (const [what, of] of sides) {
    const [wanted, found] = [canonical(of(plain)), canonical(of(governed))];
    must(found === wanted, `${what}: ungoverned ${cut(wanted, found)}, governed ${cut(found, wanted)}`);
  }
}

/** The part of a text where it begins to differ from another. */
function cut(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  const from = Math.max(0, at - 40);
  return `${from > 0 ? "…" : ""}${text.slice(from, at + 120)}${text.length > at + 120 ? "…" : ""}`;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/** What `plugins/README.md` says of the payloads. */
const SHAPES: Readonly<Record<PluginGate, (trial: Trial, bench: Bench) => void>> = {
  run(trial) {
    for (const { payload } of trial.seenAt("input")) {
      must(typeof payload === "string" || isFields(payload), "the payload at input is neither text nor an object");
    }
  },
  model(trial, { entry }) {
    for (const { payload } of trial.seenAt("pre_model_call")) {
      const messages = isFields(payload) ? payload["messages"] : undefined;
      must(
        Array.isArray(messages) && messages.length > 0 &&
          messages.every((one: unknown) =>
            isFields(one) && typeof one["role"] === "string" && typeof one["content"] === "string"
          ),
        "the payload at pre_model_call has no messages of a role and a content",
      );
    }
    const answers = trial.seenAt("post_model_call");
    for (const { payload } of answers) {
      must(
        typeof payload === "string" || (isFields(payload) && typeof payload["content"] === "string"),
        "the payload at post_model_call has no content",
      );
    }
    const first = answers[0]?.payload;
    if (!entry.gates.includes("tool") || typeof first === "string") return;
    const [call] = (first as { toolCalls?: readonly Fields[] } | undefined)?.toolCalls ?? [];
    must(
      call?.["name"] === TOOL && canonical(call["arguments"]) === canonical({ q: QUERY }),
      "the toolCalls at post_model_call have not the call that the model proposed",
    );
  },
  tool(trial) {
    const [first] = trial.seenAt("pre_tool_call").filter(({ name }) => name === TOOL);
    must(first !== undefined, `no request at pre_tool_call has the name "${TOOL}"`);
    must(
      canonical(first?.payload) === canonical({ q: QUERY }),
      "the payload at pre_tool_call is not the arguments that the model proposed",
    );
    const [after] = trial.seenAt("post_tool_call").filter(({ text }) => text.includes(RESULT));
    must(after?.name === TOOL, `the result at post_tool_call has not the name "${TOOL}"`);
    must(after?.callId === first?.callId, "the request at post_tool_call has not the callId of its call");
  },
};
