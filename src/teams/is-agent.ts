import type { AnyAgent } from "../agents/index.ts";
import type { Runnable } from "../runs/index.ts";

/** Tells whether a member is an agent. */
export function isAgent(member: Runnable): member is AnyAgent {
  return member.kind === "agent";
}
