import { createDeadline, isAtlasError, jsonSchemaOf } from "../base/index.ts";
import type { Budget, Clock, Deadline, JsonObject, JsonValue } from "../base/index.ts";
import { ingestPaths, retrievalTool } from "../knowledge/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import type { Message, Model, ModelRequest, ToolCallPart, ToolResultPart, Usage } from "../providers/index.ts";
import { noUsage, readStructured, sumUsage, systemMessage, textOf, userMessage } from "../providers/index.ts";
import type { RunContext } from "../runs/index.ts";
import type { AnyTool, ToolMetrics, ToolPolicy } from "../tools/index.ts";
import { toolErrors } from "../tools/index.ts";
import type { AgentInput, AgentResult, AnyAgent } from "./agent.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";
import { agentErrors } from "./errors.ts";
import { systemText } from "./instructions.ts";
import { addCost, answerBound, budgetOfStep, spendingLimits, spentReason } from "./limits.ts";
import type { SpendingLimits } from "./limits.ts";
import { recordModelCall } from "./model-step.ts";
import type { RecordedResponse } from "./model-call.ts";
import { retrievedPassages } from "./passages.ts";
import { describeTools, policiesOf, runToolCalls } from "./tool-calls.ts";

/** Is what an agent's run is bound to from its start, wherever it is taken up. Units: `startedAt` in ms since the Unix epoch. */
type Start = { readonly model: string; readonly startedAt: number };

/** Is what an agent's loop has reached. */
type LoopState = {
  readonly messages: readonly Message[];
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  /** Is what is known of the cost where the whole is not: money limits go on counting from it. */
  readonly knownCostMicroUsd: number;
  readonly steps: number;
  readonly repairs: number;
};

/** Is what a checkpoint of the run holds: the steps before it are forgotten, so what they gave is in it. */
type Checkpoint = { readonly start: Start; readonly collections: readonly string[]; readonly loop: LoopState };

interface Loop {
  readonly agent: AnyAgent;
  readonly context: RunContext;
  readonly clock: Clock;
  readonly model: Model;
  readonly tools: readonly AnyTool[];
  readonly schema: JsonObject | undefined;
  readonly signal: AbortSignal;
  readonly budget: Budget;
  readonly limits: SpendingLimits;
  readonly policies: readonly ToolPolicy[];
  readonly toolMetrics: ToolMetrics | undefined;
  readonly checkpoint: (state: LoopState) => Promise<void>;
}

const defaultMaxSteps = 32;
const maxRepairs = 2;
const firstCheckpoint = 16;

/** Does what `agentWorkflow` says, once. */
export async function runAgent(
  { agent, surroundings }: { readonly agent: AnyAgent; readonly surroundings: AgentSurroundings },
  context: RunContext,
  input: AgentInput,
): Promise<AgentResult<unknown>> {
  const restored = context.restored as Checkpoint | undefined;
  const start = restored?.start ?? (await begin(context, { agent, input, surroundings }));
  const model = await modelNamed(start.model, agent, surroundings);
  const { clock } = surroundings;
  using deadline = deadlineOf(agent, start.startedAt, { signal: context.signal, clock });
  const { signal } = deadline;
  const paths = [...agent.knowledge, ...(input.knowledge ?? [])];
  const collections = restored?.collections ?? (await ingest(context, surroundings, { paths, signal }));
  const tools = toolsFor(model, withRetrieval(agent, surroundings.knowledge, collections), context);
  const schema = agent.output && jsonSchemaOf(agent.output, `the output of ${agent.name}`);
  const checkpoint = async (loop: LoopState): Promise<void> => {
    const reached: Checkpoint = { start, collections, loop };
    await context.checkpoint(reached as unknown as JsonValue);
  };
  const budget = await surroundings.budget(input.tenant);
  const limits = spendingLimits(agent, input);
  const { toolMetrics } = surroundings;
  const policies = policiesOf(agent, surroundings);
  const loop: Loop = {
    agent,
    context,
    clock,
    model,
    tools,
    schema,
    signal,
    budget,
    limits,
    policies,
    toolMetrics,
    checkpoint,
  };
  return await runLoop(loop, surroundings, restored?.loop ?? firstState(loop, input.goal));
}

async function begin(
  context: RunContext,
  { agent, input, surroundings }: { agent: AnyAgent; input: AgentInput; surroundings: AgentSurroundings },
): Promise<Start> {
  return await context.step("start", async () => {
    const found = await resolveModel(agent, input, surroundings);
    const model = `${found.provider}/${found.name}`;
    context.emit({ type: "agent.started", data: { agent: agent.name, model, goal: input.goal } });
    return { model, startedAt: surroundings.clock.now() };
  });
}

async function resolveModel(agent: AnyAgent, input: AgentInput, surroundings: AgentSurroundings): Promise<Model> {
  if (input.model !== undefined) return await surroundings.model(input.model);
  return typeof agent.model === "object"
    ? await surroundings.managed(agent.model)
    : await surroundings.model(agent.model);
}

/** Finds the model that the run began with, also when the run is taken up where another would be detected. */
async function modelNamed(name: string, agent: AnyAgent, surroundings: AgentSurroundings): Promise<Model> {
  const own = agent.model;
  if (typeof own === "object" && `${own.provider}/${own.name}` === name) return await surroundings.managed(own);
  return await surroundings.model(name);
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

/** Gives the tools that the model can be offered, and says in the log which it cannot. */
function toolsFor(model: Model, tools: readonly AnyTool[], context: RunContext): readonly AnyTool[] {
  if (model.capabilities.tools !== "none" || tools.length === 0) return tools;
  context.emit({ type: "tools.left_out", data: { names: tools.map(({ name }) => name) } });
  return [];
}

async function runLoop(loop: Loop, surroundings: AgentSurroundings, reached: LoopState): Promise<AgentResult<unknown>> {
  const { maxSteps = defaultMaxSteps } = loop.agent.limits;
  let state = reached;
  let checkpointAt = Math.max(firstCheckpoint, state.steps * 2);
  while (true) {
    if (state.steps >= checkpointAt) {
      // Each checkpoint holds the whole conversation: doubling the distance keeps their sum proportional to it.
      checkpointAt *= 2;
      await loop.checkpoint(state);
    }
    state = (await steered(loop, state)) ?? state;
    const last = state.steps + 1 >= maxSteps;
    const response = await respond(loop, state, last);
    const calls = response.message.content.filter((part): part is ToolCallPart => part.type === "tool.call");
    state = {
      ...state,
      messages: [...state.messages, response.message],
      usage: sumUsage([state.usage, response.usage]),
      costMicroUsd: addCost(state.costMicroUsd, response.costMicroUsd),
      knownCostMicroUsd: state.knownCostMicroUsd + knownCostOf(response),
      steps: state.steps + 1,
    };
    const spent = response.finishReason === "budget" ? "budget" : spentReason(loop.limits, state);
    // What was sent while the model answered is answered too.
    const more = calls.length === 0 && !last && spent === undefined ? await steered(loop, state) : undefined;
    if (more !== undefined) {
      state = more;
      continue;
    }
    if (calls.length === 0 || last || spent !== undefined) {
      const finishReason = calls.length === 0 ? answerReason(response) : last ? "max_steps" : (spent ?? "other");
      const mayRepair = !last && spent === undefined && state.repairs < maxRepairs;
      const result = await conclude({ loop, surroundings, state, response, finishReason, mayRepair });
      if (typeof result !== "string") return result;
      state = {
        ...state,
        repairs: state.repairs + 1,
        messages: [...state.messages, userMessage(`${result} Correct it.`)],
      };
      continue;
    }
    const results = await runToolCalls(loop, calls);
    const ending = results.find(
      ({ name, failed }) => failed !== true && loop.tools.find((each) => each.name === name)?.ends === true,
    );
    if (ending !== undefined) return endedBy(loop, { state, response, ending });
    state = { ...state, messages: [...state.messages, { role: "tool", content: results }] };
  }
}

/** Makes the result of a run that a tool ended: what the tool gave. */
function endedBy(
  { model }: Loop,
  { state, response, ending }: { state: LoopState; response: RecordedResponse; ending: ToolResultPart },
): AgentResult<unknown> {
  const { usage, costMicroUsd, steps } = state;
  return {
    output: ending.output,
    text: textOf(response.message),
    citations: [],
    unverified: 0,
    usage,
    costMicroUsd,
    model: `${model.provider}/${model.name}`,
    steps,
    finishReason: "stop",
    metadata: { ...response.metadata, endedBy: ending.name },
  };
}

/** Puts what was sent with `steer` into the conversation; undefined when nothing was. */
async function steered({ context }: Loop, state: LoopState): Promise<LoopState | undefined> {
  const inputs = await context.steered();
  if (inputs.length === 0) return undefined;
  const texts = inputs.map((input) => (typeof input === "string" ? input : JSON.stringify(input)));
  for (const text of texts) context.emit({ type: "agent.steered", data: { step: state.steps + 1, text } });
  return { ...state, messages: [...state.messages, ...texts.map((text) => userMessage(text))] };
}

function firstState({ agent, model, tools, schema }: Loop, goal: string): LoopState {
  const inWords = model.capabilities.structuredOutput === "none" ? schema : undefined;
  const hasDocuments = tools.some((tool) => tool.purpose === "retrieval");
  const system = systemText(agent, hasDocuments, inWords);
  const messages = [...(system === "" ? [] : [systemMessage(system)]), userMessage(goal)];
  return { messages, usage: noUsage, costMicroUsd: 0, knownCostMicroUsd: 0, steps: 0, repairs: 0 };
}

async function modelStep(loop: Loop, state: LoopState, last: boolean): Promise<RecordedResponse> {
  const { agent, context, model, tools, schema, signal } = loop;
  const asked: ModelRequest = {
    messages: state.messages,
    ...(tools.length > 0 ? { tools: describeTools(tools), toolChoice: last ? "none" : "auto" } : {}),
    ...(schema && model.capabilities.structuredOutput === "native"
      ? { responseFormat: { name: agent.name, schema } }
      : {}),
  };
  const budget = budgetOfStep(loop.budget, loop.limits, state);
  const maxOutputTokens = answerBound(budget, asked, model);
  const request = maxOutputTokens === undefined ? asked : { ...asked, maxOutputTokens };
  const call = { context, model, request, signal, budget, task: agent.task, step: state.steps + 1 };
  const response = await recordModelCall(call);
  // The bound was the budget's: so is the end that it brought.
  const cut = maxOutputTokens !== undefined && response.finishReason === "length";
  return cut ? { ...response, finishReason: "budget" } : response;
}

/** Calls the model; a budget that has nothing left for a further call ends the run with what there was. */
async function respond(loop: Loop, state: LoopState, last: boolean): Promise<RecordedResponse> {
  try {
    return await modelStep(loop, state, last);
  } catch (error) {
    const before = state.messages.findLast((message) => message.role === "assistant");
    if (!isAtlasError(error) || error.code !== "budget_exceeded" || before === undefined) throw error;
    const message = { ...before, content: before.content.filter((part) => part.type !== "tool.call") };
    return { message, finishReason: "budget", usage: noUsage, metadata: {}, costMicroUsd: 0 };
  }
}

/** A limit that cut an answer is what to mend, not its form. */
function cutWords(finishReason: AgentResult["finishReason"]): string {
  return finishReason === "stop" ? "" : ` It ended early (${finishReason}).`;
}

function knownCostOf({ report, costMicroUsd }: RecordedResponse): number {
  return report?.knownCostMicroUsd ?? costMicroUsd ?? 0;
}

function answerReason({ finishReason }: RecordedResponse): AgentResult["finishReason"] {
  return finishReason === "tool_calls" ? "other" : finishReason;
}

/** Makes the result, or gives what the model must correct. Errors: agent_output_invalid. */
async function conclude(end: {
  loop: Loop;
  surroundings: AgentSurroundings;
  state: LoopState;
  response: RecordedResponse;
  finishReason: AgentResult["finishReason"];
  mayRepair: boolean;
}): Promise<AgentResult<unknown> | string> {
  const { loop, state, response, finishReason, mayRepair } = end;
  const text = textOf(response.message);
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
  const passages = retrievedPassages(state.messages);
  const { knowledge } = end.surroundings;
  const cited = await loop.context.step("citations", ({ signal }) => knowledge.cite(text, passages, { signal }));
  if (cited.unverified.length > 0)
    loop.context.emit({ type: "citations.refused", data: cited.unverified.map((each) => ({ ...each })) });
  return {
    output,
    text,
    citations: cited.citations,
    unverified: cited.unverified.length,
    usage: state.usage,
    costMicroUsd: state.costMicroUsd,
    model: `${loop.model.provider}/${loop.model.name}`,
    steps: state.steps,
    finishReason,
    metadata: response.metadata,
  };
}
