import assert from "node:assert/strict";
import type { DebtMeter, DebtReport, DebtState } from "../teams/reward/index.ts";
import type { ContractCase } from "./contract.ts";

/** Is a meter of debt under test, with two states of one task: the second has less debt than the first. */
export interface DebtMeterSubject {
  readonly meter: DebtMeter;
  /** Brings about, and gives, what was there when the task began. */
  begin(): Promise<DebtState>;
  /** Brings about, and gives, what was there when debt had been paid off. */
  payOff(): Promise<DebtState>;
}

const live = (): AbortSignal => new AbortController().signal;

async function reportsOf(subject: DebtMeterSubject): Promise<readonly [before: DebtReport, after: DebtReport]> {
  const before = await subject.meter.measure(await subject.begin(), { signal: live() });
  return [before, await subject.meter.measure(await subject.payOff(), { signal: live() })];
}

/** Holds the rules that every meter of debt keeps. */
export const debtMeterContract: readonly ContractCase<DebtMeterSubject>[] = [
  {
    name: "a report names its meter, and each part once, with how it was measured or why not",
    async run(subject) {
      for (const { meter, parts } of await reportsOf(subject)) {
        assert.equal(meter, subject.meter.name);
        assert.equal(new Set(parts.map(({ name }) => name)).size, parts.length);
        for (const { name, note } of parts) assert.notEqual(`${name}: ${note}`, `${name}: `);
      }
    },
  },
  {
    name: "the total is that of the parts that were measured, each its count by its weight",
    async run(subject) {
      for (const { parts, total } of await reportsOf(subject)) {
        for (const { count, weight, points, measured } of parts) {
          assert(Number.isFinite(count) && count >= 0 && Number.isFinite(weight));
          assert.equal(points, measured ? 0 + count * weight : 0);
        }
        assert(Math.abs(total - parts.reduce((sum, { points }) => sum + points, 0)) < 1e-9);
      }
    },
  },
  {
    name: "debt that was paid off lowers the total",
    async run(subject) {
      const [before, after] = await reportsOf(subject);
      assert(after.total < before.total);
    },
  },
  {
    name: "the same state measures the same",
    async run(subject) {
      const state = await subject.begin();
      const first = await subject.meter.measure(state, { signal: live() });
      assert.deepEqual(await subject.meter.measure(state, { signal: live() }), first);
    },
  },
  {
    name: "before and after have the same parts, with the same weights",
    async run(subject) {
      const [before, after] = (await reportsOf(subject)).map(({ parts }) =>
        parts.map(({ name, weight }) => [name, weight]),
      );
      assert.deepEqual(after, before);
    },
  },
  {
    name: "a report is JSON",
    async run(subject) {
      for (const report of await reportsOf(subject)) assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    },
  },
  {
    name: "a signal that has aborted stops it",
    async run(subject) {
      const state = await subject.begin();
      const reason = new Error("enough");
      await assert.rejects(subject.meter.measure(state, { signal: AbortSignal.abort(reason) }), reason);
    },
  },
];

/** Is a way to break a meter on purpose, and the cases that must notice it. */
export interface BrokenDebtMeter {
  readonly name: string;
  readonly wrap: (sound: DebtMeter) => DebtMeter;
  readonly noticedBy: readonly string[];
}

function altered(
  name: string,
  change: (report: DebtReport, state: DebtState) => DebtReport,
  noticed: string,
): BrokenDebtMeter {
  const wrap = (sound: DebtMeter): DebtMeter => ({
    name: sound.name,
    measure: async (state, options) => change(await sound.measure(state, options), state),
  });
  return { name, wrap, noticedBy: [noticed] };
}

let calls = 0;

/** Holds the meters that the contract must refuse. */
export const brokenDebtMeters: readonly BrokenDebtMeter[] = [
  altered(
    "counts parts twice",
    (report) => ({ ...report, parts: [...report.parts, ...report.parts] }),
    "a report names its meter, and each part once, with how it was measured or why not",
  ),
  altered(
    "adds up what was not measured",
    (report) => ({ ...report, total: report.total + 1 }),
    "the total is that of the parts that were measured, each its count by its weight",
  ),
  altered(
    "turns debt around",
    (report) => ({ ...report, total: -report.total }),
    "debt that was paid off lowers the total",
  ),
  altered(
    "depends on when it is asked",
    (report) => ({ ...report, total: report.total + ++calls }),
    "the same state measures the same",
  ),
  altered(
    "forgets parts",
    (report, { when }) => (when === "after" ? { ...report, parts: report.parts.slice(1) } : report),
    "before and after have the same parts, with the same weights",
  ),
  altered("gives what is no JSON", (report) => ({ ...report, total: Number.NaN }), "a report is JSON"),
  {
    name: "swallows the abort",
    wrap: (sound) => ({ name: sound.name, measure: (state) => sound.measure(state, { signal: live() }) }),
    noticedBy: ["a signal that has aborted stops it"],
  },
];
