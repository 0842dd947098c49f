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
