import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBudget, seededRandom } from "../../base/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import type { Attempt } from "../call-report.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import type { Prices } from "../money/price.ts";
import type { Gate } from "../resilience/gate.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import { group, guarded } from "./group.ts";
import { lowestCost } from "./strategies/lowest-cost.ts";

const request: ModelRequest = { messages: [userMessage("Why does bread rise?")] };
const metered = { capabilities: { cost: "metered" } } as const;

/** Lets everything through and counts how often each pass was given back. */
function countingGate(): { gate: Gate; ends: number[] } {
  const ends: number[] = [];
  const gate: Gate = {
    inFlight: 0,
    check: () => ({ available: true }),
    enter() {
      const id = ends.push(0) - 1;
      return Promise.resolve({ id: String(id), report: () => {}, end: () => void (ends[id] = (ends[id] ?? 0) + 1) });
    },
  };
  return { gate, ends };
}

describe("whatever becomes of a call", () => {
  const turns: Readonly<Record<string, ScriptedTurn>> = {
    answers: { text: "Yeast breathes." },
    fails: { error: "provider_error" },
    breaks: { text: "Bec", error: "stream_interrupted" },
    refuses: { error: "provider_invalid_request" },
    calls: { toolCalls: [{ name: "t", input: {} }], error: "stream_interrupted" },
  };
  const kinds = fc.constantFrom(...Object.keys(turns));
  const reading = fc.record({
    first: kinds,
    second: kinds,
    parts: fc.nat(8),
    cancels: fc.boolean(),
    budget: fc.boolean(),
  });

  it("each pass is given back exactly once, each attempt told once, no money stays reserved (acceptance 10) (acceptance 15) (acceptance 26)", async () => {
    const run = async ({
      first,
      second,
      parts,
      cancels,
      budget: small,
    }: {
      first: string;
      second: string;
      parts: number;
      cancels: boolean;
      budget: boolean;
    }) => {
      const { gate, ends } = countingGate();
      const told: Attempt[] = [];
      const stop = new AbortController();
      const budget = createBudget("run", { maxTokens: small ? 1_030 : 1_000_000 });
      const members = [first, second].map((kind, index) => ({
        model: scripted(() => turns[kind], { provider: `p${index}`, name: "m", chunkSize: 4 }),
        gate,
      }));
      const model = group({ name: "g", members, retry: { baseDelayMs: 0 }, random: seededRandom(1) });
      const options = { signal: stop.signal, budget, onAttempt: (attempt: Attempt) => told.push(attempt) };
      let seen = 0;
      try {
        for await (const part of model.stream(request, options)) {
          expect(part.type).not.toBe("");
          if (++seen <= parts) continue;
          if (!cancels) break;
          stop.abort();
        }
      } catch (error) {
        expect(error).toHaveProperty("details.report");
      }
      expect(ends.every((count) => count === 1)).toBe(true);
      expect(told).toHaveLength(ends.length);
      expect(budget.reserved.tokens).toBe(0);
      const used = told.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
      expect(budget.spent.tokens).toBe(used);
      expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
    };
    await fc.assert(fc.asyncProperty(reading, run), { numRuns: 300 });
  });

  it("10,000 calls on one signal leave no listener and no place behind (acceptance 8)", async () => {
    const { signal } = new AbortController();
    const { gate, ends } = countingGate();
    const model = guarded(
      scripted(() => "Yeast."),
      { gate },
    );
    for (let call = 0; call < 10_000; call++) {
      if (call % 3 === 0)
        for await (const part of model.stream(request, { signal })) if (part.type === "text.delta") break;
      if (call % 3 !== 0) await generate(model, request, { signal });
    }
    expect(ends).toHaveLength(10_000);
    expect(ends.every((count) => count === 1)).toBe(true);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("where cost decides", () => {
  const prices: Prices = {
    version: "test",
    costMicroUsd: ({ provider, usage }) => {
      const { inputTokens, outputTokens, cachedInputTokens = 0 } = usage;
      if (provider === "unknown") return null;
      return provider === "plain"
        ? inputTokens * 10
        : (inputTokens - cachedInputTokens) * 15 + cachedInputTokens + outputTokens;
    },
  };
  const said = { text: "Yeast.", usage: { inputTokens: 1_000, outputTokens: 1, cachedInputTokens: 950 } };
  const member = (provider: string) => scripted(() => said, { provider, name: "m", ...metered });

  it("a member without a known price is left out and the report says so (acceptance 13)", async () => {
    const model = group({ name: "g", members: [member("unknown"), member("plain")], strategy: lowestCost(), prices });
    const { report } = await generate(model, request);
    expect(report?.attempts[0]?.provider).toBe("plain");
    expect(report?.selections[0]?.rejected).toMatchObject([{ provider: "unknown", reason: "price_unknown" }]);
    const none = group({ name: "g", members: [member("unknown")], strategy: lowestCost(), prices });
    await expect(generate(none, request)).rejects.toMatchObject({
      code: "no_provider_available",
      retry: "changed",
      details: { candidates: [{ reason: "price_unknown" }] },
    });
  });

  it("the share of the input that came from a prompt cache lately counts (acceptance 24)", async () => {
    let busy = true;
    const plainGate: Gate = {
      inFlight: 0,
      check: () => (busy ? { available: false, reason: "unhealthy" } : { available: true }),
      enter: () => Promise.resolve({ id: "p", report: () => {}, end: () => {} }),
    };
    const members = [{ model: member("plain"), gate: plainGate }, member("caching")];
    const first = group({ name: "g", members, strategy: lowestCost(), prices });
    busy = false;
    expect((await generate(first, request)).report?.attempts[0]?.provider).toBe("plain");
    const second = group({ name: "g", members, strategy: lowestCost(), prices });
    busy = true;
    await generate(second, request);
    busy = false;
    expect((await generate(second, request)).report?.attempts[0]?.provider).toBe("caching");
  });
});

describe("the times of an attempt", () => {
  it("are told apart: queued, to the first part, in all (acceptance 10)", async () => {
    const clock = manualClock();
    const model = scripted(() => ({ text: "Yeast breathes.", delayMs: 200, chunkDelayMs: 50 }), {
      provider: "a",
      name: "m",
      chunkSize: 8,
      clock,
    });
    const answer = generate(guarded(model, { clock }), request);
    await clock.waitForSleepers(1);
    await clock.advance(1_000);
    expect((await answer).report?.attempts[0]).toMatchObject({ queuedMs: 0, firstPartMs: 200, durationMs: 250 });
  });
});
