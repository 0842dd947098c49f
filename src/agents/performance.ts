import type { JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import type { Usage } from "../providers/index.ts";
import type { RunEvent, RunHandle, RunRecord } from "../runs/index.ts";
import type { AgentFinishReason } from "./agent.ts";

/** Is what one model, or one member of a group, did in a run. Units: milliseconds; `firstPartMs` is the sum over its calls. */
export type ModelWork = {
  readonly calls: number;
  readonly failed: number;
  readonly durationMs: number;
  readonly firstPartMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

/** Counts what a run did: by model as `provider/name`, and by tool. */
export type Work = {
  readonly models: Readonly<Record<string, ModelWork>>;
  readonly tools: Readonly<Record<string, { readonly calls: number; readonly failed: number }>>;
  readonly compactions: number;
};

/** Is a run in which nothing was done. */
export const noWork: Work = { models: {}, tools: {}, compactions: 0 };

/**
 * Is how a run of an agent went: the data of `agent.performed`. Units: milliseconds; `costMicroUsd` as in AgentResult.
 * `outcome` is `failed` where the run gave nothing; `code` is then its error.
 */
export type AgentPerformance = Work & {
  readonly agent: string;
  readonly version: string;
  /** The model of the run's last call: `provider/name`. */
  readonly model: string;
  readonly task?: string;
  readonly outcome: "answered" | "limited" | "failed";
  readonly finishReason?: AgentFinishReason;
  readonly code?: string;
  readonly steps: number;
  readonly repairs: number;
  readonly durationMs: number;
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
};

/** Is what many runs of one agent on one model come to. Units: milliseconds; shares from 0 to 1. */
export interface PerformanceSummary {
  readonly agent: string;
  readonly model: string;
  readonly runs: number;
  readonly answered: number;
  readonly limited: number;
  readonly failed: number;
  readonly medianMs: number;
  readonly meanTokens: number;
  /** Null where the price of some run is not known. */
  readonly meanCostMicroUsd: number | null;
  readonly toolCalls: number;
  /** The share of tool calls that gave a result; null without any. */
  readonly toolSuccess: number | null;
}

/** Reads how a run of an agent went out of its log. Undefined while it runs, and of runs of older versions. */
export function performanceOf(events: Iterable<RunEvent>): AgentPerformance | undefined {
  let found: AgentPerformance | undefined;
  for (const { type, data } of events) if (type === "agent.performed") found = readPerformance(data) ?? found;
  return found;
}

function readPerformance(data: JsonValue): AgentPerformance | undefined {
  return isJsonObject(data) && typeof data["agent"] === "string" ? (data as unknown as AgentPerformance) : undefined;
}

/** Is what reads runs: an engine's own list and handles. */
export interface PerformanceSource {
  list(options: {
    readonly workflow: string;
    readonly limit: number;
    readonly tenant?: string;
  }): Promise<readonly Pick<RunRecord, "id">[]>;
  open(id: string): Promise<Pick<RunHandle, "events">>;
}

/** Reads how the latest runs of an agent went. Order: newest first. Cost: reads the log of each of these runs, 100 by default. */
export async function listPerformances(
  source: PerformanceSource,
  agent: string,
  { limit = 100, tenant }: { readonly limit?: number; readonly tenant?: string } = {},
): Promise<readonly AgentPerformance[]> {
  const forTenant = tenant === undefined ? {} : { tenant };
  const runs = await source.list({ workflow: `agent:${agent}`, limit, ...forTenant });
  const found: AgentPerformance[] = [];
  for (const { id } of runs) {
    const log = await Array.fromAsync((await source.open(id)).events({ live: false }));
    const one = performanceOf(log);
    if (one !== undefined) found.push(one);
  }
  return found;
}

/** Sums up how runs went, for each agent and model. Order: by agent, then most runs first. */
export function summarisePerformance(performances: Iterable<AgentPerformance>): readonly PerformanceSummary[] {
  const groups = Map.groupBy(performances, ({ agent, model }) => JSON.stringify([agent, model]));
  return [...groups.values()]
    .map(summaryOf)
    .toSorted((a, b) => compare(a.agent, b.agent) || b.runs - a.runs || compare(a.model, b.model));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function summaryOf(group: readonly AgentPerformance[]): PerformanceSummary {
  const count = (outcome: AgentPerformance["outcome"]): number => group.filter((one) => one.outcome === outcome).length;
  const tools = group.flatMap((one) => Object.values(one.tools));
  const toolCalls = tools.reduce((sum, { calls }) => sum + calls, 0);
  const failedCalls = tools.reduce((sum, { failed }) => sum + failed, 0);
  const costs = group.map(({ costMicroUsd }) => costMicroUsd);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const sorted = group.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
  return {
    agent: group[0]?.agent ?? "",
    model: group[0]?.model ?? "",
    runs: group.length,
    answered: count("answered"),
    limited: count("limited"),
    failed: count("failed"),
    medianMs: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0,
    meanTokens: mean(group.map(({ usage }) => usage.inputTokens + usage.outputTokens)),
    meanCostMicroUsd: costs.includes(null) ? null : mean(costs.map((cost) => cost ?? 0)),
    toolCalls,
    toolSuccess: toolCalls === 0 ? null : (toolCalls - failedCalls) / toolCalls,
  };
}

const noModelWork: ModelWork = { calls: 0, failed: 0, durationMs: 0, firstPartMs: 0, inputTokens: 0, outputTokens: 0 };

/** Is one call of a model, or one attempt of it. */
export interface Worked {
  readonly model: string;
  readonly failed: boolean;
  readonly durationMs: number;
  readonly firstPartMs: number | null;
  readonly usage: Usage;
}

/** Counts calls of models. */
export function withModelWork(work: Work, calls: readonly Worked[]): Work {
  const models = { ...work.models };
  for (const { model, failed, durationMs, firstPartMs, usage } of calls) {
    const before = models[model] ?? noModelWork;
    models[model] = {
      calls: before.calls + 1,
      failed: before.failed + (failed ? 1 : 0),
      durationMs: Math.round(before.durationMs + durationMs),
      firstPartMs: Math.round(before.firstPartMs + (firstPartMs ?? 0)),
      inputTokens: before.inputTokens + usage.inputTokens,
      outputTokens: before.outputTokens + usage.outputTokens,
    };
  }
  return { ...work, models };
}

/** Counts calls of tools. Names that are a model's own invention are counted together, as `(unknown)`. */
export function withToolWork(
  work: Work,
  results: readonly { readonly name: string; readonly failed?: boolean }[],
  known: ReadonlySet<string>,
): Work {
  const tools = { ...work.tools };
  for (const { name, failed = false } of results) {
    const key = known.has(name) ? name : "(unknown)";
    const { calls, failed: before } = tools[key] ?? { calls: 0, failed: 0 };
    tools[key] = { calls: calls + 1, failed: before + (failed ? 1 : 0) };
  }
  return { ...work, tools };
}
