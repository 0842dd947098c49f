import type { AtlasError, Clock, Random } from "../../base/index.ts";
import { baseErrors, createDeadline, raceAbort, systemClock, systemRandom, toAtlasError } from "../../base/index.ts";
import type { ControlledGate } from "./create-gate.ts";
import { failureKind } from "./outcome.ts";

/** Is what is known of a provider and key. `calls` is what real calls showed, `check` what an active check did. Units: `atMs` since the Unix epoch. */
export type ProviderHealth = {
  readonly status: "healthy" | "unhealthy" | "key_disabled" | "unknown";
  readonly source: "calls" | "check";
  readonly atMs: number;
  /** Is the code of the error of a check that failed. */
  readonly code?: string;
};

/** Are the options of a health check. Units: milliseconds. */
export interface HealthOptions {
  /** The gates of one provider and key: the check speaks for all of them. */
  readonly gates: readonly ControlledGate[];
  /** Asks the provider something that costs nothing, such as `provider.listModels`; it must not generate. */
  readonly check: (options: { readonly signal: AbortSignal }) => Promise<unknown>;
  /** How long a result, or a real call, makes a check needless; 60,000 by default. */
  readonly intervalMs?: number;
  /** Share by which each interval is longer or shorter, so that many do not check together; 0.2 by default. */
  readonly jitter?: number;
  /** 5,000 by default. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Watches over one provider and key: by its calls first, and by a check when there are none. */
export interface HealthCheck {
  /** Tells the health: from calls or a check of the last interval, else by a check now, which callers share. */
  refresh(options?: { readonly signal?: AbortSignal | undefined }): Promise<ProviderHealth>;
  /** Refreshes again and again until it is disposed of; it does not keep the process alive. */
  start(): Disposable;
}

/** Makes a health check. It does nothing until it is asked or started. */
export function createHealthCheck(options: HealthOptions): HealthCheck {
  const { gates, check, intervalMs = 60_000, jitter = 0.2, timeoutMs = 5_000 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  let cached: { readonly health: ProviderHealth; readonly untilMs: number } | undefined;
  let running: Promise<ProviderHealth> | undefined;

  const drawIntervalMs = (): number => intervalMs * (1 + jitter * (2 * random.next() - 1));
  const known = (): ProviderHealth | undefined => {
    const told = healthOfCalls(gates, clock.now() - intervalMs);
    if (told !== undefined) return told;
    return cached !== undefined && clock.monotonic() < cached.untilMs ? cached.health : undefined;
  };
  const run = async (): Promise<ProviderHealth> => {
    const nextMs = drawIntervalMs();
    const health = await ask(check, { clock, timeoutMs });
    apply(gates, health, nextMs);
    cached = { health, untilMs: clock.monotonic() + nextMs };
    return health;
  };
  const refresh: HealthCheck["refresh"] = async ({ signal } = {}) => {
    signal?.throwIfAborted();
    const health = known();
    if (health !== undefined) return health;
    running ??= run().finally(() => (running = undefined));
    return await raceAbort(running, signal);
  };
  return {
    refresh,
    start() {
      const stop = new AbortController();
      void repeat(async () => {
        await refresh({ signal: stop.signal });
        await clock.sleep(drawIntervalMs(), { signal: stop.signal, keepAlive: false });
      });
      return { [Symbol.dispose]: () => stop.abort() };
    },
  };
}

/** Goes on until a round throws, which only its end makes it do: a check's own failures are results. */
async function repeat(round: () => Promise<void>): Promise<void> {
  try {
    for (;;) await round();
  } catch {
    // It was disposed of.
  }
}

function healthOfCalls(gates: readonly ControlledGate[], sinceMs: number): ProviderHealth | undefined {
  const snapshots = gates.map((gate) => gate.snapshot());
  const disabled = snapshots.find(({ keyDisabled }) => keyDisabled);
  if (disabled !== undefined)
    return { status: "key_disabled", source: "calls", atMs: disabled.lastCallAtMs ?? sinceMs };
  const recent = snapshots.filter(({ lastCallAtMs }) => lastCallAtMs !== null && lastCallAtMs > sinceMs);
  if (recent.length === 0) return undefined;
  const atMs = Math.max(...recent.map(({ lastCallAtMs }) => lastCallAtMs ?? 0));
  const well = recent.some(({ state }) => state === "closed");
  return { status: well ? "healthy" : "unhealthy", source: "calls", atMs };
}

async function ask(
  check: HealthOptions["check"],
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<ProviderHealth> {
  const message = `A health check took longer than ${timeoutMs} ms (timeoutMs).`;
  using deadline = createDeadline(timeoutMs, {
    clock,
    reason: () => baseErrors.create("timed_out", message),
    keepAlive: false,
  });
  const known = { source: "check", atMs: clock.now() } as const;
  try {
    await raceAbort(check({ signal: deadline.signal }), deadline.signal);
    return { ...known, status: "healthy" };
  } catch (cause) {
    const error = deadline.expired ? baseErrors.create("timed_out", message, { cause }) : toAtlasError(cause);
    return { ...known, status: statusOf(error), code: error.code };
  }
}

/** A provider that says no to the check itself (it has no list of models, or too many asked) is there: nothing is known. */
function statusOf(error: AtlasError): ProviderHealth["status"] {
  if (error.code === "timed_out") return "unhealthy";
  const kind = failureKind(error);
  if (kind === "key") return "key_disabled";
  return kind === "fault" || kind === "ambiguous" ? "unhealthy" : "unknown";
}

function apply(gates: readonly ControlledGate[], { status, code = "" }: ProviderHealth, nextMs: number): void {
  for (const gate of gates) {
    if (status === "key_disabled") gate.disableKey(nextMs);
    else if (status === "unhealthy") gate.markUnhealthy(nextMs, code);
    else if (status === "healthy") gate.markHealthy();
  }
}
