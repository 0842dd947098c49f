import { addAmounts, createBudget, isAtlasError } from "../../base/index.ts";
import type { Amount, Budget, Reservation } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import { createMeter } from "../transport/meter.ts";
import type { StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import { costOf, type PricedModel } from "./cost.ts";
import type { Prices } from "./price.ts";
import type { CallNeed } from "./tokens.ts";

/** Says whether an answer may go on. */
export type BudgetVerdict = "go" | "stop";

/** Are the options of `openCallBudget`. Without a budget nothing is limited; what is used and what it cost is counted all the same. */
export interface CallBudgetOptions {
  readonly budget?: Budget | undefined;
  readonly prices: Prices;
  readonly model: PricedModel;
  readonly need: CallNeed;
  readonly signal?: AbortSignal | undefined;
  /** What a model without a known price may do where money is limited: `refuse` (default), or `allow` it as if it cost nothing. */
  readonly unknownPrice?: "refuse" | "allow" | undefined;
  /** Since the Unix epoch, now by default: decides which of a dated table's prices hold. */
  readonly atMs?: number | undefined;
}

/**
 * Holds what one attempt may spend. Disposing of it releases what is set aside, unless it was settled.
 *
 * Order: `watch` for each part, waiting for its answer before the next; then `settle` or `release`, once: further calls
 * change nothing.
 */
export interface CallBudget extends AsyncDisposable {
  /**
   * Counts a part, and sets more aside where the answer outgrows what was. `stop` says that a limit is reached: this part is
   * paid for and may be shown, but no further one may be asked for. Cost: no wait while it fits.
   */
  watch(part: StreamPart): BudgetVerdict | Promise<BudgetVerdict>;
  /** Gives what the attempt has used so far: the provider's last word, or the estimate where that is higher or there is none. */
  usage(): Usage;
  /** Ends it with what was really used, and gives what that cost; null where no price is known. Units: millionths of a US dollar. */
  settle(usage: Usage): Promise<number | null>;
  /** Ends it with nothing spent. */
  release(): Promise<void>;
}

/** How much more is set aside at a time for an answer that outgrows what was. Units: tokens. */
const growthTokens = 256;

/**
 * Sets aside what a call may use before it is sent: the estimate of its input, and the most that its answer can be.
 *
 * Errors: budget_exceeded; budget_price_unknown when money is limited and the model has no known price; the signal's reason.
 */
export async function openCallBudget(options: CallBudgetOptions): Promise<CallBudget> {
  const { budget = createBudget("call"), prices, model, need, signal, unknownPrice = "refuse" } = options;
  const at = options.atMs === undefined ? {} : { atMs: options.atMs };
  const cost = (usage: Omit<Usage, "provenance">): number | null => costOf(prices, model, { usage, ...at });
  const first = { inputTokens: need.inputTokens, outputTokens: need.maxOutputTokens };
  if (unknownPrice === "refuse" && budget.left.costMicroUsd !== Infinity && cost(first) === null) {
    throw unknown(model, budget);
  }
  const amountOf = (usage: Omit<Usage, "provenance">): Amount => ({
    tokens: usage.inputTokens + usage.outputTokens,
    costMicroUsd: cost(usage) ?? 0,
  });
  const label = `${model.provider}/${model.name}`;
  // An answer without a bound grows as it comes: it may begin with less where less is left.
  const smaller = need.bounded ? [] : smallerTokens.filter((size) => size < need.maxOutputTokens);
  const { reservation, outputTokens } = await reserveSome([need.maxOutputTokens, ...smaller], (size) =>
    budget.reserve(amountOf({ ...first, outputTokens: size }), { signal, label }),
  );
  return watching(reservation, { amountOf, cost, covered: { ...first, outputTokens } });
}

/** What an answer without a bound may begin with, the most first. Units: tokens. */
const smallerTokens = [256, 64, 16];

/** Sets aside the first of the sizes that there is room for. Errors: that of the smallest one. */
async function reserveSome(
  [size = 0, ...smaller]: readonly number[],
  reserve: (outputTokens: number) => Promise<Reservation>,
): Promise<{ readonly reservation: Reservation; readonly outputTokens: number }> {
  try {
    return { reservation: await reserve(size), outputTokens: size };
  } catch (error) {
    if (smaller.length === 0 || !isAtlasError(error) || error.code !== "budget_exceeded") throw error;
    return await reserveSome(smaller, reserve);
  }
}

type Counts = Pick<Usage, "inputTokens" | "outputTokens">;

interface Counting {
  readonly amountOf: (usage: Omit<Usage, "provenance">) => Amount;
  readonly cost: (usage: Omit<Usage, "provenance">) => number | null;
  /** What is set aside at first. */
  readonly covered: Counts;
}

function watching(reservation: Reservation, counting: Counting): CallBudget {
  const { amountOf, cost } = counting;
  // The meter takes four characters for a token; it is told as many as give the estimate by script.
  const meter = createMeter(counting.covered.inputTokens * 4);
  let { covered } = counting;
  let reported: Usage | undefined;
  let stopped = false;

  const missingFor = (target: Omit<Usage, "provenance">): Amount | undefined => {
    const missing = addAmounts(amountOf(target), reservation.amount, -1);
    const by = { tokens: Math.max(0, missing.tokens), costMicroUsd: Math.max(0, missing.costMicroUsd) };
    return by.tokens + by.costMicroUsd === 0 ? undefined : by;
  };
  const growTo = (target: Omit<Usage, "provenance">): boolean | Promise<boolean> => {
    const missing = missingFor(target);
    return missing === undefined || reservation.grow(missing);
  };
  const outgrown = (now: Usage): BudgetVerdict | Promise<BudgetVerdict> => {
    const ahead = { ...now, outputTokens: now.outputTokens + growthTokens };
    return after(growTo(ahead), (fitsAhead) => {
      if (fitsAhead) {
        covered = ahead;
        return "go";
      }
      // Near the limit there is room for no more than what has come already, up to the very last token.
      return after(growTo(now), (fits) => {
        stopped = !fits;
        return fits ? "go" : "stop";
      });
    });
  };
  const usage = (): Usage => meter.partial(reported);
  return {
    watch(part) {
      if ("text" in part) meter.add(part.text);
      const report = reportOf(part);
      if (report !== undefined) reported = wholeUsage(report);
      // Whole is whole: what the last part says is settled, whatever it comes to.
      if (part.type === "response.finished") return "go";
      if (stopped) return "stop";
      const now = usage();
      const fits = now.inputTokens <= covered.inputTokens && now.outputTokens <= covered.outputTokens;
      // A report may tell of tokens with a price of their own, such as those written to a cache.
      if (fits && report === undefined) return "go";
      return missingFor(now) === undefined ? "go" : outgrown(now);
    },
    usage,
    ...endingOf(reservation, cost),
  };
}

type Ending = Pick<CallBudget, "settle" | "release" | typeof Symbol.asyncDispose>;

function endingOf(reservation: Reservation, cost: Counting["cost"]): Ending {
  let settled: Amount | undefined;
  // What was spent is never given back as unspent, also where it could not be written at first.
  const giveBack = (): Promise<void> => (settled === undefined ? reservation.release() : reservation.settle(settled));
  return {
    async settle(spent) {
      const whole = wholeUsage(spent);
      const costMicroUsd = cost(whole);
      settled ??= { tokens: whole.inputTokens + whole.outputTokens, costMicroUsd: costMicroUsd ?? 0 };
      await reservation.settle(settled);
      return costMicroUsd;
    },
    release: giveBack,
    [Symbol.asyncDispose]: giveBack,
  };
}

/** Goes on at once where the answer is there, so that a part that fits waits for nothing. */
function after<T, U>(value: T | Promise<T>, follow: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(follow) : follow(value);
}

function reportOf(part: StreamPart): Usage | undefined {
  if (part.type !== "usage.updated" && part.type !== "response.finished") return undefined;
  const { usage } = part;
  return usage.provenance !== "estimated" && usage.inputTokens + usage.outputTokens > 0 ? usage : undefined;
}

/** A model of the program's own may count as it likes: budgets count whole tokens. */
function wholeUsage(usage: Usage): Usage {
  return { ...usage, inputTokens: wholeOf(usage.inputTokens), outputTokens: wholeOf(usage.outputTokens) };
}

function wholeOf(count: number): number {
  return Number.isFinite(count) ? Math.max(0, Math.ceil(count)) : 0;
}

function unknown({ provider, name }: PricedModel, budget: Budget): Error {
  return providerErrors.create(
    "budget_price_unknown",
    `No price is known for ${provider}/${name}, and what it may cost is limited.`,
    { details: { provider, model: name, scope: budget.name } },
  );
}
