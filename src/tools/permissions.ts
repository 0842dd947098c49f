import { toolErrors } from "./errors.ts";
import type { AnyTool } from "./tool.ts";
import type { ToolMetrics } from "./tool-metrics.ts";

/** Is what an agent or a program allows its tools. */
export interface ToolPolicy {
  /** Names whose policy it is, in messages: `agent guide`, `program`. */
  readonly of: string;
  /** `fs` allows `fs:read` too, `*` everything; what is not listed is not allowed. */
  readonly permissions: readonly string[];
}

/** Is what whoever calls tools for a program is told of them: who must allow a call, and who counts it. */
export interface ToolOversight {
  readonly policies?: readonly ToolPolicy[];
  readonly toolMetrics?: ToolMetrics;
}

/** Lists what a tool needs and a policy does not allow. */
export function missingPermissions(tool: AnyTool, { permissions }: ToolPolicy): readonly string[] {
  return tool.permissions.filter((needed) => !permissions.some((allowed) => covers(allowed, needed)));
}

/**
 * Refuses a tool that one of the policies does not allow.
 *
 * Errors: tool_forbidden, which names every permission that is missing and whose policy it is.
 */
export function requirePermissions(tool: AnyTool, policies: readonly ToolPolicy[]): void {
  const refused = policies.flatMap((policy) => {
    const missing = missingPermissions(tool, policy);
    return missing.length === 0 ? [] : [{ of: policy.of, missing }];
  });
  if (refused.length === 0) return;
  const words = refused.map(({ of, missing }) => `${missing.join(", ")} of the ${of}`);
  throw toolErrors.create(
    "tool_forbidden",
    `The tool ${tool.name} may not be called: it needs the permission ${words.join(", and ")}.`,
    { details: { tool: tool.name, refused: refused.map(({ of, missing }) => ({ of, missing: [...missing] })) } },
  );
}

function covers(allowed: string, needed: string): boolean {
  return allowed === "*" || allowed === needed || needed.startsWith(`${allowed}:`);
}
