import { isAtlasError } from "../base/index.ts";
import type { Message, Model, ToolCallPart, ToolResultPart } from "../providers/index.ts";
import { noUsage, sumUsage, textOf, userMessage } from "../providers/index.ts";
import { tokensOf } from "../memory/window/index.ts";
import type { AgentFinishReason, AgentResult } from "./agent.ts";
import type { AgentTurn } from "./agent-view.ts";
import { frameOf, requestOf } from "./agent-request.ts";
import { bestText, conclude, endedByTool } from "./conclude.ts";
import { inTime, isLate } from "./in-time.ts";
import { keepWindow, shortenResults } from "./keep-window.ts";
import { addCost, answerBound, budgetOfStep, spentReason } from "./limits.ts";
import type { Frame, Loop, LoopState } from "./loop-state.ts";
import { viewOf, withMessages } from "./loop-state.ts";
import type { RecordedResponse } from "./model-call.ts";
import { modelForStep, nameOf, readSwitch, trySwitch } from "./model-choice.ts";
import { cutByTime, recordModelCall } from "./model-step.ts";
import { noWork, withModelWork, withToolWork } from "./performance.ts";
import type { Work } from "./performance.ts";
import { countRepeats } from "./repeats.ts";
import { runToolCalls } from "./tool-calls.ts";

const defaultMaxSteps = 32;
const maxRepairs = 2;
const firstCheckpoint = 16;

/** Calls the model and its tools until it answers, a condition holds, or a limit ends it. Errors: as `agentWorkflow`. */
export async function runLoop(loop: Loop, reached: LoopState): Promise<AgentResult<unknown>> {
  const { maxSteps = defaultMaxSteps } = loop.agent.limits;
  let state = reached;
  let checkpointAt = Math.max(firstCheckpoint, state.steps * 2);
  let stuck = false;
  while (true) {
    loop.progress.state = state;
    if (state.steps >= checkpointAt) {
      // Each checkpoint holds the whole conversation: doubling the distance keeps their sum proportional to it.
      checkpointAt *= 2;
      await loop.checkpoint(state);
    }
    state = (await steered(loop, state)) ?? state;
    const last = stuck || state.steps + 1 >= maxSteps;
    const model = await modelForStep(loop, state);
    loop.progress.model = model;
    const answered = await respond(loop, state, { model, last });
    const { response } = answered;
    state = withResponse(answered.state, response, model);
    loop.progress.state = state;
    const calls = response.message.content.filter((part): part is ToolCallPart => part.type === "tool.call");
    const spent = limitOf(response) ?? spentReason(loop.limits, state);
    const ends = calls.length === 0 || last || spent !== undefined;
    // What was sent while the model answered is answered too.
    const more = calls.length === 0 && !last && spent === undefined ? await steered(loop, state) : undefined;
    if (more !== undefined) {
      state = more;
      continue;
    }
    const end = { loop, state, response, model };
    if (ends) {
      const finishReason = endReason({ response, calls, spent, stuck, last });
      const held = finishReason === "stop" && (await stops(loop, state, { response, calls, results: [] }));
      const mayRepair = !last && spent === undefined && state.repairs < maxRepairs;
      const result = await conclude({ ...end, finishReason: held ? "stop_condition" : finishReason, mayRepair });
      if (typeof result !== "string") return result;
      state = withMessages({ ...state, repairs: state.repairs + 1 }, [userMessage(`${result} Correct it.`)]);
      continue;
    }
    let results: readonly ToolResultPart[];
    try {
      // What tools do must not be done for an answer that is lost.
      await loop.context.log.durable();
      results = await runToolCalls(loop, calls);
    } catch (error) {
      if (!isLate(error) || !hasBest(loop, state)) throw error;
      return await ended({ ...end, finishReason: "timeout" });
    }
    const given = endedByTool(end, results);
    if (given !== undefined) return given;
    const counted = countRepeats(state.repeats ?? {}, calls, results);
    if (await stops(loop, state, { response, calls, results }))
      return await ended({ ...end, finishReason: "stop_condition" });
    if (counted.found !== undefined) {
      stuck = true;
      loop.context.emit({ type: "agent.stuck", data: { step: state.steps, ...counted.found } });
    }
    state = withResults(loop, { ...state, repeats: counted.repeats }, { model, results, seq: response.seq ?? 0 });
  }
}

/** Says why the loop ends here. An answer that came within the limits is an answer, even where nothing is left after it. */
function endReason(at: {
  response: RecordedResponse;
  calls: readonly unknown[];
  spent: AgentFinishReason | undefined;
  stuck: boolean;
  last: boolean;
}): AgentFinishReason {
  if (at.stuck) return "stuck";
  if (at.spent === "timeout") return "timeout";
  if (at.calls.length === 0) return answerReason(at.response);
  return at.last ? "max_steps" : (at.spent ?? "other");
}

async function ended(end: {
  loop: Loop;
  state: LoopState;
  response: RecordedResponse;
  model: Model;
  finishReason: AgentFinishReason;
}): Promise<AgentResult<unknown>> {
  const result = await conclude({ ...end, mayRepair: false });
  if (typeof result === "string") throw new TypeError(result);
  return result;
}

function limitOf({ finishReason, metadata }: RecordedResponse): "budget" | "timeout" | undefined {
  if (metadata[cutByTime] === true) return "timeout";
  return finishReason === "budget" ? "budget" : undefined;
}

function answerReason({ finishReason }: RecordedResponse): AgentFinishReason {
  return finishReason === "tool_calls" ? "other" : finishReason;
}

function withResponse(state: LoopState, response: RecordedResponse, model: Model): LoopState {
  const { message, usage, costMicroUsd, report, seq } = response;
  return {
    ...withMessages(state, [message], seq),
    usage: sumUsage([state.usage, usage]),
    costMicroUsd: addCost(state.costMicroUsd, costMicroUsd),
    knownCostMicroUsd: state.knownCostMicroUsd + (report?.knownCostMicroUsd ?? costMicroUsd ?? 0),
    steps: state.steps + 1,
    work: workWith(state.work ?? noWork, response, model),
  };
}

/** Whoever tried is in the report of the call; a model without one has answered itself. */
function workWith(work: Work, { report, usage, durationMs = 0, firstPartMs }: RecordedResponse, model: Model): Work {
  if (report === undefined)
    return withModelWork(work, [
      { model: nameOf(model), failed: false, durationMs, firstPartMs: firstPartMs ?? null, usage },
    ]);
  const worked = report.attempts.map((attempt) => ({
    model: `${attempt.provider}/${attempt.model}`,
    failed: attempt.outcome === "failed",
    durationMs: attempt.durationMs,
    firstPartMs: attempt.firstPartMs,
    usage: attempt.usage,
  }));
  return withModelWork(work, worked);
}

function withResults(
  loop: Loop,
  state: LoopState,
  given: { readonly model: Model; readonly results: readonly ToolResultPart[]; readonly seq: number },
): LoopState {
  const shown = shortenResults(loop, state, given);
  const known = new Set(loop.tools.map(({ name }) => name));
  const work = withToolWork(state.work ?? noWork, given.results, known);
  return withMessages({ ...shown.state, work }, [{ role: "tool", content: shown.results }], given.seq);
}

/** Asks the agent's conditions whether it is done, as a step of the run. */
async function stops(
  loop: Loop,
  state: LoopState,
  { response, calls, results }: { response: RecordedResponse } & Pick<AgentTurn, "calls" | "results">,
): Promise<boolean> {
  const { agent, context, signal } = loop;
  if (agent.stopWhen.length === 0) return false;
  const turn: AgentTurn = { ...viewOf(loop, state), step: state.steps, text: textOf(response.message), calls, results };
  return await context.step("stop", async () => {
    for (const { name, holds } of agent.stopWhen) {
      try {
        if (!(await inTime(signal, () => holds(turn)))) continue;
      } catch (error) {
        // The end of the time is the affair of whoever goes on: an answer that is there stays one.
        if (isLate(error)) return false;
        throw error;
      }
      context.emit({ type: "agent.stopped", data: { step: turn.step, condition: name } });
      return true;
    }
    return false;
  });
}

/** Puts what was sent with `steer` into the conversation; undefined when nothing was. */
async function steered(loop: Loop, state: LoopState): Promise<LoopState | undefined> {
  const { context } = loop;
  const inputs = await context.steered();
  if (inputs.length === 0) return undefined;
  let next = state;
  for (const input of inputs) {
    const wanted = readSwitch(input);
    if (wanted !== undefined && (await trySwitch(loop, wanted.model, state.steps + 1)))
      next = { ...next, model: wanted.model };
    const text = wanted === undefined ? (typeof input === "string" ? input : JSON.stringify(input)) : wanted.text;
    if (text === undefined) continue;
    context.emit({ type: "agent.steered", data: { step: state.steps + 1, text } });
    next = withMessages(next, [userMessage(text)]);
  }
  // A switch alone changes who answers next, and asks nothing.
  return next.messages.length === state.messages.length && next.model === state.model ? undefined : next;
}

/** Is one call to be made. */
interface Ask {
  readonly model: Model;
  readonly last: boolean;
}

interface Answered {
  readonly state: LoopState;
  readonly response: RecordedResponse;
}

/**
 * Calls the model with what fits its window; one that says that it cannot read so much is asked once more with less. A limit that leaves
 * nothing for a further call ends the run with what there was.
 */
async function respond(loop: Loop, given: LoopState, ask: Ask): Promise<Answered> {
  let state = given;
  try {
    const frame = await frameOf(loop, state, ask.model);
    state = (await keepWindow(loop, state, { model: ask.model, fixedTokens: frame.tokens })) ?? state;
    const asking = { ...ask, frame };
    try {
      return { state, response: await modelStep(loop, state, asking) };
    } catch (error) {
      if (!isAtlasError(error) || error.code !== "provider_context_length") throw error;
      const refusedTokens = frame.tokens + tokensIn(state);
      const less = await keepWindow(loop, state, { model: ask.model, fixedTokens: frame.tokens, refusedTokens });
      if (less === undefined) throw error;
      state = less;
      return { state, response: await modelStep(loop, state, asking) };
    }
  } catch (error) {
    const reason = isLate(error)
      ? "timeout"
      : isAtlasError(error) && error.code === "budget_exceeded"
        ? "budget"
        : undefined;
    const before = state.messages.findLast((message) => message.role === "assistant");
    if (reason === undefined || before === undefined || (reason === "timeout" && !hasBest(loop, state))) throw error;
    const message = { ...before, content: before.content.filter((part) => part.type !== "tool.call") };
    const metadata = reason === "timeout" ? { [cutByTime]: true } : {};
    const finishReason = reason === "timeout" ? "other" : "budget";
    return { state, response: { message, finishReason, usage: noUsage, metadata, costMicroUsd: 0 } };
  }
}

/** Where a form is asked for, half an answer is none. */
function hasBest({ agent }: Loop, state: LoopState): boolean {
  return agent.output === undefined && bestText(state) !== "";
}

function tokensIn({ messages }: LoopState): number {
  return messages.reduce((sum, message: Message) => sum + tokensOf(message), 0);
}

async function modelStep(
  loop: Loop,
  state: LoopState,
  { model, last, frame }: Ask & { readonly frame: Frame },
): Promise<RecordedResponse> {
  const { agent, context, signal, clock } = loop;
  const asked = requestOf(frame, state, last);
  const budget = budgetOfStep(loop.budget, loop.limits, state);
  const bound = answerBound(budget, asked, model);
  const request = bound === undefined ? asked : { ...asked, maxOutputTokens: bound };
  const call = { context, clock, model, request, signal, budget, task: agent.task, step: state.steps + 1 };
  const response = await recordModelCall(call);
  // The bound was the budget's: so is the end that it brought.
  const cut = bound !== undefined && response.finishReason === "length";
  return cut ? { ...response, finishReason: "budget" } : response;
}
