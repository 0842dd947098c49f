import { expect, it } from "vitest";
import { manualClock } from "../../testing/manual-clock.ts";
import { providerErrors } from "../errors.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Model } from "../model.ts";
import { createGate } from "../resilience/create-gate.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import { group } from "./group.ts";
import type { Strategy } from "./strategy.ts";
import { lowestLatency } from "./strategies/lowest-latency.ts";

const request = { messages: [userMessage("Why does bread rise?")] };
const busy = (): Error =>
  providerErrors.create("provider_rate_limited", "Slow down.", { details: { retryAfterMs: 1_000 } });

/** A member that counts its calls and answers each as the function says. */
function counted(name: string, turnOf: (call: number) => ScriptedTurn) {
  let calls = 0;
  const model: Model = scripted(() => turnOf(calls++), { provider: name, name: "m" });
  return { model, calls: () => calls };
}

it("waits once for a member that asks for a short wait, and leaves it when it refuses again", async () => {
  const clock = manualClock();
  const limited = counted("limited", () => ({ error: busy() }));
  const works = counted("works", () => ({ text: "Yeast." }));
  const answer = generate(group({ name: "g", members: [limited.model, works.model], clock }), request);
  for (let second = 0; second < 5; second++) await clock.advance(1_000);
  expect((await answer).text).toBe("Yeast.");
  expect([limited.calls(), works.calls()]).toEqual([2, 1]);
});

it("stays with a member that is well again after the short wait it asked for", async () => {
  const clock = manualClock();
  const limited = counted("limited", (call) => (call === 0 ? { error: busy() } : { text: "Back." }));
  const works = counted("works", () => ({ text: "Yeast." }));
  const answer = generate(group({ name: "g", members: [limited.model, works.model], clock }), request);
  for (let second = 0; second < 5; second++) await clock.advance(1_000);
  expect((await answer).text).toBe("Back.");
  expect([limited.calls(), works.calls()]).toEqual([2, 0]);
});

const boundless: Strategy = {
  name: "boundless",
  rank: (candidates) =>
    candidates.map((candidate, index) => ({
      candidate,
      score: [Infinity, Number.NaN, -Infinity][index] ?? 0,
      reason: "no bounds",
    })),
};

it.each([boundless, lowestLatency({ explore: 0 }), lowestLatency({ by: "tokensPerSecond", explore: 0 })])(
  "a report of the strategy $name can be kept as JSON, whatever the scores",
  async (strategy) => {
    const failing = counted("a", () => ({ error: "provider_error" }));
    const members = [
      failing.model,
      counted("b", () => ({ text: "B." })).model,
      counted("c", () => ({ text: "C." })).model,
    ];
    const model = group({ name: "g", members, strategy });
    for (let call = 0; call < 4; call++) {
      const { report } = await generate(model, request);
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    }
  },
);

it("in an outage of all members each gets at most a fifth more requests than calls (acceptance 17)", async () => {
  const patient = { breaker: { consecutiveFailures: 1e9, minimumCalls: 1e9 }, cooldown: { failures: 1e9 } };
  const down = ["a", "b"].map((name) => counted(name, () => ({ error: "provider_error" })));
  const members = down.map(({ model }) => ({
    model,
    gate: createGate({ provider: model.provider, model: "m", keyId: "k", ...patient }),
  }));
  const model = group({ name: "g", members, retry: { baseDelayMs: 0, maxDelayMs: 0 } });
  for (let call = 0; call < 100; call++) await expect(generate(model, request)).rejects.toThrow();
  for (const each of down) expect(each.calls()).toBeLessThanOrEqual(120);
});

it("does not send a request again to a member that may have answered it, also after others have failed (acceptance 18)", async () => {
  const silent = () => providerErrors.create("provider_timeout", "Silent.", { details: { phase: "headers" } });
  const ambiguous = counted("a", () => ({ error: silent() }));
  const down = counted("b", () => ({ error: "provider_error" }));
  const members = [ambiguous.model, down.model];
  const model = group({ name: "g", members, retry: { baseDelayMs: 0, maxDelayMs: 0 } });
  await expect(generate(model, request)).rejects.toThrow();
  expect([ambiguous.calls(), down.calls()]).toEqual([1, 3]);
});
