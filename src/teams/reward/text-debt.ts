import { isJsonObject } from "../../base/index.ts";
import type { JsonObject } from "../../base/index.ts";
import type { DebtMeter, DebtState } from "./debt.ts";
import { debtReport } from "./debt.ts";

/** Is something that a text was found to lack. */
export type FeedbackPoint = {
  readonly id: string;
  readonly open: boolean;
  /** Units: debt points; 1 by default. */
  readonly weight?: number;
  /** Whether it was open when the task began; else it was raised by who gave feedback on the way, which is the default. */
  readonly fromStart?: boolean;
};

/** Are the options of `textDebt`. */
export interface TextDebtOptions {
  /** Says which points there are, before and after. By default they are read from `feedback` in the metadata of the result. */
  readonly points?: (
    state: DebtState,
    options: { readonly signal: AbortSignal },
  ) => readonly FeedbackPoint[] | Promise<readonly FeedbackPoint[]>;
}

/**
 * Makes the meter of a text: what is paid off is the weight of the points that were closed, whether they were open from the start or
 * raised on the way. A point that was raised and stays open counts nothing: it was there before anybody saw it.
 *
 * Errors: reward_invalid for a weight that is no number.
 */
export function textDebt({ points = pointsOf }: TextDebtOptions = {}): DebtMeter {
  return {
    name: "text",
    async measure(state, options) {
      options.signal.throwIfAborted();
      const found = await points(state, options);
      const open = weightOf(found.filter((point) => point.open && point.fromStart === true));
      const closed = weightOf(found.filter((point) => !point.open && point.fromStart !== true));
      const note = `${found.length} points, ${found.filter((point) => point.open).length} open`;
      return debtReport("text", [
        { name: "open_points", count: open, weight: 1, measured: true, note },
        { name: "closed_points", count: closed, weight: -1, measured: true, note },
      ]);
    },
  };
}

function weightOf(points: readonly FeedbackPoint[]): number {
  return points.reduce((sum, { weight = 1 }) => sum + weight, 0);
}

/** Reads the points of a result; of those that have one id, the last says how it stands. */
function pointsOf({ result }: DebtState): readonly FeedbackPoint[] {
  const feedback = result?.metadata["feedback"];
  const list: readonly unknown[] = Array.isArray(feedback) ? feedback.flat() : [];
  const known = new Map<string, FeedbackPoint>();
  for (const each of list) {
    if (isPoint(each)) known.set(each["id"], pointOf(each));
  }
  return [...known.values()];
}

function isPoint(value: unknown): value is JsonObject & { readonly id: string; readonly open: boolean } {
  return isJsonObject(value) && typeof value["id"] === "string" && typeof value["open"] === "boolean";
}

function pointOf(value: JsonObject & { readonly id: string; readonly open: boolean }): FeedbackPoint {
  const { id, open, weight, fromStart } = value;
  return {
    id,
    open,
    ...(typeof weight === "number" && Number.isFinite(weight) ? { weight: Math.max(0, weight) } : {}),
    ...(fromStart === true ? { fromStart } : {}),
  };
}
