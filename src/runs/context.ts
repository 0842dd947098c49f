import type { Clock, JsonObject, JsonValue } from "../base/index.ts";
import { isAtlasError, parseSchema, seededRandom, stringifyJson, toAtlasError } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { runErrors } from "./errors.ts";
import type { LogWriter } from "./log-writer.ts";
import type { RecordedSteps } from "./recorded-steps.ts";
import { replay } from "./recorded-steps.ts";
import type { AnyWorkflow, RunContext, StepContext, StepOptions, WaitOptions, Workflow } from "./run.ts";

/** Is what the engine gives to one execution of a run. */
export interface ContextOptions {
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly writer: LogWriter;
  readonly recorded: RecordedSteps;
  /** Runs a child to its end; `started` is the id of the child that an earlier execution started. */
  readonly callChild: (call: ChildCall) => Promise<JsonValue | undefined>;
  /** Waits until a signal of this name is there, and takes it with the entry that records it. */
  readonly takeSignal: (wait: SignalWait) => Promise<JsonValue>;
}

/** Is a call of a child run. */
export interface ChildCall {
  readonly workflow: AnyWorkflow;
  readonly input: JsonValue;
  readonly key: string;
  readonly started: string | undefined;
}

/** Is a wait for a signal. Units: `deadline` in ms since the Unix epoch. */
export interface SignalWait {
  readonly name: string;
  readonly key: string;
  readonly deadline: number | undefined;
}

/** Makes the context that a durable function works with. */
export function createContext(options: ContextOptions): RunContext {
  const { runId, signal, writer, recorded } = options;
  const replaying = createReplay(options);
  let random = seededRandom(hash(runId + textOf(recorded.checkpoint)));
  return {
    runId,
    signal,
    clock: replaying.clock,
    logger: options.logger,
    random: { next: () => random.next() },
    restored: recorded.checkpoint,
    async step<T>(name: string, body: (step: StepContext) => T | Promise<T>, stepOptions?: StepOptions): Promise<T> {
      const key = replaying.keyOf(name);
      return (await replaying.once(key, () => doStep(options, key, { body, announce: stepOptions?.announce }))) as T;
    },
    async call<Input, Output>(workflow: Workflow<Input, Output>, input: Input): Promise<Output> {
      const key = replaying.keyOf(`call:${workflow.name}`);
      const plain = JSON.parse(stringifyJson(input, `input of ${workflow.name}`)) as JsonValue;
      const started = recorded.begun(key)?.["runId"];
      const child = { workflow, input: plain, key, started: typeof started === "string" ? started : undefined };
      return (await replaying.once(key, () => options.callChild(child))) as Output;
    },
    async sleep(ms) {
      const key = replaying.keyOf("sleep");
      await replaying.once(key, () => doSleep(options, key, { wakeAt: recorded.begun(key)?.["wakeAt"], ms }));
    },
    async waitFor<T>(name: string, { schema, timeoutMs }: WaitOptions<T> = {}): Promise<T> {
      const key = replaying.keyOf(`signal:${name}`);
      const payload =
        (await replaying.once(key, () => doWait(options, key, { name, timeoutMs, begun: recorded.begun(key) }))) ??
        null;
      return schema ? await parseSchema(schema, payload, `payload of the signal ${name}`) : (payload as T);
    },
    emit(event) {
      signal.throwIfAborted();
      if (recorded.left === 0) writer.emit(event);
    },
    async checkpoint(state) {
      signal.throwIfAborted();
      random = seededRandom(hash(runId + textOf(state)));
      await writer.checkpoint({ state, counts: Object.fromEntries(replaying.counts) });
    },
  };
}

/** Gives out what was recorded: names the things that a function asks for, in the order of asking, and finds their outcomes. */
function createReplay({ signal, recorded, clock }: ContextOptions) {
  const counts = new Map<string, number>(Object.entries(recorded.counts));
  let replayedAt = 0;
  return {
    counts,
    keyOf(name: string): string {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return count === 1 ? name : `${name}#${count}`;
    },
    /** Gives the recorded outcome under this key, or does the thing. */
    async once(key: string, act: () => Promise<JsonValue | undefined>): Promise<JsonValue | undefined> {
      signal.throwIfAborted();
      const outcome = recorded.take(key);
      if (outcome === undefined) return await act();
      replayedAt = outcome.at;
      return replay(outcome);
    },
    clock: {
      ...clock,
      // While recorded work is given out, time is when it was done, so that code that looks at it decides as it did.
      now: () => (recorded.left > 0 && replayedAt > 0 ? replayedAt : clock.now()),
    } satisfies Clock,
  };
}

async function doStep<T>(
  options: ContextOptions,
  key: string,
  { body, announce }: { body: (step: StepContext) => T | Promise<T>; announce: JsonValue | undefined },
): Promise<JsonValue | undefined> {
  const { runId, signal, clock, writer } = options;
  if (announce !== undefined) writer.emit({ type: "step.started", data: { key, ...asObject(announce) } });
  const begin = clock.monotonic();
  const durationMs = (): number => Math.round((clock.monotonic() - begin) * 10) / 10;
  let output: T;
  try {
    output = await body({ signal, idempotencyKey: `${runId}:${key}` });
  } catch (cause) {
    // What a stop interrupted has not failed: the next execution does it again.
    if (signal.aborted) throw signal.reason;
    const error = toAtlasError(cause);
    await writer.append({ type: "step.failed", key, data: { error: error.toJSON(), durationMs: durationMs() } });
    throw error;
  }
  if (output === undefined) {
    await writer.append({ type: "step.completed", key, data: { durationMs: durationMs() } });
    return undefined;
  }
  const plain = toPlain(output, key);
  await writer.append({ type: "step.completed", key, data: { output: plain, durationMs: durationMs() } });
  return plain;
}

/** Gives a value as the log will give it back, so that the first execution and a later one see the same. */
function toPlain(output: unknown, key: string): JsonValue {
  if (output === null || typeof output === "string" || typeof output === "boolean") return output;
  try {
    return JSON.parse(stringifyJson(output, `output of the step ${key}`)) as JsonValue;
  } catch (cause) {
    const reason = isAtlasError(cause) ? cause.message : String(cause);
    throw runErrors.create("step_not_json", reason, { details: { step: key }, cause });
  }
}

async function doSleep(
  { clock, signal, writer }: ContextOptions,
  key: string,
  { wakeAt, ms }: { wakeAt: JsonValue | undefined; ms: number },
): Promise<undefined> {
  let due = Number(wakeAt);
  if (wakeAt === undefined) {
    due = clock.now() + Math.max(0, ms);
    await writer.wait({ type: "timer.started", key, data: { wakeAt: due } });
  }
  await clock.sleep(Math.max(0, due - clock.now()), { signal });
  await writer.wake({ type: "timer.fired", key, data: {} });
}

async function doWait(
  { clock, writer, takeSignal }: ContextOptions,
  key: string,
  wait: { name: string; timeoutMs: number | undefined; begun: JsonObject | undefined },
): Promise<JsonValue> {
  const { timeoutMs } = wait;
  let deadline = wait.begun?.["deadline"] ?? null;
  if (wait.begun === undefined) {
    deadline = timeoutMs === undefined ? null : clock.now() + timeoutMs;
    await writer.wait({ type: "signal.awaited", key, data: { name: wait.name, deadline } });
  }
  return await takeSignal({ name: wait.name, key, deadline: deadline === null ? undefined : Number(deadline) });
}

function asObject(value: JsonValue): { readonly [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { [key: string]: JsonValue })
    : { detail: value };
}

function textOf(checkpoint: JsonValue | undefined): string {
  return checkpoint === undefined ? "" : JSON.stringify(checkpoint);
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
