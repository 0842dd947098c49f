import fc from "fast-check";
import type { UnknownOutcome } from "../../src/runs/index.ts";

/** Is one thing that a planned run does. Units: milliseconds; `failures` and `attempts` count planned failures. */
export type Op =
  | { readonly kind: "step"; readonly ms: number; readonly failures: number }
  | { readonly kind: "together"; readonly width: number }
  | { readonly kind: "effect"; readonly ms: number; readonly onUnknown: UnknownOutcome }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "wait" }
  | { readonly kind: "child"; readonly ops: readonly Op[] }
  | { readonly kind: "emit" }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "spend"; readonly tokens: number }
  | { readonly kind: "falter"; readonly attempts: number }
  | { readonly kind: "break" };

/** Is what the load does with a run after it was started. Units: `afterMs` since its start was acknowledged. */
export interface PlannedAction {
  readonly kind: "cancel" | "pause" | "fork";
  readonly afterMs: number;
}

/** Is one run of the load. `needs` counts back: 1 is the plan before this one. */
export interface Plan {
  readonly ops: readonly Op[];
  readonly queue: "none" | "fast" | "bulk";
  readonly tenant: "ada" | "bob" | "eve" | undefined;
  readonly priority: number;
  readonly delayMs: number;
  readonly needs: readonly number[];
  readonly onFailure: "fail" | "skip";
  readonly attempts: number;
  readonly dedup: boolean;
  readonly action: PlannedAction | undefined;
  readonly redrive: boolean;
}

/** Is what a planned run gets as its input. */
export interface PlanInput {
  readonly plan: number;
  readonly ops: readonly Op[];
}

/** Says which parts of the engine the load uses. */
export type Feature = "queue" | "pause" | "fork" | "effects" | "needs" | "retry" | "dead" | "step-retry";

/** Names every part that the load can use. */
export const allFeatures: readonly Feature[] = [
  "queue",
  "pause",
  "fork",
  "effects",
  "needs",
  "retry",
  "dead",
  "step-retry",
];

const few = fc.integer({ min: 1, max: 6 });
const step: fc.Arbitrary<Op> = fc.record({
  kind: fc.constant("step" as const),
  ms: few,
  failures: fc.constantFrom(0, 0, 0, 1, 2),
});
const effect: fc.Arbitrary<Op> = fc.record({
  kind: fc.constant("effect" as const),
  ms: few,
  onUnknown: fc.constantFrom("retry" as const, "park" as const, "fail" as const),
});
const rest: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ kind: fc.constant("together" as const), width: fc.integer({ min: 2, max: 5 }) }),
  fc.record({ kind: fc.constant("sleep" as const), ms: fc.integer({ min: 1, max: 60 }) }),
  fc.constant<Op>({ kind: "wait" }),
  fc.record({ kind: fc.constant("child" as const), ops: fc.array(step, { minLength: 1, maxLength: 3 }) }),
  fc.constant<Op>({ kind: "emit" }),
  fc.constant<Op>({ kind: "checkpoint" }),
  fc.record({ kind: fc.constant("spend" as const), tokens: fc.integer({ min: 1, max: 50 }) }),
);
const mishap: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("falter" as const), attempts: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Op>({ kind: "break" }) },
);
const ops = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: step },
    { weight: 4, arbitrary: effect },
    { weight: 5, arbitrary: rest },
    { weight: 1, arbitrary: mishap },
  ),
  { minLength: 1, maxLength: 10 },
);
const action = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("cancel" as const, "pause" as const, "fork" as const),
      afterMs: fc.integer({ min: 0, max: 120 }),
    }),
  },
);

const plan: fc.Arbitrary<Plan> = fc.record({
  ops,
  queue: fc.constantFrom("none" as const, "fast" as const, "bulk" as const),
  tenant: fc.constantFrom("ada" as const, "bob" as const, "eve" as const, undefined),
  priority: fc.integer({ min: -10, max: 10 }),
  delayMs: fc.constantFrom(0, 0, 0, 0, 50, 400),
  needs: fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }) },
  ),
  onFailure: fc.constantFrom("fail" as const, "skip" as const),
  attempts: fc.integer({ min: 1, max: 3 }),
  dedup: fc.boolean(),
  action,
  redrive: fc.boolean(),
});

const chunk = 100;

/** Gives the plans of a seed, one after another, without end; the same for the same seed and features. */
export function* plans(seed: number, features: ReadonlySet<Feature>): Generator<Plan, undefined> {
  for (let part = 0; ; part++) {
    for (const each of fc.sample(plan, { seed: (seed * 7_919 + part) | 0, numRuns: chunk }))
      yield within(each, features);
  }
}

/** Leaves out of a plan what the load is not to use. */
function within(each: Plan, features: ReadonlySet<Feature>): Plan {
  const queued = features.has("queue") && each.queue !== "none";
  const { action: asked } = each;
  const allowed = asked !== undefined && (asked.kind === "cancel" || features.has(asked.kind));
  return {
    ...each,
    queue: queued ? each.queue : "none",
    delayMs: queued ? each.delayMs : 0,
    needs: queued && features.has("needs") ? each.needs : [],
    attempts: queued && features.has("retry") ? each.attempts : 1,
    redrive: each.redrive && features.has("dead"),
    action: allowed ? asked : undefined,
    ops: each.ops.map((op) => known(op, features)),
  };
}

function known(op: Op, features: ReadonlySet<Feature>): Op {
  if (op.kind === "effect" && !features.has("effects")) return { kind: "step", ms: op.ms, failures: 0 };
  if (op.kind === "step" && !features.has("step-retry")) return { ...op, failures: 0 };
  if (op.kind === "child") return { ...op, ops: op.ops.map((each) => known(each, features)) };
  return op;
}

/** Names the step of an op: where it stands in its run. */
export function keyAt(index: number, part = 0): string {
  return part === 0 ? `op${index}` : `op${index}.${part}`;
}

/** Is what an op gives, whenever and wherever it is done. */
export function valueOf(op: Op, index: number): number {
  switch (op.kind) {
    case "step":
    case "effect":
      return index * 10 + op.ms;
    case "together":
      return index * 10 * op.width + (op.width * (op.width - 1)) / 2;
    case "child":
      return outputOf(op.ops);
    case "spend":
      return op.tokens;
    default:
      return index;
  }
}

/** Tells the output of a run that completes. */
export function outputOf(all: readonly Op[]): number {
  return all.reduce((sum, op, index) => sum + valueOf(op, index), 0);
}

/** Tells how the model says that a run left to itself ends: its planned failures against its attempts. */
export function endOf({ ops: all, attempts }: Pick<Plan, "ops" | "attempts">): "completed" | "failed" {
  return all.some((op) => op.kind === "break" || (op.kind === "falter" && op.attempts >= attempts))
    ? "failed"
    : "completed";
}
