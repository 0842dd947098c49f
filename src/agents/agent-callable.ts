import type { JsonObject, JsonValue } from "../base/index.ts";
import { stringifyJson } from "../base/index.ts";
import type { AnyWorkflow, Callable } from "../runs/index.ts";
import type { AgentResult } from "./agent.ts";

/** Makes a callable of an agent's workflow: it takes a text as its goal and other data as JSON, and gives its output. */
export function agentCallable(workflow: AnyWorkflow): Callable {
  return {
    workflow,
    input: (value: JsonValue, options: JsonObject = {}) => ({ ...options, goal: goalOf(value) }),
    output: (result) => (result as AgentResult<JsonValue>).output,
  };
}

function goalOf(value: JsonValue): string {
  return typeof value === "string" ? value : stringifyJson(value, "the goal of an agent");
}
