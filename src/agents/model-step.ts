import type { Budget, JsonObject } from "../base/index.ts";
import type { Attempt, Model, ModelRequest, StreamPart } from "../providers/index.ts";
import { textOf } from "../providers/index.ts";
import type { RunContext } from "../runs/index.ts";
import { callModel } from "./model-call.ts";
import type { RecordedResponse } from "./model-call.ts";

/** Is one model call of an agent's loop. `step` counts from 1. */
export interface ModelStep {
  readonly context: RunContext;
  readonly model: Model;
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
  readonly budget: Budget;
  readonly task: string | undefined;
  readonly step: number;
}

/** Calls the model as a step of the run, and tells the run's log of it; docs/agents.md has the events. */
export async function recordModelCall(call: ModelStep): Promise<RecordedResponse> {
  const { context, model, request, signal, budget, task, step } = call;
  const emit = (type: string, data: JsonObject): void => context.emit({ type, data: { step, ...data } });
  return await context.step("model", async () => {
    emit("model.started", {});
    const onAttempt = (attempt: Attempt): void => {
      if (attempt.outcome === "failed") emit("attempt.failed", { ...attempt });
      // A run that is being stopped has a closed log; one that is out of time still tells what it paid for.
      if (attempt.outcome === "cancelled" && !context.signal.aborted) emit("attempt.cancelled", { ...attempt });
    };
    const options = { signal, budget, task, session: context.runId, onAttempt };
    const response = await callModel({ model, request, options, onPart: (part) => tell(part, context, emit) });
    const { message, usage, finishReason, costMicroUsd, report } = response;
    const toolCalls = message.content.filter((part) => part.type === "tool.call").map(({ id, name }) => ({ id, name }));
    const told: JsonObject = { text: textOf(message), toolCalls, usage, finishReason, costMicroUsd };
    emit("model.completed", report === undefined ? told : { ...told, report });
    return response;
  });
}

function tell(part: StreamPart, context: RunContext, emit: (type: string, data: JsonObject) => void): void {
  if (part.type === "text.delta" || part.type === "reasoning.delta") {
    context.emit({ type: part.type, data: { text: part.text }, transient: true });
  } else if (part.type === "response.restarted" || part.type === "response.continued") {
    const { from, to, code } = part;
    emit(part.type === "response.restarted" ? "answer.restarted" : "answer.continued", { from, to, code });
  }
}
