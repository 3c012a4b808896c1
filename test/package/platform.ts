// A user's file, compiled against the packed package where the compiler knows the platform: its signals, keys and bytes go in,
// and what comes out is taken by it.
import { createIdentity, createKernel, grantApproval, type Interceptor } from "sallyport";

const tied: Interceptor = (_request, next, { signal }) => next(AbortSignal.any([signal, AbortSignal.timeout(1000)]));

export async function use(outer: AbortSignal): Promise<unknown> {
  const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  const session = createKernel({ approvalKey: key, interceptors: [tied] }).session({ agentId: "a", signal: outer });
  const act = await session.begin({ stage: "pre_tool_call", name: "ask", payload: {}, signal: outer });
  const grant = await grantApproval({ id: "i", digest: "d", expiresAt: 1 }, key, { approved: true, by: "ada" });
  await session.tool({ name: "ask", arguments: {}, grant }, (_args: unknown, own: AbortSignal) => fetch("./", { signal: own }));
  await session.run("ask", (_input: unknown, own) => {
    own.throwIfAborted();
    own.addEventListener("abort", (event) => event.type, { once: true });
    return fetch("./", { signal: own });
  });
  return act.signal === outer;
}

export async function verify(): Promise<boolean> {
  const identity = await createIdentity();
  const message = new TextEncoder().encode("message");
  const signature = await identity.sign(message);
  const key = await crypto.subtle.importKey("raw", identity.publicKey, { name: "Ed25519" }, true, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
}
