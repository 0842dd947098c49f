import type { JsonObject } from "../../base/index.ts";
import { teamErrors } from "../errors.ts";

/** Is one kind of debt, as it was measured. Units: `points` is count times weight. */
export type DebtPart = {
  readonly name: string;
  readonly count: number;
  readonly weight: number;
  readonly points: number;
  readonly measured: boolean;
  /** How it was measured; or why it was not. */
  readonly note: string;
};

/** Is the technical debt of a workspace or of a text at one moment. Units: `total` in debt points, of the parts that were measured. */
export type DebtReport = {
  readonly meter: string;
  readonly parts: readonly DebtPart[];
  readonly total: number;
};

/** Is the state of a task that is measured: before anybody worked on it, or after, with what was given. */
export interface DebtState {
  readonly when: "before" | "after";
  readonly goal: string;
  /** What the member gave; there is none before, and none of a member that failed. */
  readonly result?: { readonly text: string; readonly output: unknown; readonly metadata: JsonObject };
}

/** Measures technical debt. The difference of two reports, before minus after, is the offset of what was done in between. */
export interface DebtMeter {
  readonly name: string;
  measure(state: DebtState, options: { readonly signal: AbortSignal }): Promise<DebtReport>;
}

/** Is what became of one kind of debt. */
export type OffsetPart = {
  readonly name: string;
  /** Units: debt points, before minus after. */
  readonly offset: number;
  /** `unmeasured`: in neither report, or for the first time in the second; `lost`: measured before, and no longer. */
  readonly state: "compared" | "unmeasured" | "lost";
};

/** Is technical_debt_offset, with its parts. */
export type DebtOffset = { readonly offset: number; readonly parts: readonly OffsetPart[] };

/** Says what a kind of debt costs that could be measured before and cannot be any more: a check that was broken is no mended code. */
export const lostPartPoints = 10;

/**
 * Makes a report of its parts.
 *
 * Errors: reward_invalid for two parts of one name, or a count or weight that is no number.
 */
export function debtReport(meter: string, parts: readonly Omit<DebtPart, "points">[]): DebtReport {
  // Added to 0, for there is no -0 in JSON.
  const counted = parts.map((part) => ({ ...part, points: part.measured ? 0 + part.count * part.weight : 0 }));
  for (const [index, { name, points }] of counted.entries()) {
    if (Number.isFinite(points) && counted.findIndex((other) => other.name === name) === index) continue;
    throw teamErrors.create(
      "reward_invalid",
      `The meter ${meter} gives the part ${name} twice, or with a count or a weight that is no number.`,
      { details: { meter, part: name } },
    );
  }
  return { meter, parts: counted, total: counted.reduce((sum, { points }) => sum + points, 0) };
}

/** Compares two reports of one meter, part by part: only what both measured is compared. */
export function debtOffset(before: DebtReport, after: DebtReport): DebtOffset {
  const later = new Map(after.parts.map((part) => [part.name, part]));
  const names = new Set([...before.parts, ...after.parts].map(({ name }) => name));
  const earlier = new Map(before.parts.map((part) => [part.name, part]));
  const parts = [...names].map((name): OffsetPart => {
    const from = earlier.get(name);
    const to = later.get(name);
    if (from?.measured !== true) return { name, offset: 0, state: "unmeasured" };
    if (to?.measured !== true) return { name, offset: -lostPartPoints, state: "lost" };
    return { name, offset: from.points - to.points, state: "compared" };
  });
  return { offset: parts.reduce((sum, part) => sum + part.offset, 0), parts };
}
