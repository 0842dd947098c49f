import type { Budget, JsonValue, Random } from "../base/index.ts";
import { baseErrors, parseSchema, seededRandom, stringifyJson } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { StepSurroundings } from "./do-step.ts";
import { doStep } from "./do-step.ts";
import { assertFinite, doSleep, doWait } from "./durable-waits.ts";
import { runErrors } from "./errors.ts";
import { isReserved } from "./events.ts";
import type { RecordedSteps } from "./recorded-steps.ts";
import { createReplay } from "./replay.ts";
import type { Replay } from "./replay.ts";
import type { AnyWorkflow, CallOptions, RunContext, StepContext, StepOptions, WaitOptions, Workflow } from "./run.ts";
import { checkStartOptions } from "./tasks/start-options.ts";

/** Is what the engine gives to one execution of a run. */
export interface ContextOptions {
  readonly run: RunFacts;
  /** Makes the logger of the run, when it is asked for. */
  readonly logger: () => Logger;
  readonly recorded: RecordedSteps;
  readonly around: StepSurroundings;
  /** Runs a child to its end; `started` is the id of the child that an earlier execution started. */
  readonly callChild: (call: ChildCall) => Promise<JsonValue | undefined>;
}

/** Is what a function is told of its run. */
export interface RunFacts {
  readonly runId: string;
  readonly tenant: string | undefined;
  readonly attempt: number;
  readonly budget: Budget;
  /** Begins the run's chance: a fork has that of the run that it was forked from, whose outcomes it replays. */
  readonly seed: string;
}

/** Is a call of a child run. */
export interface ChildCall {
  readonly workflow: AnyWorkflow;
  readonly input: JsonValue;
  readonly key: string;
  readonly started: string | undefined;
  readonly options: Omit<CallOptions, "signal">;
  /** Cancels the child alone. */
  readonly signal: AbortSignal | undefined;
}

/** Makes the context that a durable function works with. */
export function createContext(options: ContextOptions): RunContext {
  const { run, recorded, around } = options;
  const { runId, seed, tenant, attempt, budget } = run;
  const { signal, writer } = around;
  const replaying = createReplay({ ...around, recorded });
  const chanceNow = (): Random => seededRandom(hash(`${seed}/${replaying.checkpoints()}`));
  let chance: Random | undefined;
  return {
    runId,
    signal,
    clock: replaying.clock,
    logger: laterLogger(options.logger),
    tenant,
    attempt,
    budget,
    pausing: around.gate,
    log: { position: () => writer.position, durable: () => writer.durable() },
    random: { next: () => (chance ??= chanceNow()).next() },
    restored: recorded.checkpoint,
    ...createActs(options, replaying),
    ...createWaits(options, replaying),
    emit(event) {
      signal.throwIfAborted();
      requireOwnType(event.type);
      // What a step does again it tells again: its events bear its key, and are not counted among the function's own.
      const key = replaying.scopes.key;
      if (event.transient || key !== undefined || recorded.isNewEmit(event)) writer.emit(event, key);
    },
    async checkpoint(state) {
      signal.throwIfAborted();
      requireNoStep(replaying.scopes.key);
      replaying.countCheckpoint();
      chance = undefined;
      await writer.checkpoint({ state, counts: Object.fromEntries(replaying.counts) });
    },
  };
}

/** Makes the logger when something is logged: most runs log nothing. */
function laterLogger(make: () => Logger): Logger {
  let made: Logger | undefined;
  const logger = (): Logger => (made ??= make());
  return {
    debug: (message, fields) => logger().debug(message, fields),
    info: (message, fields) => logger().info(message, fields),
    warn: (message, fields) => logger().warn(message, fields),
    error: (message, fields) => logger().error(message, fields),
    child: (fields) => logger().child(fields),
  };
}

/** What a function does: steps and calls. */
function createActs(
  { recorded, around, callChild }: ContextOptions,
  replaying: Replay,
): Pick<RunContext, "step" | "call"> {
  return {
    step<T>(name: string, body: (step: StepContext) => T | Promise<T>, options: StepOptions = {}): Promise<T> {
      try {
        const key = replaying.keyOf(name);
        const within = replaying.scopes.bodyOf({ key, isRetried: options.retry !== undefined }, body);
        const step = { key, name, body: within, options, begun: recorded.takeOpen(key) };
        return replaying.once(key, () => doStep(around, step)) as Promise<T>;
      } catch (refusal) {
        return Promise.reject(refusal);
      }
    },
    async call<Input, Output>(
      workflow: Workflow<Input, Output>,
      input: Input,
      { signal: alone, ...asked }: CallOptions = {},
    ): Promise<Output> {
      checkStartOptions(asked, around.clock.now());
      const what = `input of ${workflow.name}`;
      const key = replaying.keyOf(`call:${workflow.name}`);
      const read = workflow.input ? await parseSchema(workflow.input, input, what) : input;
      const plain = JSON.parse(stringifyJson(read, what)) as JsonValue;
      const started = recorded.takeOpen(key)?.data["runId"];
      const child = {
        workflow,
        input: plain,
        key,
        started: typeof started === "string" ? started : undefined,
        options: asked,
        signal: alone,
      };
      return (await replaying.once(key, () => callChild(child))) as Output;
    },
  };
}

/** What a function waits for, and what is sent to it. */
function createWaits(
  { recorded, around }: ContextOptions,
  replaying: Replay,
): Pick<RunContext, "sleep" | "waitFor" | "steered"> {
  const { signal, gate } = around;
  const isFree = (): boolean => !gate.isClosed && !signal.aborted && replaying.scopes.key === undefined;
  return {
    async sleep(ms) {
      assertFinite(ms, "time to sleep");
      const key = replaying.keyOf("sleep");
      const wakeAt = recorded.takeOpen(key)?.data["wakeAt"];
      await replaying.once(key, () => doSleep(around, key, { wakeAt, ms }));
    },
    async waitFor<T>(name: string, asked: WaitOptions<T> = {}): Promise<T> {
      if (asked.timeoutMs !== undefined) assertFinite(asked.timeoutMs, `time to wait for ${name}`);
      const { schema } = asked;
      const key = replaying.keyOf(`signal:${name}`);
      const begun = recorded.takeOpen(key)?.data;
      const wait = { name, begun, asked: asked as WaitOptions<unknown> };
      const payload = (await replaying.once(key, () => doWait(around, key, wait))) ?? null;
      return schema ? await parseSchema(schema, payload, `payload of the signal ${name}`) : (payload as T);
    },
    async steered() {
      const key = replaying.ownKeyOf("#steered");
      // What the log does not know was empty then: nothing is written when nothing was there.
      if (!recorded.has(key) && (replaying.isActive() || (isFree() && around.inbox.isQuiet()))) return [];
      const entryOf = (output: readonly JsonValue[]) => ({ type: "run.steered", key, data: { output } });
      const take = async () => await around.inbox.takeSteering(entryOf);
      return ((await replaying.once(key, take)) ?? []) as JsonValue[];
    },
  };
}

function requireOwnType(type: string): void {
  if (!isReserved(type)) return;
  throw runErrors.create("event_reserved", `The event ${type} is the engine's own; choose another type.`, {
    details: { type },
  });
}

function requireNoStep(key: string | undefined): void {
  if (key === undefined) return;
  throw baseErrors.create(
    "invalid_input",
    `The body of the step ${key} asked for a checkpoint, which would forget that the step is under way; checkpoint outside of steps.`,
    { details: { step: key } },
  );
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
