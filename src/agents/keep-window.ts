import { isAtlasError } from "../base/index.ts";
import type { JsonObject } from "../base/index.ts";
import {
  extractiveSummary,
  passagesOf,
  planWindow,
  shortenResult,
  summaryMessage,
  summaryRequest,
  tokensOf,
  transcriptOf,
  windowTokens,
} from "../memory/window/index.ts";
import type { PlacedMessage, WindowPlan } from "../memory/window/index.ts";
import type { Model, ToolResultPart, Usage } from "../providers/index.ts";
import { estimateTokens, noUsage, offlineReference, readPassages, sumUsage, textOf } from "../providers/index.ts";
import { addCost, budgetOfStep } from "./limits.ts";
import type { Loop, LoopState } from "./loop-state.ts";
import { placed } from "./loop-state.ts";
import { callModel } from "./model-call.ts";
import { noWork } from "./performance.ts";

/** Is what a window is kept for: the model of the next call, and what is sent beside the conversation. Units: tokens. */
export interface WindowNeed {
  readonly model: Model;
  readonly fixedTokens: number;
  /** Is what a model has just refused to read; less than this is to be sent. */
  readonly refusedTokens?: number;
}

/** Is a summary as the run records it. */
type Summary = {
  readonly text: string;
  readonly by: "model" | "extract";
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  readonly knownCostMicroUsd: number;
};

/**
 * Makes a conversation fit what its model can read: the oldest leaves it, as the agent's policy says. The log says what, and where it
 * still stands: `context.compacted`. Undefined when nothing has to leave, or nothing can.
 */
export async function keepWindow(loop: Loop, state: LoopState, need: WindowNeed): Promise<LoopState | undefined> {
  const { model, fixedTokens, refusedTokens } = need;
  const policy = loop.agent.window;
  const most = windowTokens(policy, model.capabilities);
  const maxTokens = refusedTokens === undefined ? most : Math.min(most, Math.floor(refusedTokens * 0.6));
  const messages = placed(state);
  const goalAt = state.goalAt ?? loop.recalled;
  const plan = planWindow(messages, goalAt, { policy, maxTokens, fixedTokens });
  if (plan === undefined) return undefined;
  const summary = plan.summarised.length === 0 ? undefined : await summarise(loop, state, { plan, model, maxTokens });
  const note = summary && { message: summaryMessage(summary.text), seq: 0 };
  const kept = note ? plan.kept.toSpliced(plan.summaryAt, 0, note) : plan.kept;
  const left = [...plan.dropped, ...plan.summarised];
  loop.context.emit({
    type: "context.compacted",
    data: {
      step: state.steps + 1,
      reason: refusedTokens === undefined ? "window" : "refused",
      dropped: plan.dropped.length,
      summarised: plan.summarised.length,
      by: summary?.by ?? null,
      tokensBefore: plan.tokensBefore + fixedTokens,
      tokensAfter: plan.tokensAfter + fixedTokens + (note ? tokensOf(note.message) : 0),
      ...placesOf(left, kept, loop.context.log.position()),
    },
  });
  const work = state.work ?? noWork;
  return {
    ...state,
    messages: kept.map(({ message }) => message),
    seqs: kept.map(({ seq }) => seq),
    goalAt: kept.findIndex(({ message }) => message === messages[goalAt]?.message),
    passages: [...(state.passages ?? []), ...passagesOf(left)],
    usage: sumUsage([state.usage, summary?.usage ?? noUsage]),
    costMicroUsd: addCost(state.costMicroUsd, summary ? summary.costMicroUsd : 0),
    knownCostMicroUsd: state.knownCostMicroUsd + (summary?.knownCostMicroUsd ?? 0),
    work: { ...work, compactions: work.compactions + 1 },
  };
}

/** Says between which places of the log stands what has left; what came before the run stands in memory: there is no place for it. */
function placesOf(left: readonly PlacedMessage[], kept: readonly PlacedMessage[], end: number): JsonObject {
  const seqs = left.map(({ seq }) => seq).filter((seq) => seq > 0);
  if (seqs.length === 0) return { fromSeq: null, toSeq: null };
  const highest = Math.max(...seqs);
  const next = Math.min(...kept.map(({ seq }) => seq).filter((seq) => seq > highest), end);
  return { fromSeq: Math.min(...seqs), toSeq: next };
}

const maxSummaryTokens = 1_000;

/** Summarises what leaves, as a step of the run: by the model, or for one that cannot and where it fails, by picking sentences. */
async function summarise(
  loop: Loop,
  state: LoopState,
  { plan, model, maxTokens }: { readonly plan: WindowPlan; readonly model: Model; readonly maxTokens: number },
): Promise<Summary> {
  const { context, signal, input } = loop;
  const room = Math.min(maxSummaryTokens, Math.max(64, Math.floor(maxTokens / 8)));
  return await context.step("summary", async (): Promise<Summary> => {
    const whole = transcriptOf(plan.summarised.map(({ message }) => message));
    const picked = (): Summary => ({
      text: extractiveSummary(whole, input.goal, room),
      by: "extract",
      usage: noUsage,
      costMicroUsd: 0,
      knownCostMicroUsd: 0,
    });
    const { provider, name } = model;
    if (provider === offlineReference.provider && name === offlineReference.model) return picked();
    // What does not fit into one request of its own is thinned out first.
    const limit = Math.floor(maxTokens * 0.6);
    const transcript = estimateTokens(whole) > limit ? extractiveSummary(whole, input.goal, limit) : whole;
    const request = { messages: summaryRequest(transcript, input.goal, room), maxOutputTokens: room * 2 };
    const budget = budgetOfStep(loop.budget, loop.limits, state);
    const options = { signal, budget, task: "summary", pausing: context.pausing };
    try {
      const { message, usage, costMicroUsd, report } = await callModel({ model, request, options, onPart: () => {} });
      const said = textOf(message).trim();
      // A model that heeds no bound must not fill the window that was to be emptied.
      const text = estimateTokens(said) > room * 2 ? extractiveSummary(said, input.goal, room) : said;
      const known = report?.knownCostMicroUsd ?? costMicroUsd ?? 0;
      const spent = { usage, costMicroUsd, knownCostMicroUsd: known };
      return text === "" ? { ...picked(), ...spent } : { text, by: "model", ...spent };
    } catch (error) {
      if (signal.aborted || !isAtlasError(error)) throw error;
      return picked();
    }
  });
}

/** Shortens results that are too large for the window; their passages stay known, and the whole is in the log. */
export function shortenResults(
  loop: Loop,
  state: LoopState,
  { model, results, seq }: { readonly model: Model; readonly results: readonly ToolResultPart[]; readonly seq: number },
): { readonly results: readonly ToolResultPart[]; readonly state: LoopState } {
  const { window } = loop.agent;
  const most = window.maxResultTokens ?? Math.floor(windowTokens(window, model.capabilities) / 4);
  const shortened = results.map((part) => (most === Infinity ? undefined : shortenResult(part, most)));
  const done = shortened.filter((each) => each !== undefined);
  if (done.length === 0) return { results, state };
  const sum = (of: (each: (typeof done)[number]) => number): number =>
    done.reduce((total, each) => total + of(each), 0);
  loop.context.emit({
    type: "context.compacted",
    data: {
      step: state.steps,
      reason: "result",
      dropped: 0,
      summarised: 0,
      shortened: done.map(({ part, tokensBefore, tokensAfter }) => ({
        id: part.id,
        name: part.name,
        tokensBefore,
        tokensAfter,
      })),
      tokensBefore: sum(({ tokensBefore }) => tokensBefore),
      tokensAfter: sum(({ tokensAfter }) => tokensAfter),
      fromSeq: seq,
      toSeq: loop.context.log.position(),
    },
  });
  const lost = results.flatMap(({ output }, at) => (shortened[at] ? (readPassages(output) ?? []) : []));
  return {
    results: results.map((part, at) => shortened[at]?.part ?? part),
    state: { ...state, passages: [...(state.passages ?? []), ...lost] },
  };
}
