import fc from "fast-check";
import { expect, it } from "vitest";
import { histories, simulate } from "./campaign/simulation.ts";

it(
  "keeps every promise in any history of engines that share a database, crash, close, cancel and pause",
  { timeout: 240_000 },
  async () => {
    const seed = Number(process.env["ATLAS_TEST_SEED"] ?? Date.now() % 1_000_000);
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        expect(await simulate(history)).toEqual([]);
      }),
      { seed, numRuns: 60, interruptAfterTimeLimit: 30_000 },
    );
  },
);
