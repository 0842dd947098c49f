// Measures how fast a call that is given up lets its reader go, and how fast the provider sees it.
import { openaiCompatible } from "../src/providers/adapters/openai-chat.ts";
import type { Model } from "../src/providers/index.ts";
import { userMessage } from "../src/providers/index.ts";
import type { BenchResult } from "./lib/harness.ts";
import { median } from "./lib/harness.ts";
import { type ModelServer, startModelServer } from "./lib/start-server.ts";

const streams = 500;
const rounds = 5;
const spreadMs = 1_000;
const graceMs = 1_000;

/** Opens 500 streams at once, cancels each in mid-answer at its own moment within a second, and looks from the provider's side. */
export async function run(): Promise<BenchResult> {
  using server = await startModelServer();
  const outcomes: Outcome[] = [];
  for (let number = 0; number <= rounds; number++) {
    const outcome = await round(server, number, spreadMs);
    // The first one warms up.
    if (number > 0) outcomes.push(outcome);
  }
  const burst = await round(server, rounds + 1, 0);
  const middle = (read: (outcome: Outcome) => number): number => median(outcomes.map((outcome) => read(outcome)));
  return {
    metrics: {
      left_open: Math.max(burst.leftOpen, ...outcomes.map((outcome) => outcome.leftOpen)),
      close_p50_ms: middle(({ closeMs }) => quantile(closeMs, 0.5)),
      close_p99_ms: middle(({ closeMs }) => quantile(closeMs, 0.99)),
      settle_p50_ms: middle(({ settleMs }) => quantile(settleMs, 0.5)),
      settle_p99_ms: middle(({ settleMs }) => quantile(settleMs, 0.99)),
      burst_close_p99_ms: quantile(burst.closeMs, 0.99),
      burst_settle_p99_ms: quantile(burst.settleMs, 0.99),
    },
    ratios: {},
    notes: [
      `${streams} streams open at once, an event every 25 ms on each; each is cancelled by its own signal at a random moment within a second. Medians of ${rounds} rounds, the p99 within each.`,
      "close: from abort() to the close that the provider sees, by the machine's monotonic clock, in another process. settle: from abort() to the reader's rejection.",
      "left_open: what the provider still has open a second after the last cancel, the worst of all rounds. burst: all 500 in one turn of the event loop, one round.",
      "Left out: TLS, HTTP/2, a network between the two.",
    ],
  };
}

interface Outcome {
  readonly leftOpen: number;
  readonly closeMs: readonly number[];
  readonly settleMs: readonly number[];
}

async function round(server: ModelServer, number: number, spread: number): Promise<Outcome> {
  const cancelledAt = new Map<string, bigint>();
  const settleMs: number[] = [];
  const begun: Promise<void>[] = [];
  const calls = Array.from({ length: streams }, (_, index) => {
    const id = `${number}-${index}`;
    const first = Promise.withResolvers<void>();
    begun.push(first.promise);
    return { id, first: first.resolve, stop: new AbortController() };
  });
  // The name of the model goes along as the id of the stream.
  await using provider = openaiCompatible({ name: "bench", baseUrl: `${server.url}/endless`, apiKey: "sk-bench" });
  const ended = calls.map(async ({ id, first, stop }) => {
    const failed = await read(provider.model(id), stop.signal, first);
    const start = cancelledAt.get(id);
    if (start === undefined || !failed) throw new Error(`The stream ${id} ended by itself.`);
    settleMs.push(sinceMs(start, process.hrtime.bigint()));
  });
  await Promise.all(begun);
  await server.state();
  for (const { id, stop } of calls) {
    const cancel = (): void => {
      cancelledAt.set(id, process.hrtime.bigint());
      stop.abort();
    };
    if (spread === 0) cancel();
    else setTimeout(cancel, Math.random() * spread);
  }
  await Promise.all(ended);
  await new Promise((resolve) => setTimeout(resolve, graceMs));
  const { open, closed } = await server.state();
  const closeMs = Object.entries(closed).flatMap(([id, at]) => {
    const start = cancelledAt.get(id);
    return start === undefined ? [] : [sinceMs(start, BigInt(at))];
  });
  if (closeMs.length + open < streams) throw new Error(`The provider saw ${closeMs.length} of ${streams} closes.`);
  return { leftOpen: open, closeMs, settleMs };
}

async function read(model: Model, signal: AbortSignal, first: () => void): Promise<boolean> {
  try {
    for await (const part of model.stream({ messages: [userMessage("Why does bread rise?")] }, { signal })) {
      if (part.type === "text.delta") first();
    }
  } catch {
    return true;
  }
  return false;
}

function sinceMs(start: bigint, end: bigint): number {
  return Number(end - start) / 1e6;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
