// A user's file, compiled against the packed package by compilers that may know nothing beyond ECMAScript.
import {
  type AbortSignalLike,
  allow,
  createIdentity,
  createKernel,
  type Decision,
  type DecisionCode,
  defineGuard,
  deny,
  type Guard,
  type Interceptor,
  PolicyViolationError,
  type Session,
} from "sallyport";
import schema from "sallyport/policy.schema.json" with { type: "json" };

const noErase: Guard = defineGuard({
  name: "noErase",
  stages: ["pre_tool_call"],
  check: ({ name }): Decision => (name === "erase" ? deny("tool_not_allowed", "No erasing") : allow()),
});
const untilAborted: Interceptor = (_request, next, { signal }) => next(signal);

export async function use(outer: AbortSignalLike): Promise<DecisionCode> {
  const kernel = createKernel({ guards: [noErase], interceptors: [untilAborted] });
  const session: Session = kernel.session({ agentId: schema.title, signal: outer });
  try {
    const call = { name: "erase", arguments: {}, signal: session.context.signal };
    return await session.tool(call, (_args: unknown, own) => {
      own.addEventListener("abort", () => session.close(), { once: true });
      const isAborted: boolean = own.aborted;
      return String(isAborted);
    });
  } catch (error) {
    if (error instanceof PolicyViolationError) return error.code;
    throw error;
  }
}

export async function length(): Promise<number> {
  const identity = await createIdentity();
  const signature: Uint8Array = await identity.sign(identity.publicKey);
  return signature.length;
}
