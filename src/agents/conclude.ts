import type { CitedAnswer } from "../knowledge/index.ts";
import { readStructured, textOf } from "../providers/index.ts";
import type { Model, ToolResultPart } from "../providers/index.ts";
import type { AgentFinishReason, AgentResult } from "./agent.ts";
import { agentErrors } from "./errors.ts";
import type { Loop, LoopState } from "./loop-state.ts";
import type { RecordedResponse } from "./model-call.ts";
import { nameOf } from "./model-choice.ts";
import { retrievedPassages } from "./passages.ts";

/** Is the end of an agent's loop. */
export interface LoopEnd {
  readonly loop: Loop;
  readonly state: LoopState;
  readonly response: RecordedResponse;
  readonly model: Model;
  readonly finishReason: AgentFinishReason;
  readonly mayRepair: boolean;
}

/** Makes the result, or gives what the model must correct. Errors: agent_output_invalid. */
export async function conclude(end: LoopEnd): Promise<AgentResult<unknown> | string> {
  const { loop, state, response, model, finishReason, mayRepair } = end;
  const text = textOf(response.message) || (finishReason === "stop" ? "" : bestText(state));
  let output: unknown = text;
  if (loop.agent.output) {
    const answer = await readStructured(loop.agent.output, text);
    // A model that refuses, or says that it cannot fill the schema, would say so again.
    const refused = response.metadata["refusal"] !== undefined;
    if (!answer.ok && !refused && mayRepair && finishReason === "stop") return answer.problem;
    if (!answer.ok) {
      throw agentErrors.create(
        "agent_output_invalid",
        refused
          ? `The model of ${loop.agent.name} refused to give an answer that follows its output schema.`
          : `The answer of ${loop.agent.name} does not follow its output schema. ${answer.problem}${cutWords(finishReason)}`,
        { details: { agent: loop.agent.name, repairs: state.repairs, finishReason, ...(refused && { refused }) } },
      );
    }
    output = answer.value;
  }
  // Without a mark there is nothing to look up, and nothing to record.
  const cited = text.includes("[") ? await cite(loop, state, text) : { citations: [], unverified: [] };
  if (cited.unverified.length > 0)
    loop.context.emit({ type: "citations.refused", data: cited.unverified.map((each) => ({ ...each })) });
  return {
    output,
    text,
    citations: cited.citations,
    unverified: cited.unverified.length,
    usage: state.usage,
    costMicroUsd: state.costMicroUsd,
    model: nameOf(model),
    steps: state.steps,
    finishReason,
    metadata: response.metadata,
  };
}

async function cite({ context, surroundings }: Loop, state: LoopState, text: string): Promise<CitedAnswer> {
  const passages = [...(state.passages ?? []), ...retrievedPassages(state.messages)];
  return await context.step("citations", ({ signal }) => surroundings.knowledge.cite(text, passages, { signal }));
}

/** Makes the result of a run that a call of a tool ended which ends runs: what the tool gave. Undefined where none of the calls does. */
export function endedByTool(
  { loop, state, response, model }: Pick<LoopEnd, "loop" | "state" | "response" | "model">,
  results: readonly ToolResultPart[],
): AgentResult<unknown> | undefined {
  const ending = results.find(
    ({ name, failed }) => failed !== true && loop.tools.find((each) => each.name === name)?.ends === true,
  );
  if (ending === undefined) return undefined;
  const { usage, costMicroUsd, steps } = state;
  return {
    output: ending.output,
    text: textOf(response.message),
    citations: [],
    unverified: 0,
    usage,
    costMicroUsd,
    model: nameOf(model),
    steps,
    finishReason: "stop",
    metadata: { ...response.metadata, endedBy: ending.name },
  };
}

/** Gives the last text that the model wrote, which is the best there is where a limit ended it; empty without any. */
export function bestText({ messages }: LoopState): string {
  return textOf(
    messages.findLast((each) => each.role === "assistant" && textOf(each) !== "") ?? { role: "user", content: [] },
  );
}

/** A limit that cut an answer is what to mend, not its form. */
function cutWords(finishReason: AgentFinishReason): string {
  return finishReason === "stop" ? "" : ` It ended early (${finishReason}).`;
}
