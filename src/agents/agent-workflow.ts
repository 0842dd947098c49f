import type { Workflow } from "../runs/index.ts";
import { workflow } from "../runs/index.ts";
import type { AgentInput, AgentResult, AnyAgent } from "./agent.ts";
import type { runAgent as RunAgent } from "./agent-run.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";

/**
 * Makes the workflow that runs an agent: the model is called, its tool calls run at once, until it answers or a limit ends it.
 * Each model call and each tool call is a step of the run.
 *
 * A model that cannot call tools is not offered any: the agent then answers without them and without its documents.
 *
 * What is sent with `steer` goes to the model as a user's message, before its next call; a pause holds the run before its next step.
 *
 * Shape: it adds these events to the log: `agent.started` { agent, model, goal }; `agent.steered` { step, text }; transient `knowledge.progressed`;
 * `knowledge.ingested` (the report); `tools.left_out` { names }; `model.started` { step }; `attempt.failed` { step, and
 * the attempt }, and so `attempt.cancelled` of one that the end of the agent's time cut off; `answer.restarted` and `answer.continued` { step, from, to, code }: another model took over, and what was shown is
 * void or goes on; transient `text.delta` and `reasoning.delta` { text };
 * `model.completed` { step, text, toolCalls, usage, finishReason, costMicroUsd, report }; `tool.started` { id, name, input }; `tool.progressed`
 * { id, name, data }; `tool.completed` { id, name, durationMs }; `tool.failed` { id, name, durationMs, error }; `citations.refused`
 * [{ id, reason, sentence }].
 * Errors: agent_output_invalid, agent_timed_out, tool_duplicate, those of providers and knowledge.
 * Cost: what runs an agent is loaded when one runs.
 */
export function agentWorkflow(
  agent: AnyAgent,
  surroundings: AgentSurroundings,
): Workflow<AgentInput, AgentResult<unknown>> {
  const part = { agent, surroundings };
  return workflow({
    name: `agent:${agent.name}`,
    run: async (context, input) => {
      runAgent ??= (await import("./agent-run.ts")).runAgent;
      return await runAgent(part, context, input);
    },
  });
}

/** An import costs some microseconds also where the module is there. */
let runAgent: typeof RunAgent | undefined;
