/** The field of a policy that a guard was compiled from. */
export interface PolicyField {
  /** Its name. */
  readonly field: string;
  /** Whether the policy left it to its default. */
  readonly isDefault: boolean;
}

/** Names a limit in a denial: `maxTokens is 4096 for a session, the policy's default`. */
export function limitText(guard: string, figure: string | number, field: PolicyField | undefined): string {
  if (field === undefined) return `${guard} is ${figure}`;
  return `${field.field} is ${figure}${field.isDefault ? ", the policy's default" : ", set by the policy"}`;
}

/** Whose acts a limit counts together, and how far back. */
export function scopeText(per: string | undefined, windowMs: number | undefined): string {
  return `for ${per === "agent" ? "an agent" : "a session"}${windowMs === undefined ? "" : ` in ${windowMs} ms`}`;
}
