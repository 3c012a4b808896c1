// What must be a type error, whatever the compiler knows: one a line, each named in types.mjs.
import { createIdentity, createKernel, deny } from "sallyport";

export const isNoNumber: number = deny("late", "Too late");
export const isNoCode = deny(1, "Too late");
export const isNoKey = createKernel({ approvalKey: 1 });
export const isNoSignal = createKernel().session({ agentId: "a", signal: 1 });
export const isNoFlag: string = createKernel().session({ agentId: "a" }).context.signal.aborted;
export const isNoText: Promise<string> = createIdentity().then(({ publicKey }) => publicKey);
