import type { Clock, JsonValue } from "../base/index.ts";
import { isAtlasError, isJsonObject, raceAbort, schemaByHand } from "../base/index.ts";
import type { Message, ToolCallPart } from "../providers/index.ts";
import type { RunContext } from "../runs/index.ts";
import type { AnyTool, ToolPolicy } from "../tools/index.ts";
import { readToolInput, requirePermissions } from "../tools/index.ts";
import type { AnyAgent } from "./agent.ts";
import type { ApprovalRule } from "./agent-view.ts";

/** Is what a person says to a call of a tool. */
export type ApprovalAnswer = { readonly approved: boolean; readonly reason?: string };

/** Is why a call of a tool is not made. */
export type Refusal = { readonly by: "person" | "deadline"; readonly reason: string };

const answerForm = {
  type: "object",
  properties: { approved: { type: "boolean" }, reason: { type: "string" } },
  required: ["approved"],
  additionalProperties: false,
};

/** Reads what a person says: `{ approved, reason? }`. Its form is what a person's tools show. */
const answerSchema = schemaByHand<ApprovalAnswer, unknown>(answerForm, (value) => {
  const given = value as JsonValue;
  if (!isJsonObject(given) || typeof given["approved"] !== "boolean")
    return { issues: [{ message: "expected true or false", path: ["approved"] }] };
  const { approved, reason } = given;
  if (reason !== undefined && typeof reason !== "string")
    return { issues: [{ message: "expected a text", path: ["reason"] }] };
  return { value: reason === undefined ? { approved } : { approved, reason } };
});

/** Names the signal that answers whether a call may be made. */
export function approvalSignal(callId: string): string {
  return `approval:${callId.replaceAll("#", "_")}`;
}

/** Is what asking needs of the loop that calls tools. Units: `endsAt`, when the agent's time is over, in ms since the Unix epoch. */
export interface Approving {
  readonly agent: ApprovingAgent;
  readonly context: RunContext;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly endsAt?: number | undefined;
  readonly policies?: readonly ToolPolicy[];
  /** Holds the conversation, whose calls were asked about before. */
  readonly progress?: { readonly state: { readonly messages: readonly Message[] } };
}

/**
 * Asks a person before a call, where the agent or the tool wants that, and waits durably for the answer; at the deadline, or at the end
 * of the agent's time, the call is refused. Undefined when the call may be made. Whether someone is asked is a step of the run, which
 * says so in the log: `approval.asked`.
 */
export async function askApproval(asking: Approving, call: ToolCallPart, tool: AnyTool): Promise<Refusal | undefined> {
  const { agent, context, clock, endsAt = Infinity } = asking;
  const { approvals = {}, approvalTimeoutMs = defaultApprovalMs } = agent;
  // An agent's rules are looked up as its own: a tool may be named as what every object has.
  const rule = Object.hasOwn(approvals, tool.name) ? approvals[tool.name] : undefined;
  if (rule === "never" || (rule === undefined && tool.approval === "never")) return undefined;
  const { id, name, input } = call;
  const asked = await context.step(`approve:${tool.name}`, async (): Promise<string | boolean> => {
    if (!(await isWanted(asking, { rule, input, tool }))) return false;
    // A model may give an id again: what a person said of the first call is no word on this one.
    const plain = approvalSignal(id);
    const signal = isReused(asking, call) ? `${plain}.${context.log.position()}` : plain;
    context.emit({ type: "approval.asked", data: { id, name, input, signal } });
    return signal;
  });
  if (asked === false) return undefined;
  // Older records tell no name.
  const awaited = asked === true ? approvalSignal(id) : asked;
  const question = `May the agent ${agent.name} call the tool ${name}? What it would be given is in the log: approval.asked, ${id}.`;
  const timeoutMs = Math.max(0, Math.min(approvalTimeoutMs, endsAt - clock.now()));
  try {
    const { approved, reason = "" } = await context.waitFor(awaited, { schema: answerSchema, timeoutMs, question });
    return approved ? undefined : { by: "person", reason };
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "timed_out") throw error;
    return { by: "deadline", reason: `nobody answered within ${timeoutMs} ms` };
  }
}

function isReused({ progress }: Approving, call: ToolCallPart): boolean {
  const parts = progress?.state.messages.flatMap(({ content }) => [...content]) ?? [];
  const first = parts.find((part) => part.type === "tool.call" && part.id === call.id);
  return first !== undefined && first !== call;
}

/** Is what asking needs of an agent. */
export type ApprovingAgent = Pick<AnyAgent, "name"> & Partial<Pick<AnyAgent, "approvals" | "approvalTimeoutMs">>;

const defaultApprovalMs = 86_400_000;

async function isWanted(
  { policies = [], signal }: Approving,
  { rule, input: given, tool }: { rule: ApprovalRule | undefined; input: JsonValue; tool: AnyTool },
): Promise<boolean> {
  let input: unknown;
  try {
    requirePermissions(tool, policies);
    input = await readToolInput(tool, given);
  } catch {
    // The call fails by itself, and nobody need be asked.
    return false;
  }
  const wants = async (): Promise<boolean> => {
    if (rule === undefined) return await tool.needsApproval(input);
    return typeof rule === "function" && isJsonObject(given) ? await rule(given) : true;
  };
  return await raceAbort(wants(), signal);
}
