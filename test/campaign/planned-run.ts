import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { defineErrors } from "../../src/base/index.ts";
import { workflow } from "../../src/runs/index.ts";
import type { RunContext, StepContext, StepOptions, Workflow } from "../../src/runs/index.ts";
import { keyAt, valueOf } from "./plan.ts";
import type { Op, PlanInput } from "./plan.ts";
import type { Trace } from "./trace.ts";

/** Holds the failures that plans ask for. */
const planErrors = defineErrors("campaign", {
  planned_falter: { status: 503, retry: "later", exitCode: 7, summary: "A planned failure.", fix: "Try again." },
  planned_break: { status: 400, retry: "never", exitCode: 7, summary: "A planned end.", fix: "Nothing." },
});

/** Is what the step of a planned run gives: its value, and which execution did it. */
export interface Did {
  readonly value: number;
  readonly by: string;
}

/** Is one execution of a planned run. */
interface Performance {
  readonly context: RunContext;
  readonly trace: Trace;
  readonly by: string;
  readonly plan: number;
  readonly part: Workflow<PlanInput, number> | undefined;
}

/** Makes the workflow that does what a plan says and notes it outside; its children are runs of `part`. */
export function plannedRun(
  trace: Trace,
  name: "planned" | "part",
  part?: Workflow<PlanInput, number>,
): Workflow<PlanInput, number> {
  return workflow<PlanInput, number>({
    name,
    async run(context, { plan, ops }) {
      const by = randomUUID();
      const run = context.runId;
      trace.note({ kind: "entered", run, by, attempt: context.attempt, tenant: context.tenant });
      try {
        const sum = await perform({ context, trace, by, plan, part }, ops);
        trace.note({ kind: "left", run, by, ok: true });
        return sum;
      } catch (error) {
        trace.note({ kind: "left", run, by, ok: false });
        throw error;
      }
    },
  });
}

async function perform(performance: Performance, ops: readonly Op[]): Promise<number> {
  const reached = performance.context.restored as { readonly next: number; readonly sum: number } | undefined;
  let sum = reached?.sum ?? 0;
  for (const [index, op] of ops.entries()) {
    if (index < (reached?.next ?? 0)) continue;
    if (op.kind === "checkpoint") await performance.context.checkpoint({ next: index + 1, sum: sum + index });
    sum += await doOp(performance, op, index);
  }
  return sum;
}

async function doOp(performance: Performance, op: Op, index: number): Promise<number> {
  const { context, plan, part } = performance;
  switch (op.kind) {
    case "together": {
      const parts = Array.from({ length: op.width }, (_, n) => n);
      const values = await Promise.all(
        parts.map((n) => doStep(performance, keyAt(index, n + 1), { value: index * 10 + n, ms: 1 })),
      );
      return values.reduce((sum, value) => sum + value, 0);
    }
    case "step": {
      const { failures, ms } = op;
      const options = failures > 0 ? { retry: { attempts: 30, minDelayMs: 1, maxDelayMs: 5 } } : undefined;
      return await doStep(performance, keyAt(index), { value: valueOf(op, index), ms, failures, options });
    }
    case "effect": {
      const { onUnknown, ms } = op;
      return await doStep(performance, keyAt(index), { value: valueOf(op, index), ms, options: { onUnknown } });
    }
    case "falter": {
      const failing = context.attempt <= op.attempts;
      return await doStep(performance, keyAt(index), { value: index, ms: 1, fail: failing ? "falter" : undefined });
    }
    case "break":
      return await doStep(performance, keyAt(index), { value: index, ms: 1, fail: "break" });
    case "spend":
      return await spend(performance, op.tokens, index);
    case "sleep":
      await context.sleep(op.ms);
      return index;
    case "wait":
      await context.waitFor(`go${index}`);
      return index;
    case "child":
      return part === undefined ? 0 : await context.call(part, { plan, ops: op.ops });
    case "emit":
      context.emit({ type: "load.told", data: { index } });
      return index;
    case "checkpoint":
      return index;
  }
}

/** Says what the body of a planned step does: how long it takes, how often it fails first, or that it fails the run. */
interface Body {
  readonly value: number;
  readonly ms: number;
  readonly failures?: number;
  readonly fail?: "falter" | "break" | undefined;
  readonly options?: StepOptions | undefined;
}

async function doStep(
  { context, trace, by }: Performance,
  key: string,
  { value, ms, failures = 0, fail, options }: Body,
): Promise<number> {
  const run = context.runId;
  let failed = 0;
  const body = async ({ idempotencyKey }: StepContext): Promise<Did> => {
    trace.note({ kind: "began", run, by, key, once: idempotencyKey });
    await delay(ms);
    trace.note({ kind: "did", run, by, key });
    if (fail === "falter") throw planErrors.create("planned_falter", "This attempt was to fail.");
    if (fail === "break") throw planErrors.create("planned_break", "This run was to fail.");
    if (failed++ < failures) throw planErrors.create("planned_falter", "This try was to fail.");
    return { value, by };
  };
  const done = await context.step(key, body, options);
  trace.note({ kind: "known", run, by, key });
  return done.value;
}

async function spend({ context, trace, by }: Performance, tokens: number, index: number): Promise<number> {
  const run = context.runId;
  const key = keyAt(index);
  const done = await context.step(key, async ({ idempotencyKey }): Promise<Did> => {
    trace.note({ kind: "began", run, by, key, once: idempotencyKey });
    const reservation = await context.budget.reserve({ tokens, costMicroUsd: 0 });
    await reservation.settle({ tokens, costMicroUsd: 0 });
    trace.note({ kind: "spent", run, scope: context.tenant ?? "none", tokens });
    return { value: tokens, by };
  });
  trace.note({ kind: "known", run, by, key });
  return done.value;
}
