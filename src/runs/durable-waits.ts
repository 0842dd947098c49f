import type { JsonObject, JsonValue, SchemaIssue } from "../base/index.ts";
import { baseErrors, checkSchema, jsonSchemaOf } from "../base/index.ts";
import type { StepSurroundings } from "./do-step.ts";
import type { WaitOptions } from "./run.ts";

/** Refuses times that are no numbers. Errors: invalid_input. */
export function assertFinite(ms: number, what: string): void {
  if (Number.isFinite(ms)) return;
  throw baseErrors.create("invalid_input", `The ${what} is ${ms} ms; it must be a finite number.`);
}

/** Is a sleep. `wakeAt` is when it ends, if it was begun before. */
export interface Sleep {
  readonly ms: number;
  readonly wakeAt: JsonValue | undefined;
}

/** Sleeps durably. Errors: invalid_input. */
export async function doSleep(
  { clock, signal, writer, gate, activity }: StepSurroundings,
  key: string,
  { wakeAt, ms }: Sleep,
): Promise<undefined> {
  let due = Number(wakeAt);
  if (wakeAt === undefined) {
    due = clock.now() + Math.max(0, ms);
    await writer.wait({ type: "timer.started", key, data: { wakeAt: due } });
  }
  writer.waits();
  // However far the clock was set back meanwhile, it takes no longer than was asked for.
  const left = Math.min(due - clock.now(), ms);
  await activity.wait(clock.sleep(Math.max(0, left), { signal }));
  const passed = gate.passed(signal);
  if (passed !== undefined) await activity.wait(passed);
  await writer.wake({ type: "timer.fired", key, data: {} });
}

/** Is a wait for a signal. `begun` is what the log says of it, if it was begun before. */
export interface Wait {
  readonly name: string;
  readonly asked: WaitOptions<unknown>;
  readonly begun: JsonObject | undefined;
}

/** Waits durably for a signal and gives its payload. Errors: timed_out. */
export async function doWait(
  { clock, writer, inbox }: StepSurroundings,
  key: string,
  { name, begun, asked }: Wait,
): Promise<JsonValue> {
  const { schema, timeoutMs, question } = asked;
  let deadline = begun?.["deadline"] ?? null;
  if (begun === undefined) {
    deadline = timeoutMs === undefined ? null : clock.now() + timeoutMs;
    const form = schema === undefined ? {} : answerForm(schema, name);
    const told = { ...(question === undefined ? {} : { question }), ...form };
    await writer.wait({ type: "signal.awaited", key, data: { name, deadline, ...told } });
  }
  return await inbox.take({
    name,
    key,
    deadline: deadline === null ? undefined : Number(deadline),
    check: schema && (async (payload) => await issuesOf(schema, payload)),
    entryOf: (output) => ({ type: "signal.received", key, data: { name, output } }),
  });
}

type AnySchema = NonNullable<WaitOptions<unknown>["schema"]>;

async function issuesOf(schema: AnySchema, payload: JsonValue): Promise<readonly SchemaIssue[]> {
  const read = await checkSchema(schema, payload);
  return read.ok ? [] : read.issues;
}

/** Gives the JSON schema of an answer for whoever is to give it, if the schema has one. */
function answerForm(schema: AnySchema, name: string): { readonly schema?: JsonObject } {
  try {
    return { schema: jsonSchemaOf(schema, `the payload of the signal ${name}`) };
  } catch {
    return {};
  }
}
