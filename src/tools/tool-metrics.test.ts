import fc from "fast-check";
import { expect, test } from "vitest";
import { noopTelemetry } from "../telemetry/index.ts";
import { createToolMetrics } from "./tool-metrics.ts";

test("calls are counted for each agent and tool, failures by code, the most called first", () => {
  const metrics = createToolMetrics();
  metrics.record({ agent: "guide", tool: "weather", durationMs: 10 });
  metrics.record({ agent: "guide", tool: "search", durationMs: 100 });
  metrics.record({ agent: "guide", tool: "search", durationMs: 100, code: "tool_failed" });
  metrics.record({ agent: "guide", tool: "search", durationMs: 100, code: "tool_failed" });
  metrics.record({ agent: "other", tool: "search", durationMs: 0 });
  expect(metrics.list()).toMatchObject([
    { agent: "guide", tool: "search", calls: 3, failed: 2, failures: { tool_failed: 2 } },
    { agent: "guide", tool: "weather", calls: 1, failed: 0, failures: {} },
    { agent: "other", tool: "search", calls: 1, p50Ms: 0, p95Ms: 0 },
  ]);
});

test("percentiles are right to a twentieth, whatever the times", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }), (times) => {
      const metrics = createToolMetrics();
      for (const durationMs of times) metrics.record({ agent: "a", tool: "t", durationMs });
      const sorted = times.toSorted((one, other) => one - other);
      const [use] = metrics.list();
      for (const [found, share] of [
        [use?.p50Ms, 0.5],
        [use?.p95Ms, 0.95],
      ] as const) {
        const exact = sorted[Math.ceil(times.length * share) - 1] ?? 0;
        expect(Math.abs((found ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.05 + 0.01);
      }
    }),
  );
});

test("pairs that were not used for the longest time make room", () => {
  const metrics = createToolMetrics({ maxPairs: 2 });
  for (const tool of ["a", "b", "a", "c"]) metrics.record({ agent: "guide", tool, durationMs: 1 });
  expect(metrics.list().map(({ tool, calls }) => [tool, calls])).toEqual([
    ["a", 2],
    ["c", 1],
  ]);
});

test("a telemetry port is told each call", () => {
  const told: unknown[] = [];
  const metrics = createToolMetrics({
    telemetry: {
      ...noopTelemetry,
      enabled: true,
      count: (...all) => void told.push(all),
      record: (...all) => void told.push(all),
    },
  });
  metrics.record({ agent: "guide", tool: "search", durationMs: 12, code: "tool_timed_out" });
  const attributes = { agent: "guide", tool: "search", outcome: "tool_timed_out" };
  expect(told).toEqual([
    ["atlas.tool.calls", 1, attributes],
    ["atlas.tool.duration_ms", 12, attributes],
  ]);
});
