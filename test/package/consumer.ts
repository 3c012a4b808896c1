// A user's file, compiled against the packed package. It uses what the published types name beyond ECMAScript.
import { allow, createKernel, type Decision, defineGuard, deny, type Guard, PolicyViolationError, type Session } from "sallyport";

const noErase: Guard = defineGuard({
  name: "noErase",
  stages: ["pre_tool_call"],
  check: ({ name }): Decision => (name === "erase" ? deny("tool_not_allowed", "No erasing") : allow()),
});

export async function use(signal: AbortSignal, key: CryptoKey): Promise<string> {
  const session: Session = createKernel({ guards: [noErase], approvalKey: key }).session({ agentId: "consumer", signal });
  try {
    return await session.tool({ name: "erase", arguments: {} }, (_args: unknown, own: AbortSignal) => String(own.aborted));
  } catch (error) {
    if (error instanceof PolicyViolationError) return error.code;
    throw error;
  }
}
