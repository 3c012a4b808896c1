import { describe, expectTypeOf, test } from "vitest";
import * as sallyport from "../mod.ts";
import * as audit from "sallyport/audit";
import type * as contract from "./contract.ts";

// One line a function, so that an error names the one that has changed.

describe("decisions", () => {
  test("allow() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.allow).toExtend<typeof contract.allow>();
  });
  test("warn() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.warn).toExtend<typeof contract.warn>();
  });
  test("deny() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.deny).toExtend<typeof contract.deny>();
  });
  test("transform() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.transform).toExtend<typeof contract.transform>();
  });
  test("escalate() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.escalate).toExtend<typeof contract.escalate>();
  });
  test("a code names those of the library, and takes any other", () => {
    expectTypeOf<Extract<sallyport.Deny["code"], "timeout">>().toEqualTypeOf<"timeout">();
    expectTypeOf<Extract<sallyport.PolicyViolationError["code"], "timeout">>().toEqualTypeOf<"timeout">();
    expectTypeOf<string>().toExtend<sallyport.Deny["code"]>();
  });
});

describe("requests and guards", () => {
  test("defineGuard() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.defineGuard).toExtend<typeof contract.defineGuard>();
  });
  test("all() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.all).toExtend<typeof contract.all>();
  });
  test("any() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.any).toExtend<typeof contract.any>();
  });
  test("not() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.not).toExtend<typeof contract.not>();
  });
  test("when() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.when).toExtend<typeof contract.when>();
  });
  test("unless() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.unless).toExtend<typeof contract.unless>();
  });
  test("onTool() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.onTool).toExtend<typeof contract.onTool>();
  });
  test("onStage() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.onStage).toExtend<typeof contract.onStage>();
  });
  test("shadow() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.shadow).toExtend<typeof contract.shadow>();
  });
  test("withTimeout() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.withTimeout).toExtend<typeof contract.withTimeout>();
  });
  test("failOpen() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.failOpen).toExtend<typeof contract.failOpen>();
  });
  test("compose() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.compose).toExtend<typeof contract.compose>();
  });
});

describe("kernel and session", () => {
  test("createKernel() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.createKernel).toExtend<typeof contract.createKernel>();
  });
  test("PolicyViolationError() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.PolicyViolationError).toExtend<typeof contract.PolicyViolationError>();
  });
});

describe("approvals", () => {
  test("grantApproval() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.grantApproval).toExtend<typeof contract.grantApproval>();
  });
});

describe("policy", () => {
  test("definePolicy() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.definePolicy).toExtend<typeof contract.definePolicy>();
  });
  test("parsePolicy() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.parsePolicy).toExtend<typeof contract.parsePolicy>();
  });
});

describe("trust", () => {
  test("agentProfile() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.agentProfile).toExtend<typeof contract.agentProfile>();
  });
  test("hasCapability() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.hasCapability).toExtend<typeof contract.hasCapability>();
  });
  test("hasAllCapabilities() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.hasAllCapabilities).toExtend<typeof contract.hasAllCapabilities>();
  });
  test("hasAnyCapability() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.hasAnyCapability).toExtend<typeof contract.hasAnyCapability>();
  });
  test("actionGuard() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.actionGuard).toExtend<typeof contract.actionGuard>();
  });
  test("trustTracker() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.trustTracker).toExtend<typeof contract.trustTracker>();
  });
});

describe("similarity", () => {
  test("wordSimilarity() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.wordSimilarity).toExtend<typeof contract.wordSimilarity>();
  });
  test("sequenceSimilarity() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.sequenceSimilarity).toExtend<typeof contract.sequenceSimilarity>();
  });
});

describe("plugins", () => {
  test("definePlugin() takes and answers what the contract says", () => {
    expectTypeOf(sallyport.definePlugin).toExtend<typeof contract.definePlugin>();
  });
});

describe("types", () => {
  test("that users write are as wide as the contract's, and those they read as narrow", () => {
    expectTypeOf<contract.PolicyInit>().toExtend<sallyport.PolicyInit>();
    expectTypeOf<contract.ActInit>().toExtend<sallyport.ActInit>();
    expectTypeOf<contract.SessionInit>().toExtend<sallyport.SessionInit>();
    expectTypeOf<contract.KernelOptions>().toExtend<sallyport.KernelOptions>();
    expectTypeOf<contract.Guard>().toExtend<sallyport.Guard>();
    expectTypeOf<contract.Interceptor>().toExtend<sallyport.Interceptor>();
    expectTypeOf<contract.StreamOptions<string>>().toExtend<sallyport.StreamOptions<string>>();
    expectTypeOf<contract.View<string>>().toExtend<sallyport.View<string>>();
    expectTypeOf<contract.AdapterPlugin<object, object>>().toExtend<sallyport.AdapterPlugin<object, object>>();
    expectTypeOf<contract.ClientPlugin<object>>().toExtend<sallyport.ClientPlugin<object>>();
    expectTypeOf<contract.Plugin>().toExtend<sallyport.Plugin>();
    expectTypeOf<contract.SessionSource>().toExtend<sallyport.SessionSource>();
    expectTypeOf<contract.BlockedPattern>().toExtend<sallyport.BlockedPattern>();
    expectTypeOf<sallyport.Decision>().toExtend<contract.Decision>();
    expectTypeOf<sallyport.Allow>().toExtend<contract.Allow>();
    expectTypeOf<sallyport.Deny>().toExtend<contract.Deny>();
    expectTypeOf<sallyport.Transform>().toExtend<contract.Transform>();
    expectTypeOf<sallyport.Escalate>().toExtend<contract.Escalate>();
    expectTypeOf<sallyport.Warning>().toExtend<contract.Warning>();
    expectTypeOf<sallyport.Stage>().toExtend<contract.Stage>();
    expectTypeOf<sallyport.TokenUsage>().toExtend<contract.TokenUsage>();
    expectTypeOf<sallyport.GovernedRequest>().toExtend<contract.GovernedRequest>();
    expectTypeOf<sallyport.Taking>().toExtend<contract.Taking>();
    expectTypeOf<sallyport.ExecutionContext>().toExtend<contract.ExecutionContext>();
    expectTypeOf<sallyport.Act>().toExtend<contract.Act>();
    expectTypeOf<sallyport.Session>().toExtend<contract.Session>();
    expectTypeOf<sallyport.Kernel>().toExtend<contract.Kernel>();
    expectTypeOf<sallyport.Explanation>().toExtend<contract.Explanation>();
    expectTypeOf<sallyport.ApprovalRequest>().toExtend<contract.ApprovalRequest>();
    expectTypeOf<sallyport.ApprovalGrant>().toExtend<contract.ApprovalGrant>();
    expectTypeOf<sallyport.GovernancePolicy>().toExtend<contract.GovernancePolicy>();
    expectTypeOf<sallyport.AgentStatus>().toExtend<contract.AgentStatus>();
    expectTypeOf<sallyport.AgentProfile>().toExtend<contract.AgentProfile>();
    expectTypeOf<sallyport.ActionResult>().toExtend<contract.ActionResult>();
    expectTypeOf<sallyport.ActionGuard>().toExtend<contract.ActionGuard>();
    expectTypeOf<sallyport.TrustRecord>().toExtend<contract.TrustRecord>();
    expectTypeOf<sallyport.TrustTracker>().toExtend<contract.TrustTracker>();
    expectTypeOf<sallyport.Coverage>().toExtend<contract.Coverage>();
    expectTypeOf<sallyport.PluginHost>().toExtend<contract.PluginHost>();
    expectTypeOf<sallyport.GuardMeta>().toExtend<contract.GuardMeta>();
  });
});

describe("the record", () => {
  test("createAuditKey() takes and answers what the contract says", () => {
    expectTypeOf(audit.createAuditKey).toExtend<typeof contract.createAuditKey>();
  });
  test("createAuditLog() takes and answers what the contract says", () => {
    expectTypeOf(audit.createAuditLog).toExtend<typeof contract.createAuditLog>();
  });
  test("memorySink() takes and answers what the contract says", () => {
    expectTypeOf(audit.memorySink).toExtend<typeof contract.memorySink>();
  });
  test("verifyAuditLog() takes and answers what the contract says", () => {
    expectTypeOf(audit.verifyAuditLog).toExtend<typeof contract.verifyAuditLog>();
  });
  test("proveInclusion() takes and answers what the contract says", () => {
    expectTypeOf(audit.proveInclusion).toExtend<typeof contract.proveInclusion>();
  });
  test("verifyInclusion() takes and answers what the contract says", () => {
    expectTypeOf(audit.verifyInclusion).toExtend<typeof contract.verifyInclusion>();
  });
  test("types go both ways, as they are given and taken", () => {
    expectTypeOf<sallyport.AuditRecord>().toExtend<contract.AuditRecord>();
    expectTypeOf<contract.AuditSink>().toExtend<sallyport.AuditSink>();
    expectTypeOf<contract.AuditLogOptions>().toExtend<audit.AuditLogOptions>();
    expectTypeOf<contract.AuditTo>().toExtend<audit.AuditTo>();
    expectTypeOf<contract.AuditSource>().toExtend<audit.AuditSource>();
    expectTypeOf<audit.AuditEntry>().toExtend<contract.AuditEntry>();
    expectTypeOf<audit.AuditFinding>().toExtend<contract.AuditFinding>();
    expectTypeOf<audit.AuditVerification>().toExtend<contract.AuditVerification>();
    expectTypeOf<audit.AuditChunk>().toExtend<contract.AuditChunk>();
    expectTypeOf<audit.AuditLog>().toExtend<contract.AuditLog>();
  });
});
