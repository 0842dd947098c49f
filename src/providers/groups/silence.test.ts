import { describe, expect, it } from "vitest";
import { manualClock } from "../../testing/manual-clock.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { createGate } from "../resilience/create-gate.ts";
import { scripted } from "../scripted.ts";
import { defaultRetryPolicy } from "../resilience/retry-policy.ts";
import { defaultTimeouts } from "../transport/deadlines.ts";
import { group } from "./group.ts";

const request: ModelRequest = { messages: [userMessage("Why does bread rise?")] };

function silentGroup(second: { readonly unhealthyMs: number }) {
  const clock = manualClock();
  const silent = scripted(() => ({ text: "Late.", delayMs: 30_000 }), { provider: "a", name: "m", clock });
  const quick = scripted(() => ({ text: "Yeast." }), { provider: "b", name: "m", clock });
  const gates = ["a", "b"].map((provider) => createGate({ provider, model: "m", keyId: "k", clock }));
  if (second.unhealthyMs > 0) gates[1]?.markUnhealthy(second.unhealthyMs, "provider_error");
  const members = [silent, quick].map((model, index) => ({ model, gate: gates[index] }));
  return { clock, gates, model: group({ name: "g", members, clock, fallback: { firstPartMs: 5_000 } }) };
}

describe("a member that gives nothing for fallback.firstPartMs", () => {
  it("is left for another, and its connection closed", async () => {
    const { clock, gates, model } = silentGroup({ unhealthyMs: 0 });
    const answer = generate(model, request);
    await clock.waitForSleepers(2);
    await clock.advance(4_999);
    expect(clock.sleeping).toBe(2);
    await clock.advance(1);
    const { text, report } = await answer;
    expect(text).toBe("Yeast.");
    expect(report?.attempts).toMatchObject([
      { provider: "a", outcome: "failed", code: "provider_timeout", durationMs: 5_000 },
      { provider: "b", outcome: "finished", possiblyBilledTwice: true },
    ]);
    expect([clock.sleeping, gates[0]?.inFlight]).toEqual([0, 0]);
  });

  it("is waited for while no other can take the call, and left when one can", async () => {
    const { clock, model } = silentGroup({ unhealthyMs: 12_000 });
    const answer = generate(model, request);
    await clock.waitForSleepers(2);
    await clock.advance(14_999);
    expect(clock.sleeping).toBe(2);
    await clock.advance(1);
    expect((await answer).text).toBe("Yeast.");
  });

  it("keeps the call when that must not leave it, or has been heard", async () => {
    const { clock, model } = silentGroup({ unhealthyMs: 0 });
    const answer = generate(model, request, { fallback: { enabled: false } });
    await clock.waitForSleepers(2);
    await clock.advance(30_000);
    expect((await answer).text).toBe("Late.");
    expect(clock.sleeping).toBe(0);
  });
});

it("another member can still take over from one that was silent until its own time limit", () => {
  expect(defaultRetryPolicy.maxTotalMs).toBeGreaterThan(defaultTimeouts.firstPartMs + defaultTimeouts.connectMs);
});
