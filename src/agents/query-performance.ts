import type { AgentPerformance, PerformanceSource, PerformanceSummary } from "./performance.ts";

/** Is how an agent's latest runs went: each, and for each model together. Order: newest first; most runs first. */
export interface PerformanceReport {
  readonly runs: readonly AgentPerformance[];
  readonly summaries: readonly PerformanceSummary[];
}

/**
 * Tells how an agent's latest runs went, out of their logs.
 *
 * Cost: reads the log of each of these runs, 100 by default; what does it is loaded here.
 */
export async function queryPerformance(
  source: PerformanceSource,
  agent: string,
  options: { readonly limit?: number; readonly tenant?: string } = {},
): Promise<PerformanceReport> {
  const { listPerformances, summarisePerformance } = await import("./performance.ts");
  const runs = await listPerformances(source, agent, options);
  return { runs, summaries: summarisePerformance(runs) };
}
