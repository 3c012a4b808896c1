import {
  type ApprovalGrant,
  type ApprovalRequest,
  type Decision,
  escalate,
  type GovernedRequest,
  grantApproval,
  memoryStore,
} from "../../../mod.ts";
import type { Ending, PluginEntry, PluginGate, Turn } from "../plugin-fixture.ts";
import { isAt } from "./denied.ts";
import { ANSWER, calling, OTHER_RESULT, OTHER_TOOL, QUERY, REASON, saying, TOOL } from "./markers.ts";
import { type Bench, count, GATES, has, holdsText, must, type PluginPromise } from "./promise.ts";
import { canonical } from "./text.ts";
import { type Trial, type TrialInit, turns } from "./trial.ts";

const pauses = ({ gates, approval }: PluginEntry): boolean => gates.includes("tool") && approval === "pause";

/** A turn in which the tool is called once more, under another id. */
function callingAgain(q: string): Turn {
  return { ...saying(""), calls: [{ id: "kit-call-again", name: TOOL, arguments: { q } }] };
}

/** What holds where a person must approve. */
export const APPROVAL: readonly PluginPromise[] = [
  {
    name: "asked once",
    gates: GATES,
    async check(bench, gate) {
      let hasWaited = true;
      let asked = 0;
      const trial: Trial = bench.trial({
        judge: askAt(gate),
        kernel: {
          approve: async () => {
            asked++;
            await turns(3);
            // A model's turns are requests of their own, each with a question of its own.
            hasWaited &&= (gate === "tool" ? trial.ran : trial.requests).length < asked;
            return true;
          },
        },
      });
      await trial.drive();
      must(asked > 0, "nobody was asked");
      count("how often a person was asked", asked, gate === "model" ? trial.requests.length : 1);
      must(hasWaited, "the act did not wait for the answer");
      if (gate === "tool") count("approved calls that ran", trial.ran.length, 1);
      count("denials", trial.denials.length, 0);
      holdsText("what the caller gets", trial.got, ANSWER);
    },
  },
  {
    name: "a no denies",
    gates: GATES,
    async check(bench, gate) {
      const trial = bench.trial({ judge: askAt(gate), kernel: { approve: () => false } });
      await trial.drive();
      count("how often a person was asked", trial.asked.length, 1);
      count("denials", trial.denials.length, 1);
      checkRan(trial, gate, 0);
    },
  },
  {
    name: "an approved sibling",
    concerns: has("tool"),
    async check(bench) {
      const trial = bench.trial({
        turns: [calling([TOOL, { q: QUERY }], [OTHER_TOOL, { q: QUERY }]), saying()],
        judge: ({ stage }) => stage === "pre_tool_call" ? escalate(REASON) : undefined,
        kernel: {
          approve: async ({ name }) => {
            if (name === OTHER_TOOL) await turns(3);
            return name === OTHER_TOOL;
          },
        },
      });
      await trial.drive();
      count("how often a person was asked", trial.asked.length, 2);
      count("refused calls that ran", trial.ranOf(TOOL).length, 0);
      count("approved calls beside it that ran", trial.ranOf(OTHER_TOOL).length, 1);
      count("denials", trial.denials.length, 1);
      if (bench.entry.refusedTool !== "model") return;
      holdsText("what the model reads of the call that ran", trial.read, OTHER_RESULT);
      holdsText("what the caller gets in the end", trial.got, ANSWER);
    },
  },
  {
    name: "a yes in the framework",
    concerns: pauses,
    async check(bench) {
      const yes = await pausedTrial(bench);
      await resume(yes, true);
      count("approved calls that ran", yes.trial.ran.length, 1);
      count("how often a person was asked", yes.trial.asked.length, 1);
      count("denials", yes.trial.denials.length, 0);
      holdsText("what the caller gets in the end", yes.trial.got, ANSWER);
      const no = await pausedTrial(bench);
      await resume(no, false);
      count("refused calls that ran", no.trial.ran.length, 0);
      count("denials of the refused call", no.trial.denials.length, 1);
    },
  },
  {
    name: "a second pause",
    concerns: pauses,
    async check(bench) {
      const again = `${QUERY} again`;
      const first = await pausedTrial(bench, { turns: [calling([TOOL, { q: QUERY }]), callingAgain(again), saying()] });
      const { trial } = first;
      const { paused } = await trial.end(() => first.resume(true));
      count("approved calls that ran", trial.ran.length, 1);
      must(paused !== undefined, "the second call, which nobody has approved, did not pause");
      await trial.end(async () => await paused?.resume(false) ?? {});
      count("calls that ran, where the second one was refused", trial.ran.length, 1);
      must(canonical(trial.ran[0]?.arguments) === canonical({ q: QUERY }), "the answer went to the other call");
      count("how often a person was asked", trial.asked.length, 2);
      count("denials", trial.denials.length, 1);
    },
  },
  {
    name: "a grant given later",
    concerns: has("tool"),
    async check(bench) {
      const key = await signingKey();
      const paused = await pausedTrial(bench, { kernel: { approvalKey: key } });
      await resume(paused, await grantApproval(paused.question, key, { approved: true, by: "ada" }));
      count("granted calls that ran", paused.trial.ran.length, 1);
    },
  },
  {
    name: "a grant elsewhere",
    concerns: has("tool"),
    async check(bench) {
      const key = await signingKey();
      const kernel = { approvalKey: key, store: memoryStore() };
      const init = { kernel, sessionId: "kit-session" };
      const paused = await pausedTrial(bench, init);
      const grant = await grantApproval(paused.question, key, { approved: true, by: "ada" });
      const elsewhere = bench.trial({ ...init, judge: askAt("tool") });
      await elsewhere.end(() => paused.resume(grant, elsewhere.scene));
      count("granted calls that ran in another process", elsewhere.ran.length, 1);
      count("granted calls that ran where they waited", paused.trial.ran.length, 0);
      const again = bench.trial({ ...init, judge: askAt("tool") });
      await again.end(() => paused.resume(grant, again.scene));
      count("calls that ran by a grant that was used", again.ran.length, 0);
    },
  },
  {
    name: "only what was granted",
    concerns: has("tool"),
    async check(bench) {
      const [key, other] = [await signingKey(), await signingKey()];
      const init: TrialInit = { kernel: { approvalKey: key } };
      const forged = await pausedTrial(bench, init);
      await resume(forged, await grantApproval(forged.question, other, { approved: true, by: "mallory" }));
      count("calls that ran by a grant that somebody else signed", forged.trial.ran.length, 0);
      const [first, second] = [await pausedTrial(bench, init), await pausedTrial(bench, init)];
      await resume(second, await grantApproval(first.question, key, { approved: true, by: "ada" }));
      count("calls that ran by the grant of another session", second.trial.ran.length, 0);
    },
  },
  {
    name: "a paused call counts once",
    concerns: has("tool"),
    async check(bench) {
      const key = await signingKey();
      // With no call to spare, and with one that nobody may take.
      for (const maxToolCalls of [2, 3]) {
        const paused = await pausedTrial(bench, {
          kernel: { approvalKey: key, policy: { maxToolCalls } },
          turns: [calling([OTHER_TOOL, { q: QUERY }], [TOOL, { q: QUERY }]), saying()],
        });
        count("calls beside the paused one that ran", paused.trial.ranOf(OTHER_TOOL).length, 1);
        await resume(paused, await grantApproval(paused.question, key, { approved: true, by: "ada" }));
        count("granted calls that ran", paused.trial.ranOf(TOOL).length, 1);
        count("calls beside it that ran, once it was answered", paused.trial.ranOf(OTHER_TOOL).length, 1);
        count("calls that the session counts", paused.trial.session.context.toolCallCount, 2);
      }
    },
  },
];

interface Paused {
  readonly trial: Trial;
  readonly question: ApprovalRequest;
  resume: NonNullable<Ending["paused"]>["resume"];
}

/** Asks a person about the acts of a gate. */
function askAt(gate: PluginGate): (request: GovernedRequest) => Decision | undefined {
  return (request) => isAt(request, gate, 0) ? escalate(REASON) : undefined;
}

/** Plays the entry to where a call waits for an answer. */
async function pausedTrial(bench: Bench, init: TrialInit = {}): Promise<Paused> {
  const trial = bench.trial({ judge: askAt("tool"), ...init });
  const { paused } = await trial.drive();
  count("calls that ran before anybody answered", trial.ranOf(TOOL).length, 0);
  must(trial.asked.length > 0, "nobody was asked");
  if (bench.entry.approval === "pause") count("denials before anybody answered", trial.denials.length, 0);
  must(paused !== undefined, "the drive has not ended paused, so that nobody can answer later");
  return { trial, question: trial.asked[0] as ApprovalRequest, resume: (paused as NonNullable<typeof paused>).resume };
}

async function resume({ trial, resume: answer }: Paused, given: boolean | ApprovalGrant): Promise<void> {
  await trial.end(() => answer(given));
}

function checkRan(trial: Trial, gate: PluginGate, wanted: number): void {
  if (gate === "tool") count("refused calls that ran", trial.ran.length, wanted);
  else count("how often the model was asked", trial.requests.length, wanted);
}

async function signingKey(): Promise<CryptoKey> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}
