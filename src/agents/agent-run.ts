import { createDeadline, jsonSchemaOf, toAtlasError } from "../base/index.ts";
import type { Clock, Deadline, JsonValue } from "../base/index.ts";
import { ingestPaths, retrievalTool } from "../knowledge/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import { userMessage } from "../providers/index.ts";
import type { Message, Model } from "../providers/index.ts";
import type { RunContext } from "../runs/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { toolErrors } from "../tools/index.ts";
import type { AgentInput, AgentResult, AnyAgent } from "./agent.ts";
import { runLoop } from "./agent-loop.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";
import { agentErrors } from "./errors.ts";
import { recallFor, rememberFor } from "./agent-memory.ts";
import { spendingLimits } from "./limits.ts";
import type { Loop, LoopState } from "./loop-state.ts";
import { firstState, restoredState } from "./loop-state.ts";
import { firstModel, modelNamed, nameOf } from "./model-choice.ts";
import { noWork } from "./performance.ts";
import type { AgentPerformance } from "./performance.ts";
import { policiesOf } from "./tool-calls.ts";

/** Is what an agent's run is bound to from its start, wherever it is taken up. Units: `startedAt` in ms since the Unix epoch. */
type Start = { readonly model: string; readonly startedAt: number };

/** Is what a run is begun with, beside its goal. */
type Beginning = {
  readonly history: readonly Message[];
  readonly facts: readonly string[];
};

/** Is what a checkpoint of the run holds: the steps before it are forgotten, so what they gave is in it. */
type Checkpoint = {
  readonly start: Start;
  readonly collections: readonly string[];
  readonly loop: LoopState;
  readonly facts?: readonly string[];
  readonly recalled?: number;
};

/** Does what `agentWorkflow` says, once. */
export async function runAgent(
  { agent, surroundings }: { readonly agent: AnyAgent; readonly surroundings: AgentSurroundings },
  context: RunContext,
  input: AgentInput,
): Promise<AgentResult<unknown>> {
  const of = { agent, input, surroundings, context };
  const restored = context.restored as Checkpoint | undefined;
  let chosen: Model | undefined;
  const start = restored?.start ?? (await begin(of, (model) => (chosen = model)));
  const { clock } = surroundings;
  using deadline = deadlineOf(agent, start.startedAt, { signal: context.signal, clock });
  const { signal } = deadline;
  const paths = [...agent.knowledge, ...(input.knowledge ?? [])];
  const collections = restored?.collections ?? (await ingest(context, surroundings, { paths, signal }));
  const recalled: Beginning = restored
    ? { history: [], facts: restored.facts ?? [] }
    : await recallFor({ ...of, signal });
  const count = restored?.recalled ?? recalled.history.length;
  const state = restored ? restoredState(restored.loop) : firstState([...recalled.history, userMessage(input.goal)]);
  const model = chosen ?? (await modelNamed(start.model, of));
  const loop: Loop = {
    ...of,
    clock,
    model,
    models: new Map(),
    tools: withRetrieval(agent, surroundings.knowledge, collections),
    schema: agent.output && jsonSchemaOf(agent.output, `the output of ${agent.name}`),
    signal,
    endsAt: agent.limits.timeoutMs && start.startedAt + agent.limits.timeoutMs,
    budget: context.budget,
    limits: spendingLimits(agent, input),
    policies: policiesOf(agent, surroundings),
    toolMetrics: surroundings.toolMetrics,
    facts: recalled.facts,
    recalled: count,
    frames: new Map(),
    progress: { state, model },
    checkpoint: async (reached: LoopState) => {
      const kept: Checkpoint = { start, collections, loop: reached, facts: recalled.facts, recalled: count };
      await context.checkpoint(kept as unknown as JsonValue);
    },
  };
  return await told(loop, start, async () => {
    const result = await runLoop(loop, state);
    await rememberFor(of, result);
    return result;
  });
}

/** Says in the log how the run went, whether it gave something or not; a run that is stopped goes on elsewhere. */
async function told(loop: Loop, start: Start, run: () => Promise<AgentResult<unknown>>): Promise<AgentResult<unknown>> {
  try {
    const result = await run();
    const { finishReason } = result;
    const outcome = finishReason === "stop" || finishReason === "stop_condition" ? "answered" : "limited";
    tell(loop, { ...performanceFacts(loop, start), model: result.model, outcome, finishReason });
    return result;
  } catch (error) {
    const facts = performanceFacts(loop, start);
    if (!loop.context.signal.aborted) tell(loop, { ...facts, outcome: "failed", code: toAtlasError(error).code });
    throw error;
  }
}

function tell({ context }: Loop, performance: AgentPerformance): void {
  context.emit({ type: "agent.performed", data: performance });
}

function performanceFacts({ agent, progress, clock }: Loop, start: Start): Omit<AgentPerformance, "outcome"> {
  const { usage, costMicroUsd, steps, repairs, work = noWork } = progress.state;
  return {
    agent: agent.name,
    version: agent.version,
    model: nameOf(progress.model),
    ...(agent.task === undefined ? {} : { task: agent.task }),
    steps,
    repairs,
    durationMs: Math.max(0, clock.now() - start.startedAt),
    usage,
    costMicroUsd,
    ...work,
  };
}

/** A model that was only chosen may be chosen again. */
const deferred = { deferred: true };

/** Is a run of an agent as it begins. */
type RunOf = Pick<Loop, "agent" | "input" | "surroundings" | "context">;

async function begin({ agent, input, surroundings, context }: RunOf, found: (model: Model) => void): Promise<Start> {
  return await context.step(
    "start",
    async () => {
      const first = await firstModel(agent, input, surroundings);
      found(first);
      const model = nameOf(first);
      context.emit({ type: "agent.started", data: { agent: agent.name, model, goal: input.goal } });
      return { model, startedAt: surroundings.clock.now() };
    },
    deferred,
  );
}

function deadlineOf(
  agent: AnyAgent,
  startedAt: number,
  { signal, clock }: { signal: AbortSignal; clock: Clock },
): Pick<Deadline, "signal" | typeof Symbol.dispose> {
  const { timeoutMs } = agent.limits;
  if (timeoutMs === undefined) return { signal, [Symbol.dispose]() {} };
  return createDeadline(startedAt + timeoutMs - clock.now(), {
    clock,
    signal,
    reason: () =>
      agentErrors.create("agent_timed_out", `The agent ${agent.name} took longer than ${timeoutMs} ms.`, {
        details: { agent: agent.name },
      }),
  });
}

/** Brings the documents up to date and gives the collections to search. */
async function ingest(
  context: RunContext,
  { knowledge, maxFileBytes }: AgentSurroundings,
  { paths, signal }: { paths: readonly string[]; signal: AbortSignal },
): Promise<readonly string[]> {
  if (paths.length === 0) return [];
  return await context.step("knowledge", async () => {
    const ingested = await ingestPaths(knowledge, paths, {
      signal,
      maxFileBytes,
      onProgress: (progress) => context.emit({ type: "knowledge.progressed", data: { ...progress }, transient: true }),
    });
    for (const { failures, ...report } of ingested.reports) {
      context.emit({
        type: "knowledge.ingested",
        data: { ...report, failures: failures.map((failure) => ({ ...failure })) },
      });
    }
    return ingested.collections;
  });
}

function withRetrieval(agent: AnyAgent, knowledge: Knowledge, collections: readonly string[]): readonly AnyTool[] {
  if (collections.length === 0) return agent.tools;
  const retrieval = retrievalTool(knowledge, { collections });
  if (agent.tools.some(({ name }) => name === retrieval.name)) {
    throw toolErrors.create(
      "tool_duplicate",
      `The agent ${agent.name} has documents, which ${retrieval.name} searches, and a tool of that name.`,
      {
        details: { agent: agent.name, tool: retrieval.name },
      },
    );
  }
  return [...agent.tools, retrieval];
}
