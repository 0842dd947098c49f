import type { Budget, Clock, JsonObject } from "../base/index.ts";
import { isAtlasError } from "../base/index.ts";
import type { Attempt, CallReport, Model, ModelRequest, StreamPart } from "../providers/index.ts";
import { estimateNeed, estimateTokens, textOf } from "../providers/index.ts";
import type { RunContext } from "../runs/index.ts";
import { callModel } from "./model-call.ts";
import type { ModelResponse, RecordedResponse } from "./model-call.ts";

/** Is one model call of an agent's loop. `step` counts from 1. */
export interface ModelStep {
  readonly context: RunContext;
  readonly clock: Clock;
  readonly model: Model;
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
  readonly budget: Budget;
  readonly task: string | undefined;
  readonly step: number;
}

/**
 * Calls the model as a step of the run, and tells the run's log of it; docs/agents.md has the events. A pause of the run holds the stream.
 * When the agent's time ends in the middle of a text, what there is of it is the answer, and its finish reason `other`.
 */
export async function recordModelCall(call: ModelStep): Promise<RecordedResponse> {
  const { context, model, request, signal, budget, task, step, clock } = call;
  const emit = (type: string, data: JsonObject): void => context.emit({ type, data: { step, ...data } });
  return await context.step(
    "model",
    async () => {
      emit("model.started", {});
      const begin = clock.monotonic();
      let text = "";
      let firstPartMs: number | undefined;
      let paid: Attempt | undefined;
      const onAttempt = (attempt: Attempt): void => {
        if (attempt.outcome === "failed") emit("attempt.failed", { ...attempt });
        // A run that is being stopped has a closed log; one that is out of time still tells what it paid for.
        if (attempt.outcome === "cancelled") paid = attempt;
        if (attempt.outcome === "cancelled" && !context.signal.aborted) emit("attempt.cancelled", { ...attempt });
      };
      const onPart = (part: StreamPart): void => {
        if (part.type === "text.delta") text += part.text;
        else if (part.type === "response.restarted") text = "";
        if (part.type !== "response.started") firstPartMs ??= clock.monotonic() - begin;
        tell(part, context, emit);
      };
      const { pausing } = context;
      const options = { signal, budget, task, session: context.runId, onAttempt, pausing };
      const held = (): Promise<void> | undefined => pausing.passed(signal);
      let response: ModelResponse;
      try {
        response = await callModel({ model, request, options, onPart, held });
      } catch (error) {
        if (!isAtlasError(error) || error.code !== "agent_timed_out" || text === "") throw error;
        response = cutAnswer({ model, request, text, paid });
      }
      const { report, ...answer } = response;
      const { message, usage, finishReason, costMicroUsd } = answer;
      const toolCalls = message.content
        .filter((part) => part.type === "tool.call")
        .map(({ id, name }) => ({ id, name }));
      const told: JsonObject = { text: textOf(message), toolCalls, usage, finishReason, costMicroUsd };
      emit("model.completed", report === undefined ? told : { ...told, report });
      const durationMs = Math.round(clock.monotonic() - begin);
      const first = firstPartMs === undefined ? {} : { firstPartMs: Math.round(firstPartMs) };
      const counted = report === undefined ? {} : { report: countedOf(report) };
      return { ...answer, ...counted, seq: context.log.position(), durationMs, ...first };
    },
    deferred,
  );
}

function countedOf({ attempts, knownCostMicroUsd }: CallReport): Pick<CallReport, "attempts" | "knownCostMicroUsd"> {
  return { attempts, knownCostMicroUsd };
}

/** An answer from which nothing has followed may be asked for again; the loop waits before tools are called. */
const deferred = { deferred: true };

/** Tells that the agent's time ended in the middle of an answer. */
export const cutByTime = "cut_by_time";

/** Gives what there is of an answer; what it cost is known only where somebody kept account of it. */
function cutAnswer(cut: {
  readonly model: Model;
  readonly request: ModelRequest;
  readonly text: string;
  readonly paid: Attempt | undefined;
}): ModelResponse {
  const { model, request, text, paid } = cut;
  const { inputTokens } = estimateNeed(request, model);
  const estimated = { inputTokens, outputTokens: estimateTokens(text), provenance: "estimated" } as const;
  return {
    message: { role: "assistant", content: [{ type: "text", text }] },
    finishReason: "other",
    usage: paid?.usage ?? estimated,
    metadata: { [cutByTime]: true },
    costMicroUsd: paid ? paid.costMicroUsd : model.capabilities.cost === "free" ? 0 : null,
  };
}

function tell(part: StreamPart, context: RunContext, emit: (type: string, data: JsonObject) => void): void {
  if (part.type === "text.delta" || part.type === "reasoning.delta") {
    context.emit({ type: part.type, data: { text: part.text }, transient: true });
  } else if (part.type === "response.restarted" || part.type === "response.continued") {
    const { from, to, code } = part;
    emit(part.type === "response.restarted" ? "answer.restarted" : "answer.continued", { from, to, code });
  }
}
