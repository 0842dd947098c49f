import { expect, test } from "vitest";
import { noopTelemetry } from "./telemetry.ts";

test("the default records nothing and says so", () => {
  expect(noopTelemetry.enabled).toBe(false);
  const span = noopTelemetry.span("run", { "atlas.run.id": "run_1" });
  span.set({ a: 1 });
  span.fail(new Error("x"));
  span.end();
  noopTelemetry.count("runs", 1);
  noopTelemetry.record("run_ms", 5);
  expect(noopTelemetry.span("another")).toBe(span);
});
