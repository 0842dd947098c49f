import type { JsonValue, Schema } from "../../base/index.ts";
import { isJsonObject, schemaByHand } from "../../base/index.ts";
import type { Tool } from "../../tools/index.ts";
import { tool } from "../../tools/index.ts";

/** Is what a controller and its workers say to each other. Units: `task` and `attempt` count from 1. */
export type WorkerMessage =
  | {
      readonly type: "request";
      readonly task: number;
      readonly worker: string;
      readonly attempt: number;
      readonly goal: JsonValue;
    }
  | {
      readonly type: "progress";
      readonly task: number;
      readonly worker: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: "result"; readonly task: number; readonly worker: string; readonly output: JsonValue }
  | { readonly type: "refusal"; readonly task: number; readonly worker: string; readonly reason: string };

/** Makes what a workflow, a team or a graph gives to refuse a task. */
export function refuse(reason: string): { readonly refusal: string } {
  return { refusal: reason };
}

/** Reads a refusal from what a worker gave; undefined for anything else. */
export function readRefusal(output: JsonValue): string | undefined {
  return isJsonObject(output) && typeof output["refusal"] === "string" ? output["refusal"] : undefined;
}

/** Makes the tool by which an agent refuses a task, which ends its run. */
export function refuseTool(): Tool<Schema<{ readonly reason: string }>, { readonly refusal: string }> {
  return tool({
    name: "refuse_task",
    description: "Refuses the task, because it is not yours to do or you cannot do it; another one will then do it.",
    input: reasonSchema,
    idempotent: true,
    ends: true,
    run: ({ reason }) => refuse(reason),
  });
}

const reasonJsonSchema = {
  type: "object",
  properties: { reason: { type: "string", minLength: 1, maxLength: 1000 } },
  required: ["reason"],
  additionalProperties: false,
};

const reasonSchema = schemaByHand<{ readonly reason: string }>(reasonJsonSchema, (value) => {
  const reason = typeof value === "object" && value !== null && "reason" in value ? value.reason : undefined;
  return typeof reason === "string" && reason.trim() !== "" && reason.length <= 1000
    ? { value: { reason } }
    : { issues: [{ message: "expected a text of 1 to 1000 characters", path: ["reason"] }] };
});
