import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { Model } from "../providers/index.ts";
import { generate, scripted, userMessage } from "../providers/index.ts";
import { manualClock } from "../testing/index.ts";
import { manageModels } from "./managed-models.ts";
import { loadSettings } from "./settings.ts";

/** Makes a model whose provider says that none of its requests of this minute is left. */
function usedUp(name: string): Model {
  return {
    provider: "acme",
    name,
    capabilities: scripted([]).capabilities,
    async *stream() {
      await Promise.resolve();
      yield {
        type: "response.started",
        id: "r",
        model: name,
        rateLimits: { requestsRemaining: 0, requestsResetMs: 60_000 },
      };
      yield { type: "text.delta", text: "Yes." };
      const usage = { inputTokens: 1, outputTokens: 1, provenance: "reported" } as const;
      yield { type: "response.finished", finishReason: "stop", usage, metadata: {} };
    },
  };
}

test("what a provider reports of one model holds up that model and no other, also under a limit that all share", async () => {
  const overrides = {
    providers: {
      acme: { kind: "openai-compatible" as const, baseUrl: "http://127.0.0.1:9", limits: { requestsPerMinute: 100 } },
    },
  };
  const { values: settings } = await loadSettings({ directory: tmpdir(), environment: {}, overrides });
  const resolve = () => Promise.reject(new Error("Nothing is resolved here."));
  const clock = manualClock();
  const models = manageModels({ settings, resolve, clock });
  const ask = async (model: Model) => (await generate(model, { messages: [userMessage("Well?")] })).text;
  const [small, large] = [await models.managed(usedUp("small")), await models.managed(usedUp("large"))];
  expect(await ask(small)).toBe("Yes.");
  expect(await ask(large)).toBe("Yes.");
  const waiting = ask(small);
  while (models.gates()[0]?.waiting === 0) await new Promise((resolve) => void setImmediate(resolve));
  expect(models.gates().map(({ model, waiting: count }) => [model, count])).toEqual([
    ["small", 1],
    ["large", 0],
  ]);
  await clock.advance(60_000);
  expect(await waiting).toBe("Yes.");
});

test("prices are loaded where some model has one, and a failure to load them is not kept", async () => {
  const groups = { free: { members: ["own/a", "own/b"] }, metered: { members: ["own/a", "own/metered"] } };
  const { values: settings } = await loadSettings({ directory: tmpdir(), environment: {}, overrides: { groups } });
  const own = new Map(
    ["own/a", "own/b", "own/metered"].map((reference) => {
      const cost = reference === "own/metered" ? ("metered" as const) : ("free" as const);
      return [reference, scripted(["Yes."], { provider: "own", name: reference.slice(4), capabilities: { cost } })];
    }),
  );
  let loads = 0;
  const models = manageModels({
    settings,
    resolve: async (reference) => own.get(reference) ?? scripted([]),
    loadPrices: async () => {
      if (loads++ === 0) throw new Error("not now");
      return { version: "test", costMicroUsd: () => 5 };
    },
  });
  await models.group("free");
  await models.managed(own.get("own/a") ?? scripted([]));
  expect(loads).toBe(0);
  const metered = own.get("own/metered") ?? scripted([]);
  await expect(models.managed(metered)).rejects.toThrow("not now");
  expect((await models.managed(metered)).managed).toBe(true);
  expect((await models.group("metered")).managed).toBe(true);
  expect(loads).toBe(2);
});

test("a run waits in line behind long answers instead of failing", async () => {
  const overrides = {
    providers: {
      acme: { kind: "openai-compatible" as const, baseUrl: "http://127.0.0.1:9", limits: { concurrency: 1 } },
    },
  };
  const { values: settings } = await loadSettings({ directory: tmpdir(), environment: {}, overrides });
  const clock = manualClock();
  const models = manageModels({
    settings,
    clock,
    resolve: () => Promise.reject(new Error("Nothing is resolved here.")),
  });
  const slow = scripted(() => ({ text: "Done.", delayMs: 200_000 }), { provider: "acme", name: "slow", clock });
  const model = await models.managed(slow);
  const answers = Promise.all([1, 2, 3].map(() => generate(model, { messages: [userMessage("Well?")] })));
  const progress = { over: false };
  void answers.finally(() => (progress.over = true)).catch(() => {});
  while (!progress.over) {
    await clock.advance(5_000);
    await new Promise((resolve) => void setImmediate(resolve));
  }
  expect((await answers).map(({ text }) => text)).toEqual(["Done.", "Done.", "Done."]);
  expect(clock.monotonic()).toBeGreaterThanOrEqual(600_000);
});
