import type { Telemetry } from "../telemetry/index.ts";
import { noopTelemetry } from "../telemetry/index.ts";

/** Is one call of a tool that has ended. Units: milliseconds. */
export interface ToolCallRecord {
  readonly agent: string;
  readonly tool: string;
  readonly durationMs: number;
  /** The code of the error; left out for a call that went well. */
  readonly code?: string;
}

/** Is what one agent's calls of one tool came to. Units: milliseconds; the percentiles are right to 5 %. */
export interface ToolUse {
  readonly agent: string;
  readonly tool: string;
  readonly calls: number;
  readonly failed: number;
  /** How many calls failed, by code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Counts what tools are used for, in bounded memory. */
export interface ToolMetrics {
  record(call: ToolCallRecord): void;
  /** Gives what was counted. Order: most calls first. */
  list(): readonly ToolUse[];
}

/** Are the options of `createToolMetrics`. */
export interface ToolMetricsOptions {
  readonly telemetry?: Telemetry;
  /** How many pairs of agent and tool are kept; those whose last call is the longest ago are dropped first. 1,000 by default. */
  readonly maxPairs?: number;
}

interface Counted {
  readonly agent: string;
  readonly tool: string;
  calls: number;
  readonly failures: Map<string, number>;
  /** Calls by the logarithm of their time: as many as there are orders of time, however many the calls. */
  readonly times: Map<number, number>;
}

const growth = Math.log(1.1);
const fastestMs = 0.01;

/**
 * Makes a counter of tool calls. To a telemetry port it also tells `atlas.tool.calls` and `atlas.tool.duration_ms`, with the
 * attributes `agent`, `tool` and `outcome` (`ok`, or the code of the error).
 *
 * Cost: about 1 KB for each pair of agent and tool.
 */
export function createToolMetrics({
  telemetry = noopTelemetry,
  maxPairs = 1000,
}: ToolMetricsOptions = {}): ToolMetrics {
  const counted = new Map<string, Counted>();
  return {
    record({ agent, tool, durationMs, code }) {
      const key = `${agent} ${tool}`;
      const pair = counted.get(key) ?? { agent, tool, calls: 0, failures: new Map(), times: new Map() };
      // Put in anew, so that the first of the map is the one that was not used for the longest time.
      counted.delete(key);
      counted.set(key, pair);
      const [oldest] = counted.keys();
      if (counted.size > maxPairs && oldest !== undefined) counted.delete(oldest);
      pair.calls++;
      if (code !== undefined) add(pair.failures, code);
      add(pair.times, Math.max(0, Math.round(Math.log(durationMs / fastestMs) / growth)) || 0);
      if (!telemetry.enabled) return;
      const attributes = { agent, tool, outcome: code ?? "ok" };
      telemetry.count("atlas.tool.calls", 1, attributes);
      telemetry.record("atlas.tool.duration_ms", durationMs, attributes);
    },
    list: () => [...counted.values()].map(useOf).toSorted((one, other) => other.calls - one.calls),
  };
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function useOf({ agent, tool, calls, failures, times }: Counted): ToolUse {
  const failed = [...failures.values()].reduce((sum, each) => sum + each, 0);
  const sorted = [...times].toSorted(([one], [other]) => one - other);
  const at = (share: number): number => {
    let left = Math.ceil(calls * share);
    for (const [place, number] of sorted) {
      left -= number;
      if (left <= 0) return place === 0 ? 0 : roundTime(fastestMs * Math.exp(place * growth));
    }
    return 0;
  };
  return { agent, tool, calls, failed, failures: Object.fromEntries(failures), p50Ms: at(0.5), p95Ms: at(0.95) };
}

function roundTime(ms: number): number {
  return ms < 10 ? Math.round(ms * 100) / 100 : Math.round(ms * 10) / 10;
}
