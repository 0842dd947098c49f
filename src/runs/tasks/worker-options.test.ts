import { describe, expect, it } from "vitest";
import { database, useEngine } from "../../../test/lib/engine.ts";
import { createRuns } from "../create-runs.ts";
import type { WorkerOptions } from "../create-runs.ts";

useEngine();

describe("a worker", () => {
  it.each<[string, WorkerOptions, string]>([
    ["that may take no run at all", { maxRuns: 0 }, "worker.maxRuns is 0"],
    ["that takes half a run", { minRuns: 0.5 }, "worker.minRuns is 0.5"],
    ["of a queue that cannot be", { queues: ["mail", "a\nb"] }, "worker.queues"],
    ["with an endless name", { name: "w".repeat(10_000) }, "worker.name"],
  ])("%s is refused and does not wait in silence", async (_, worker, text) => {
    const opened = createRuns({ database, worker });
    await expect(opened).rejects.toThrow(text);
    await expect(opened).rejects.toMatchObject({ code: "invalid_input" });
  });
});
