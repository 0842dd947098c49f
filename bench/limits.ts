import { generate, scripted, userMessage } from "../src/providers/index.ts";
import { createGate } from "../src/providers/resilience/index.ts";
import type { Gate, GateLimits } from "../src/providers/resilience/index.ts";
import { manualClock } from "../src/testing/index.ts";
import type { BenchResult } from "./lib/harness.ts";
import { timeMs } from "./lib/harness.ts";

const callers = 200;
const windowMs = 60_000;
const minutes = 10;
const need = { inputTokens: 1_000, maxOutputTokens: 1_000 };

/** Is what was sent at one moment, in the units of the limit. */
interface Sent {
  readonly atMs: number;
  readonly amount: number;
}

interface Watched {
  readonly violations: number;
  readonly use: number;
  readonly calls: number;
}

/** Has 200 callers go through a real gate to a scripted model for ten minutes of a clock that is moved by hand. */
export async function run(): Promise<BenchResult> {
  const found: Record<string, Watched> = {};
  const elapsedMs = await timeMs(async () => {
    found["requests"] = await press({ requestsPerMinute: 1_200 }, () => 1, 1_200);
    found["tokens"] = await press({ tokensPerMinute: 1_000_000 }, (tokens) => tokens, 1_000_000);
    found["both"] = await press({ requestsPerMinute: 1_200, tokensPerMinute: 4_000_000 }, () => 1, 1_200);
  });
  const all = Object.values(found);
  const calls = all.reduce((sum, one) => sum + one.calls, 0);
  return {
    metrics: {
      violations: all.reduce((sum, one) => sum + one.violations, 0),
      use: Math.min(...all.map((one) => one.use)),
      ...Object.fromEntries(Object.entries(found).map(([name, one]) => [`use_${name}`, one.use])),
      calls,
      cpu_us_per_call: (elapsedMs * 1000) / calls,
    },
    ratios: {},
    notes: [
      `${callers} callers, ${minutes} minutes of a manual clock for each limit; answers take 0.4 to 2.4 s.`,
      "violations counts the sends after which some closed window of 60 s held more than the limit; use is the least of what was sent or used, as a share of the limit.",
      "Tokens are reserved as input and largest output (2,000) and used to 70-95 %. Use falls by about (reserved - used) / used x seconds of an answer / 60.",
      "In the long run use is at most 60 / 60.5 = 0.992: each request counts half a second longer, as the provider sees it later.",
      "cpu_us_per_call is wall time with the scripted model, the manual clock and the checks in it.",
      "Left out: several processes on one key, which see each other only by the provider's headers.",
    ],
  };
}

async function press(limits: GateLimits, weigh: (tokens: number) => number, limit: number): Promise<Watched> {
  const clock = manualClock();
  const gate = createGate({ provider: "scripted", model: "bench", keyId: "bench", limits, clock });
  const stop = new AbortController();
  const log: Sent[] = [];
  const working = Array.from({ length: callers }, async (_, index) => {
    const outputTokens = 400 + ((index * 37) % 500);
    const usage = { inputTokens: 1_000, outputTokens, provenance: "reported" } as const;
    const model = scripted(() => ({ text: "Done.", delayMs: 400 + index * 10, usage }), { clock });
    for (;;)
      await call({ gate, model, signal: stop.signal }, () => {
        log.push({ atMs: clock.monotonic(), amount: weigh(usage.inputTokens + usage.outputTokens) });
      });
  });
  const ended = Promise.allSettled(working);
  await clock.advance(0);
  await clock.advance(minutes * windowMs);
  stop.abort();
  await ended;
  const sent = log.reduce((sum, { amount }) => sum + amount, 0);
  return { violations: countViolations(log, limit), use: sent / (limit * minutes), calls: log.length };
}

interface Caller {
  readonly gate: Gate;
  readonly model: ReturnType<typeof scripted>;
  readonly signal: AbortSignal;
}

async function call({ gate, model, signal }: Caller, sent: () => void): Promise<void> {
  const pass = await gate.enter(need, { maxWaitMs: Number.POSITIVE_INFINITY, signal });
  sent();
  try {
    const { usage } = await generate(model, { messages: [userMessage("Go.")] }, { signal });
    pass.end({ kind: "success", usage });
  } finally {
    pass.end({ kind: "ignored", usage: undefined });
  }
}

/** Looks at every window that ends with a send: no other can hold more. */
function countViolations(log: readonly Sent[], limit: number): number {
  let violations = 0;
  let sum = 0;
  let from = 0;
  for (const { atMs, amount } of log) {
    sum += amount;
    for (let first = log[from]; first !== undefined && first.atMs < atMs - windowMs; first = log[++from]) {
      sum -= first.amount;
    }
    if (sum > limit) violations++;
  }
  return violations;
}
