import { expect, test } from "vitest";
import { manualClock } from "../../testing/index.ts";
import { providerErrors } from "../errors.ts";
import { createRetryBudget } from "./retry-budget.ts";
import { decideRetry } from "./decide-retry.ts";
import { retryPolicy } from "./retry-policy.ts";

const error = providerErrors.create("provider_error", "It failed.", { details: { phase: "headers", status: 500 } });
const random = { next: () => 0.5 };

test("in a total outage 1,000 calls make at most 20 % more requests (acceptance 17)", async () => {
  const clock = manualClock();
  const budget = createRetryBudget({ clock });
  const policy = retryPolicy({ maxAttempts: 5 });
  let sent = 0;
  for (let call = 0; call < 1_000; call++) {
    budget.request();
    sent++;
    await clock.advance(20);
    for (let attempts = 1; ; attempts++) {
      if (decideRetry(error, { policy, attempts, elapsedMs: 0, random, budget }).kind !== "retry") break;
      sent++;
    }
  }
  expect(sent - 1_000).toBeLessThanOrEqual(200);
  expect(sent - 1_000).toBeGreaterThan(150);
});

test("a few retries are allowed however few requests there were, and used ones come back with time (acceptance 17)", async () => {
  const clock = manualClock();
  const budget = createRetryBudget({ clock });
  budget.request();
  expect([1, 2, 3, 4].map(() => budget.tryRetry())).toEqual([true, true, true, false]);
  await clock.advance(64_000);
  expect(budget.tryRetry()).toBe(true);
});

test("without budget left a call goes to another member, and nothing is taken for one that would not retry (acceptance 17)", () => {
  const budget = createRetryBudget({ clock: manualClock(), floor: 1 });
  const state = { policy: retryPolicy(), attempts: 1, elapsedMs: 0, random, budget };
  decideRetry(providerErrors.create("provider_quota", "No credit."), state);
  expect(decideRetry(error, state).kind).toBe("retry");
  expect(decideRetry(error, state).kind).toBe("fallback");
});
