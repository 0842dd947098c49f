// Limits, retries and a breaker around one model: calls wait their turn, a failure that passes is tried again, and one that
// does not closes the gate. Scripted models stand in for real ones, so that the example runs offline.
import { generate, guarded, providerErrors, scripted, userMessage } from "atlas-agents";
import { createGate } from "atlas-agents/providers/resilience";

const request = { messages: [userMessage("Why does bread rise?")], maxOutputTokens: 100 };
const failure = () => providerErrors.create("provider_error", "The house is on fire.");

// 1. At most one call at the same time: three callers take turns.
let most = 0;
const one = createGate({ provider: "scripted", model: "slow", keyId: "mine", limits: { concurrency: 1 } });
const slow = scripted(() => {
  most = Math.max(most, one.inFlight);
  return "Because yeast breathes.";
});
const polite = guarded(slow, { gate: one });
await Promise.all([1, 2, 3].map(() => generate(polite, request)));
console.log(`at the same time: ${most}, in flight now: ${one.inFlight}`);

// 2. A minute's worth: the gate says when the next call fits, without asking anybody.
const limits = { requestsPerMinute: 1, tokensPerMinute: 1_000 };
const rated = createGate({ provider: "scripted", model: "rated", keyId: "mine", limits });
await generate(guarded(scripted(["Once."]), { gate: rated }), request);
const next = rated.check({ inputTokens: 10, maxOutputTokens: 100 });
if (!next.available) {
  const waitMs = (next.retryAtMs ?? Number.NaN) - Date.now();
  console.log(`next call: ${next.reason}, in ${Math.round(waitMs / 10_000) * 10} s`);
}

// 3. A failure that may pass is tried again by the guard, and the report tells of both attempts.
let calls = 0;
const flaky = scripted(() => (++calls === 1 ? { error: failure() } : "The second time it works."));
const { text, report } = await generate(guarded(flaky, { retry: { baseDelayMs: 10 } }), request);
console.log(`${text} ${report?.attempts.map(({ outcome }) => outcome).join(", ")}`);

// 4. One that fails again and again is left alone for a while.
const broken = guarded(
  scripted(() => ({ error: failure() })),
  {
    gate: createGate({ provider: "scripted", model: "broken", keyId: "mine", breaker: { consecutiveFailures: 3 } }),
    retry: { maxAttempts: 1 },
  },
);
for (let call = 1; call <= 4; call++) {
  await generate(broken, request).catch((error: { code: string }) => console.log(`call ${call}: ${error.code}`));
}
