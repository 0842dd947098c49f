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
 * Shape: docs/agents.md lists the events that it adds to the log, each with its data.
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
