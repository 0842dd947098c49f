import { setTimeout as delay } from "node:timers/promises";
import { workflow } from "../../src/runs/index.ts";
import type { AnyWorkflow, RunContext, StepContext } from "../../src/runs/index.ts";

/** Is what happens around a scene: whether it is cut off where it may be, and which bodies of steps ran, by idempotency key. */
export interface Surroundings {
  readonly cut: boolean;
  /** Is called where the scene is to be cut off. */
  readonly reached: () => void;
  readonly done: string[];
}

/** Is one workflow whose log is recorded. It never changes: logs of every release must go on with it. */
export interface Scene {
  readonly name: string;
  readonly input: number;
  /** The oldest schema that it can be recorded with. */
  readonly since: 1 | 2;
  readonly signals?: readonly string[];
  readonly queue?: string;
  make(around: Surroundings): AnyWorkflow;
}

type Body = (context: RunContext, input: number) => Promise<unknown>;

function scene(name: string, body: (tools: Tools) => Body, options: Partial<Scene> = {}): Scene {
  return {
    name,
    input: 7,
    since: 1,
    ...options,
    make: (around) => workflow<number, unknown>({ name, run: body(toolsOf(around)) }),
  };
}

/** Are what scenes are written with. */
interface Tools {
  /** Notes that a body ran, and gives a value. */
  readonly note: <T>(value: T) => (step: StepContext) => T;
  /** Never ends while the log is being recorded; gives a value afterwards. */
  readonly cutHere: <T>(value: T) => (step: StepContext) => Promise<T>;
  readonly around: Surroundings;
}

function toolsOf(around: Surroundings): Tools {
  return {
    around,
    note: (value) => (step) => {
      around.done.push(keyOf(step));
      return value;
    },
    cutHere: (value) => async (step) => {
      around.done.push(keyOf(step));
      if (!around.cut) return value;
      around.reached();
      return await delay(2 ** 30, value, { signal: step.signal });
    },
  };
}

/** Leaves out the run's id, which each run has for itself. */
function keyOf({ idempotencyKey }: StepContext): string {
  return idempotencyKey.slice(idempotencyKey.indexOf(":") + 1);
}

const failing = (text: string) => (): never => {
  throw new Error(text);
};

/** Holds every scene. */
export const scenes: readonly Scene[] = [
  scene("steps", ({ note, cutHere }) => async (context, input) => {
    const first = await context.step("add", note(input + 1));
    const second = await context.step("add", note(first + 1));
    const drawn = context.random.next();
    const at = context.clock.now();
    const [left, right] = await Promise.all([context.step("left", note(1)), context.step("right", note(2))]);
    const last = await context.step("last", cutHere(second + left + right));
    return { last, drawn, same: context.clock.now() >= at };
  }),
  scene("failures", ({ note, cutHere }) => async (context) => {
    const caught = await context.step("fails", failing("refused")).catch((error: unknown) => String(error));
    await context.step("after", note("went on"));
    return { caught, last: await context.step("last", cutHere("end")) };
  }),
  scene("calls", ({ note, cutHere }) => {
    const child = workflow<number, number>({
      name: "calls-child",
      run: async (context, input) => await context.step("double", note(input * 2)),
    });
    return async (context, input) => {
      const first = await context.call(child, input);
      return (await context.step("between", cutHere(first))) + (await context.call(child, first));
    };
  }),
  scene("timers", ({ note, around }) => async (context) => {
    await context.sleep(1);
    const before = await context.step("before", note(1));
    if (around.cut) around.reached();
    await context.sleep(500);
    return before + (await context.step("after", note(2)));
  }),
  scene(
    "signals",
    ({ note, around }) =>
      async (context) => {
        const first = await context.waitFor("go");
        await context.step("between", note(first));
        if (around.cut) around.reached();
        return [first, await context.waitFor("go-on")];
      },
    { signals: ["go", "go-on"] },
  ),
  scene("checkpoints", ({ note, cutHere }) => async (context) => {
    const reached = context.restored as { readonly sum: number } | undefined;
    let sum = reached?.sum ?? 0;
    if (reached === undefined) {
      sum += await context.step("part", note(10));
      await context.checkpoint({ sum });
    }
    sum += await context.step("part", note(20));
    return { sum: await context.step("last", cutHere(sum)), drawn: context.random.next() };
  }),
  scene("events", ({ note, cutHere }) => async (context) => {
    context.emit({ type: "told.first", data: 1 });
    await context.step("quiet", note(0));
    await context.step("told", (step) => {
      context.emit({ type: "told.within", data: 2 });
      return note(1)(step);
    });
    const last = await context.step("announced", cutHere("end"), { announce: { what: "a step" } });
    context.emit({ type: "told.last", data: 3 });
    return last;
  }),
  scene(
    "retries",
    ({ note, cutHere, around }) => {
      let tries = around.cut ? 0 : 1;
      return async (context) => {
        const body = async (step: StepContext): Promise<string> =>
          tries++ === 0 ? failing("not yet")() : await cutHere("at last")(step);
        const last = await context.step("shaky", body, { retry: { attempts: 5, minDelayMs: 1, maxDelayMs: 2 } });
        return [last, await context.step("after", note(1))];
      };
    },
    { since: 2 },
  ),
  scene(
    "effects",
    ({ note, cutHere }) =>
      async (context) => {
        const sure = await context.step("sure", note(1), { onUnknown: "fail" });
        return [sure, await context.step("again", cutHere(2), { onUnknown: "retry" })];
      },
    { since: 2 },
  ),
  scene(
    "unknown effects",
    ({ note, cutHere }) =>
      async (context) => {
        const told = await context
          .step("once", cutHere(1), { onUnknown: "fail" })
          .catch((error: unknown) => String(error));
        return [told, await context.step("after", note(2))];
      },
    { since: 2 },
  ),
  scene(
    "queued",
    ({ note, cutHere }) =>
      async (context) => [await context.step("first", note(1)), await context.step("last", cutHere(context.attempt))],
    { since: 2, queue: "replayed" },
  ),
];
