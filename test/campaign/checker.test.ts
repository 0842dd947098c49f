import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/base/index.ts";
import type { RunEvent } from "../../src/runs/index.ts";
import { check } from "./checker.ts";
import type { Evidence, FinalRun } from "./evidence.ts";
import type { Plan } from "./plan.ts";
import type { TraceLine } from "./trace.ts";

const plan: Plan = {
  ops: [
    { kind: "step", ms: 1, failures: 0 },
    { kind: "effect", ms: 2, onUnknown: "park" },
  ],
  queue: "none",
  tenant: undefined,
  priority: 0,
  delayMs: 0,
  needs: [],
  onFailure: "fail",
  attempts: 1,
  dedup: false,
  action: undefined,
  redrive: false,
};
const run: FinalRun = {
  id: "run_a",
  workflow: "planned",
  status: "completed",
  finished: true,
  plan: 0,
  output: 13,
  errorCode: undefined,
  attempt: 1,
  dead: false,
  isDue: true,
  queue: undefined,
  tenant: undefined,
  parentId: undefined,
  originId: undefined,
  needs: [],
};

function entry(seq: number, type: string, data: JsonValue = {}): RunEvent {
  return { runId: "run_a", seq, type, at: 1, data };
}

const did = (seq: number, key: string, by = "x1"): RunEvent => ({
  ...entry(seq, "step.completed", { output: { value: 1, by } }),
  key,
});
const log = [entry(1, "run.started"), did(2, "op0"), did(3, "op1"), entry(4, "run.completed")];

const began = (key: string, by = "x1", id = "run_a"): TraceLine => ({
  pid: 1,
  kind: "began",
  run: id,
  by,
  key,
  once: `${id}:${key}`,
});
const known = (key: string): TraceLine => ({ pid: 1, kind: "known", run: "run_a", by: "x1", key });
const trace: readonly TraceLine[] = [
  { pid: 1, kind: "entered", run: "run_a", by: "x1", attempt: 1 },
  began("op0"),
  { pid: 1, kind: "did", run: "run_a", by: "x1", key: "op0" },
  known("op0"),
  began("op1"),
  { pid: 1, kind: "did", run: "run_a", by: "x1", key: "op1" },
  known("op1"),
  { pid: 1, kind: "left", run: "run_a", by: "x1", ok: true },
];

/** Gives the record of a campaign in which everything went well, with one thing changed. */
function record(changes: Partial<Evidence> = {}): Evidence {
  return {
    plans: new Map([[0, plan]]),
    accepted: [{ plan: 0, run: "run_a" }],
    deeds: new Map(),
    runs: new Map([["run_a", run]]),
    logs: new Map([["run_a", log]]),
    rows: new Map([["run_a", log]]),
    followed: new Map([["run_a", log]]),
    trace,
    seen: new Map([["run_a", new Set(["completed 13 "])]]),
    letters: [],
    budgets: new Map([["none", { limit: 100, spent: 50 }]]),
    limits: { fast: { concurrency: 1, perTenant: 1 } },
    ...changes,
  };
}

function withLog(events: readonly RunEvent[], changes: Partial<Evidence> = {}): Evidence {
  const logs = new Map([["run_a", events]]);
  return record({ logs, rows: logs, followed: logs, ...changes });
}

const withRun = (changes: Partial<FinalRun>, others: Partial<Evidence> = {}): Evidence =>
  record({ runs: new Map([["run_a", { ...run, ...changes }]]), seen: new Map(), ...others });

const failed = [entry(1, "run.started"), entry(2, "run.failed")];
const dead: Partial<FinalRun> = { status: "failed", errorCode: "planned_break", queue: "fast", output: undefined };
const breaks: ReadonlyMap<number, Plan> = new Map([[0, { ...plan, ops: [{ kind: "break" }] }]]);
const sameLogs = (events: readonly RunEvent[]): Partial<Evidence> => {
  const logs = new Map([["run_a", events]]);
  return { logs, rows: logs, followed: logs };
};
const both: ReadonlyMap<string, FinalRun> = new Map([
  ["run_a", { ...run, queue: "fast", tenant: "ada" }],
  ["run_b", { ...run, id: "run_b", queue: "fast", tenant: "ada", plan: undefined }],
]);

const broken: readonly (readonly [what: string, evidence: Evidence, told: string])[] = [
  ["a run that was lost", record({ runs: new Map() }), "I1 accepted"],
  ["a run that never ends", withRun({ status: "running", finished: false }), "I1 never ended"],
  ["another output", withRun({ output: 14 }), "I1 its output is 14"],
  ["a failure that nobody planned", withRun({ status: "failed", errorCode: "database_failed" }), "I1 it failed with"],
  ["a cancel that nobody asked for", withRun({ status: "cancelled" }), "I1 nobody cancelled"],
  [
    "steps out of order",
    withLog([log[0], did(2, "op1"), did(3, "op0"), log[3]].filter(isThere)),
    "I1 op0 is recorded after",
  ],
  ["a body after its record", record({ trace: [...trace, began("op0", "x2")] }), "I2 op0 began after"],
  [
    "an outcome that is recorded twice",
    withLog([...log.slice(0, 3), did(4, "op0"), entry(5, "run.completed")]),
    "I2 op0 is recorded at",
  ],
  ["an effect that happens twice", record({ trace: [began("op1", "x0"), ...trace] }), "I3 the effect"],
  [
    "a step done by an execution that no log knows",
    record({ trace: [began("op0", "x0"), ...trace] }),
    "I3 op0 was done by 2",
  ],
  ["a body that one execution does twice", record({ trace: [began("op0"), ...trace] }), "I3 one execution did op0"],
  ["a gap", withLog([...log.slice(0, 2), entry(4, "run.completed")]), "I4 its log has a gap"],
  ["a reader that sees another log", record({ rows: new Map([["run_a", log.slice(0, 3)]]) }), "I4 the table saw"],
  [
    "a follower that misses an entry",
    record({ followed: new Map([["run_a", log.slice(1)]]) }),
    "I4 a live follower saw",
  ],
  [
    "a budget that is exceeded",
    record({ budgets: new Map([["none", { limit: 100, spent: 101 }]]) }),
    "I5 none has spent 101",
  ],
  [
    "books that forget what was spent",
    record({ trace: [...trace, { pid: 1, kind: "spent", run: "run_a", scope: "none", tokens: 60 }] }),
    "I5 none has spent 60 and its books",
  ],
  [
    "a failed run that is in no dead letters",
    withRun(dead, { plans: breaks, ...sameLogs(failed) }),
    "I6 failed for good",
  ],
  [
    "a dead letter that lacks an attempt",
    withRun({ ...dead, attempt: 2 }, { plans: breaks, ...sameLogs(failed), letters: [{ run: "run_a", attempts: 0 }] }),
    "I6 its dead letter tells of 0",
  ],
  [
    "a redrive of which no run comes",
    withRun(dead, {
      plans: breaks,
      ...sameLogs(failed),
      letters: [{ run: "run_a", attempts: 1 }],
      deeds: new Map([["run_a", new Set(["redrive" as const])]]),
    }),
    "I6 it was redriven",
  ],
  [
    "two owners between two claims",
    withLog([entry(1, "run.started"), did(2, "op0", "x1"), did(3, "op1", "x2"), entry(4, "run.completed")]),
    "I7 two owners",
  ],
  [
    "a former owner that records",
    withLog([
      entry(1, "run.started"),
      did(2, "op0", "x1"),
      entry(3, "run.resumed", { epoch: 2 }),
      did(4, "op1", "x1"),
      entry(5, "run.completed"),
    ]),
    "I7 entry 4 is of an owner that had lost",
  ],
  [
    "an epoch that does not rise",
    withLog([
      entry(1, "run.started"),
      entry(2, "run.resumed", { epoch: 3 }),
      entry(3, "run.resumed", { epoch: 3 }),
      did(4, "op0"),
      did(5, "op1"),
      entry(6, "run.completed"),
    ]),
    "I7 epoch 3 at 3 after epoch 3",
  ],
  [
    "more runs at once than a queue allows",
    record({ runs: both, trace: [began("op0"), began("op0", "x2", "run_b")] }),
    "I7 2 runs of the queue fast",
  ],
  [
    "more runs at once than a tenant may have",
    record({ runs: both, trace: [began("op0"), began("op0", "x2", "run_b")] }),
    "I7 2 runs of ada",
  ],
  ["an end that changed", record({ seen: new Map([["run_a", new Set(["failed null x"])]]) }), "I8 was seen as"],
  ["an entry after the end", withLog([...log, entry(5, "load.told")]), "I8 load.told follows"],
  ["a row that ended without its log", withLog(log.slice(0, 3)), "I8 it is completed and its log has no end"],
  ["a run that began before what it needs", withRun({ needs: ["run_b"] }), "I1 began before run_b"],
];

describe("the checker of the campaign", () => {
  it("finds nothing wrong with a record in which every promise was kept", () => {
    expect(check(record())).toEqual([]);
  });

  it.each(broken)("notices %s", (_, evidence, told) => {
    expect(check(evidence)).toEqual(expect.arrayContaining([expect.stringContaining(told)]));
  });

  it("allows as many bodies of a step as there were owners", () => {
    const events = [
      entry(1, "run.started"),
      entry(2, "run.resumed", { epoch: 2 }),
      did(3, "op0"),
      did(4, "op1"),
      entry(5, "run.completed"),
    ];
    expect(check(withLog(events, { trace: [began("op0", "x0"), ...trace] }))).toEqual([]);
  });
});

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
