import { type Budget, baseErrors, type Clock, isAtlasError, systemClock } from "../../base/index.ts";
import type { Attempt, CallReport } from "../call-report.ts";
import type { Model, ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import { partialUsageOf, type Usage } from "../usage.ts";
import type { CallBudget } from "./call-budget.ts";
import type { Prices } from "./price.ts";
import { estimateNeed } from "./tokens.ts";

/** Are the options of `budgeted`. */
export interface BudgetedOptions {
  readonly prices: Prices;
  /** What a model without a known price may do where money is limited: `refuse` (default), or `allow` it as if it cost nothing. */
  readonly unknownPrice?: "refuse" | "allow" | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Puts a budget over one bare model. What a call may use is set aside before it is sent, counted while it streams and
 * settled at its end, however it ends. An answer that reaches a limit stops there: its connection is closed, and it
 * finishes with `finishReason` `budget`, what it has used, and all of the text that had come.
 *
 * A budget in the options of a call holds beside this one. Groups have their budget in the options alone.
 * Errors: budget_exceeded and budget_price_unknown before anything is sent; invalid_input for a model that is managed;
 * those of the model.
 */
export function budgeted(model: Model, budget: Budget, options: BudgetedOptions): Model {
  const { provider, name, capabilities } = model;
  if (model.managed === true) {
    throw baseErrors.create(
      "invalid_input",
      `${provider}/${name} keeps budgets itself; pass the budget in the options of each call.`,
      { details: { provider, model: name } },
    );
  }
  return {
    provider,
    name,
    capabilities,
    managed: true,
    stream(request, { budget: also, ...call } = {}) {
      // A second budget is a second wrapping: the inner one stops for its own limits, the outer one for its own.
      const inner = also === undefined ? model : bare(budgeted(model, also, options));
      return streamWithin(inner, { request, call, budget, options });
    },
  };
}

interface BudgetedCall {
  readonly request: ModelRequest;
  readonly call: StreamOptions;
  readonly budget: Budget;
  readonly options: BudgetedOptions;
}

type Finished = Extract<StreamPart, { type: "response.finished" }>;

async function* streamWithin(model: Model, work: BudgetedCall): AsyncGenerator<StreamPart, void, undefined> {
  const { request, call, budget, options } = work;
  const { prices, unknownPrice, clock = systemClock } = options;
  const { signal } = call;
  const account = createAccount(model, clock);
  const need = estimateNeed(request, model);
  const { openCallBudget } = await import("./call-budget.ts");
  await using spending = await openCallBudget({ budget, prices, model, need, signal, unknownPrice, atMs: clock.now() });
  let finished: Finished | undefined;
  let failure: unknown;
  try {
    for await (const part of model.stream(request, { signal })) {
      account.see(part);
      const verdict = await spending.watch(part);
      if (part.type === "response.finished") {
        finished = part;
        continue;
      }
      yield part;
      // Leaving the loop closes the connection.
      if (verdict === "stop") {
        finished = stoppedBy(budget, spending);
        break;
      }
    }
  } catch (cause) {
    failure = cause;
    throw cause;
  } finally {
    // Also where the reader has left: what has come is paid for.
    const usage = finished?.usage ?? partialUsageOf(failure) ?? (account.begun ? spending.usage() : undefined);
    if (usage !== undefined) account.end({ usage, cost: await spending.settle(usage), finished, failure });
    if (account.attempt !== undefined) call.onAttempt?.(account.attempt);
  }
  if (finished !== undefined) yield account.attempt ? { ...finished, report: reportOf(account.attempt) } : finished;
}

function stoppedBy(budget: Budget, spending: CallBudget): Finished {
  const usage = spending.usage();
  return { type: "response.finished", finishReason: "budget", usage, metadata: { budget: budget.name } };
}

interface Ending {
  readonly usage: Usage;
  readonly cost: number | null;
  readonly finished: Finished | undefined;
  readonly failure: unknown;
}

/** Keeps what the report of the one attempt tells. */
interface Account {
  readonly begun: boolean;
  readonly attempt: Attempt | undefined;
  see(part: StreamPart): void;
  end(ending: Ending): void;
}

function createAccount({ provider, name }: Model, clock: Clock): Account {
  const start = clock.monotonic();
  let begun = false;
  let firstPartMs: number | null = null;
  let attempt: Attempt | undefined;
  return {
    get begun() {
      return begun;
    },
    get attempt() {
      return attempt;
    },
    see(part) {
      begun = true;
      if (part.type.endsWith(".delta")) firstPartMs ??= clock.monotonic() - start;
    },
    end({ usage, cost, finished, failure }) {
      const durationMs = clock.monotonic() - start;
      const code = isAtlasError(failure) ? failure.code : undefined;
      attempt = {
        provider,
        model: name,
        outcome: outcomeOf(finished, code),
        ...(code !== undefined && { code }),
        usage,
        costMicroUsd: cost,
        queuedMs: 0,
        firstPartMs,
        durationMs,
      };
    },
  };
}

function outcomeOf(finished: Finished | undefined, code: string | undefined): Attempt["outcome"] {
  if (finished !== undefined) return finished.finishReason === "budget" ? "budget" : "finished";
  return code === undefined || code === "cancelled" ? "cancelled" : "failed";
}

function reportOf(attempt: Attempt): CallReport {
  const { usage, costMicroUsd } = attempt;
  return {
    attempts: [attempt],
    selections: [],
    seams: [],
    usage,
    costMicroUsd,
    knownCostMicroUsd: costMicroUsd ?? 0,
  };
}

function bare(model: Model): Model {
  const { provider, name, capabilities } = model;
  return { provider, name, capabilities, stream: (request, options) => model.stream(request, options) };
}
