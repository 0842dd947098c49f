import { AsyncLocalStorage } from "node:async_hooks";
import type { Budget, Clock, JsonObject, JsonValue } from "../base/index.ts";
import { baseErrors, failpoint, parseSchema, seededRandom, stringifyJson, toAtlasError } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { runErrors } from "./errors.ts";
import { isReserved } from "./events.ts";
import type { LogWriter } from "./log-writer.ts";
import { dataOf, toPlain } from "./plain.ts";
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
  readonly tenant: string | undefined;
  readonly attempt: number;
  readonly budget: Budget;
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
  // One for each run: a run that is started within a step of another is no part of that step.
  const runningStep = new AsyncLocalStorage<string>();
  let random = seededRandom(hash(`${runId}/${replaying.checkpoints()}`));
  return {
    runId,
    signal,
    clock: replaying.clock,
    logger: options.logger,
    tenant: options.tenant,
    attempt: options.attempt,
    budget: options.budget,
    random: { next: () => random.next() },
    restored: recorded.checkpoint,
    async step<T>(name: string, body: (step: StepContext) => T | Promise<T>, stepOptions?: StepOptions): Promise<T> {
      const key = replaying.keyOf(name);
      const within = (given: StepContext) => runningStep.run(key, () => body(given));
      return (await replaying.once(key, () => doStep(options, key, { body: within, ...stepOptions }))) as T;
    },
    async call<Input, Output>(workflow: Workflow<Input, Output>, input: Input): Promise<Output> {
      const what = `input of ${workflow.name}`;
      const key = replaying.keyOf(`call:${workflow.name}`);
      const read = workflow.input ? await parseSchema(workflow.input, input, what) : input;
      const plain = JSON.parse(stringifyJson(read, what)) as JsonValue;
      const started = recorded.open.get(key)?.["runId"];
      const child = {
        workflow,
        input: plain,
        key,
        started: typeof started === "string" ? started : undefined,
      };
      return (await replaying.once(key, () => options.callChild(child))) as Output;
    },
    async sleep(ms) {
      assertFinite(ms, "time to sleep");
      const key = replaying.keyOf("sleep");
      await replaying.once(key, () => doSleep(options, key, { wakeAt: recorded.open.get(key)?.["wakeAt"], ms }));
    },
    async waitFor<T>(name: string, { schema, timeoutMs }: WaitOptions<T> = {}): Promise<T> {
      if (timeoutMs !== undefined) assertFinite(timeoutMs, `time to wait for ${name}`);
      const key = replaying.keyOf(`signal:${name}`);
      const payload =
        (await replaying.once(key, () => doWait(options, key, { name, timeoutMs, begun: recorded.open.get(key) }))) ??
        null;
      return schema ? await parseSchema(schema, payload, `payload of the signal ${name}`) : (payload as T);
    },
    steered: () => Promise.resolve([]),
    emit(event) {
      signal.throwIfAborted();
      requireOwnType(event.type);
      // What a step does again it tells again: its events bear its key, and are not counted among the function's own.
      const key = runningStep.getStore();
      if (event.transient || key !== undefined || replaying.isNewEmit()) writer.emit(event, key);
    },
    async checkpoint(state) {
      signal.throwIfAborted();
      replaying.countCheckpoint();
      random = seededRandom(hash(`${runId}/${replaying.checkpoints()}`));
      await writer.checkpoint({ state, counts: Object.fromEntries(replaying.counts) });
    },
  };
}

function requireOwnType(type: string): void {
  if (!isReserved(type)) return;
  throw runErrors.create("event_reserved", `The event ${type} is the engine's own; choose another type.`, {
    details: { type },
  });
}

/** No step can have this name: names hold no "#". */
const checkpointCount = "#checkpoint";

/** Gives out what was recorded: names the things that a function asks for, in the order of asking, and finds their outcomes. */
function createReplay({ signal, recorded, clock }: ContextOptions) {
  const counts = new Map<string, number>(Object.entries(recorded.counts));
  let replayedAt = 0;
  let asksForNew = false;
  let emitted = 0;
  // A result that nobody asks for again would otherwise keep a run replaying for ever.
  const active = (): boolean => !asksForNew && recorded.left > 0;
  return {
    counts,
    checkpoints: () => counts.get(checkpointCount) ?? 0,
    countCheckpoint(): void {
      counts.set(checkpointCount, (counts.get(checkpointCount) ?? 0) + 1);
    },
    /** Counts an emitted event; tells whether the log lacks it. */
    isNewEmit: (): boolean => emitted++ >= recorded.emits,
    keyOf(name: string): string {
      if (name.includes("#")) {
        throw baseErrors.create(
          "invalid_input",
          `The name ${JSON.stringify(name)} holds "#", which numbers steps of one name.`,
        );
      }
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return count === 1 ? name : `${name}#${count}`;
    },
    /** Gives the recorded outcome under this key, or does the thing. */
    async once(key: string, act: () => Promise<JsonValue | undefined>): Promise<JsonValue | undefined> {
      signal.throwIfAborted();
      const outcome = recorded.take(key);
      if (outcome === undefined) {
        asksForNew = true;
        return await act();
      }
      replayedAt = outcome.at;
      // What the body of the recorded step emitted is in the log, and not emitted again.
      emitted = Math.max(emitted, outcome.emitsBefore);
      return replay(outcome);
    },
    clock: {
      ...clock,
      // While recorded work is given out, time is when it was done, so that code that looks at it decides as it did.
      now: () => (active() && replayedAt > 0 ? replayedAt : clock.now()),
    } satisfies Clock,
  };
}

function assertFinite(ms: number, what: string): void {
  if (Number.isFinite(ms)) return;
  throw baseErrors.create("invalid_input", `The ${what} is ${ms} ms; it must be a finite number.`);
}

async function doStep<T>(
  options: ContextOptions,
  key: string,
  { body, announce }: StepOptions & { body: (step: StepContext) => T | Promise<T> },
): Promise<JsonValue | undefined> {
  const { runId, signal, clock, writer } = options;
  if (announce !== undefined) writer.emit({ type: "step.started", data: { key, ...asObject(announce) } }, key);
  const begin = clock.monotonic();
  const durationMs = (): number => Math.round((clock.monotonic() - begin) * 10) / 10;
  let plain: JsonValue | undefined;
  failpoint("step.before");
  try {
    plain = toPlain(await body({ signal, idempotencyKey: `${runId}:${key}` }), `result of the step ${key}`);
  } catch (cause) {
    // What a stop interrupted has not failed: the next execution does it again.
    if (signal.aborted) throw signal.reason;
    const error = toAtlasError(cause);
    await writer.append({
      type: "step.failed",
      key,
      data: { error: dataOf(error), durationMs: durationMs() },
    });
    throw error;
  }
  failpoint("step.after");
  const result = plain === undefined ? {} : { output: plain };
  await writer.append({
    type: "step.completed",
    key,
    data: { ...result, durationMs: durationMs() },
  });
  return plain;
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
  return await takeSignal({
    name: wait.name,
    key,
    deadline: deadline === null ? undefined : Number(deadline),
  });
}

function asObject(value: JsonValue): { readonly [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { [key: string]: JsonValue })
    : { detail: value };
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
