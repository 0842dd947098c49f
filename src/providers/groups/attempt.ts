import type { AtlasError, Clock } from "../../base/index.ts";
import type { Attempt } from "../call-report.ts";
import { providerErrors } from "../errors.ts";
import type { ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import { type BudgetVerdict, type CallBudget, openCallBudget } from "../money/call-budget.ts";
import type { Prices } from "../money/price.ts";
import type { CallNeed } from "../money/tokens.ts";
import type { CallOutcome, GatePass } from "../resilience/gate.ts";
import { failureKind, outcomeOfError } from "../resilience/outcome.ts";
import { noUsage, partialUsageOf, type Usage } from "../usage.ts";
import type { Member } from "./member.ts";

/** Is what one attempt is to do. Units: milliseconds that it may wait for a place. */
export interface AttemptPlan {
  readonly member: Member;
  readonly request: ModelRequest;
  readonly need: CallNeed;
  readonly maxWaitMs: number;
  readonly possiblyBilledTwice: boolean;
  readonly patience: Patience | undefined;
}

/** Says how long a member may give nothing. Units: milliseconds, which begin again while the call may not leave it. */
export interface Patience {
  readonly firstPartMs: number;
  readonly mayLeave: () => boolean;
}

/** Is what all attempts of a call share. `signal` aborts when nobody waits for the answer any more. */
export interface AttemptContext {
  readonly clock: Clock;
  readonly prices: Prices;
  readonly signal: AbortSignal;
  readonly options: StreamOptions;
  /** Is told of the attempts of a member that is a group itself. */
  readonly onInnerAttempt: (attempt: Attempt) => void;
}

/** Says how an attempt ended. */
export type AttemptEnd =
  | { readonly kind: "finished"; readonly usage: Usage }
  | { readonly kind: "failed"; readonly error: AtlasError }
  | { readonly kind: "cancelled" | "budget" };

/** Opens an attempt: sets its money aside, then waits for a place. Errors: of openCallBudget and Gate.enter; the signal's reason. */
export async function openAttempt(plan: AttemptPlan, context: AttemptContext): Promise<RunningAttempt> {
  const { member, need, maxWaitMs } = plan;
  const { clock, prices, signal, options } = context;
  const askedMs = clock.monotonic();
  const budget = await openCallBudget({
    // A member that keeps account of itself reserves for itself.
    budget: member.model.managed === true ? undefined : options.budget,
    prices,
    model: member.model,
    need,
    signal,
    unknownPrice: member.unknownPrice,
  });
  try {
    const pass = await member.gate.enter(need, { signal, maxWaitMs });
    if (signal.aborted) pass.end({ kind: "ignored", usage: undefined });
    signal.throwIfAborted();
    return new RunningAttempt(plan, context, { budget, pass, queuedMs: clock.monotonic() - askedMs });
  } catch (error) {
    await budget.release();
    throw error;
  }
}

interface Holdings {
  readonly budget: CallBudget;
  readonly pass: GatePass;
  readonly queuedMs: number;
}

/** Is one attempt under way. It holds a place, money and a connection until `end`. */
export class RunningAttempt {
  readonly member: Member;
  readonly #plan: AttemptPlan;
  readonly #context: AttemptContext;
  readonly #holdings: Holdings;
  readonly #beganMs: number;
  readonly #upstream = new AbortController();
  readonly #endLease: () => void;
  #parts: AsyncIterator<StreamPart> | undefined;
  #pending: Promise<IteratorResult<StreamPart>> | undefined;
  #reject: ((reason: unknown) => void) | undefined;
  #firstPartMs: number | null = null;
  #reported: Usage | undefined;
  /** Ends the wait for the first part, where it is bounded; and whether it ended because none came. */
  readonly #heard: AbortController | undefined;
  #silent = false;
  #ended: Promise<Attempt> | undefined;

  constructor(plan: AttemptPlan, context: AttemptContext, holdings: Holdings) {
    this.member = plan.member;
    this.#plan = plan;
    this.#context = context;
    this.#holdings = holdings;
    this.#beganMs = context.clock.monotonic();
    this.#endLease = plan.member.stats.lease();
    this.#heard = plan.patience && new AbortController();
  }

  /** Gives the next part. Errors: those of the model; what `interrupt` is given. */
  next(): Promise<IteratorResult<StreamPart>> {
    return new Promise((resolve, reject) => {
      this.#parts ??= this.#begin();
      this.#reject = reject;
      this.#pending = this.#parts.next();
      this.#pending.then((read) => {
        this.#pending = undefined;
        return resolve(read);
      }, reject);
    });
  }

  /** Ends the wait for the next part at once, whatever the model does. */
  interrupt(reason: unknown): void {
    this.#reject?.(reason);
  }

  /** Takes in what a part says of time, limits and usage; tells whether the budget lets the answer go on. */
  see(part: StreamPart): BudgetVerdict | Promise<BudgetVerdict> {
    switch (part.type) {
      case "response.started":
        if (part.rateLimits !== undefined) this.#holdings.pass.report(part.rateLimits);
        break;
      case "usage.updated":
      case "response.finished":
        if (part.usage.provenance !== "estimated") this.#reported = part.usage;
        break;
      case "response.restarted":
      case "response.continued":
        break;
      default:
        if (this.#firstPartMs === null) this.#heard?.abort("heard");
        this.#firstPartMs ??= this.#context.clock.monotonic() - this.#beganMs;
    }
    return this.#holdings.budget.watch(part);
  }

  /** Gives everything back and tells what it came to. Once: further calls give the same. */
  end(how: AttemptEnd): Promise<Attempt> {
    this.#ended ??= this.#end(how);
    return this.#ended;
  }

  #begin(): AsyncIterator<StreamPart> {
    const { member, request, patience } = this.#plan;
    if (patience !== undefined) void this.#leaveWhenSilent(patience, this.#heard?.signal);
    const { options, onInnerAttempt } = this.#context;
    const { signal } = this.#upstream;
    if (member.model.managed !== true) return member.model.stream(request, { signal })[Symbol.asyncIterator]();
    const onAttempt = (attempt: Attempt): void => {
      onInnerAttempt(attempt);
      options.onAttempt?.(attempt);
    };
    return member.model.stream(request, { ...options, signal, onAttempt })[Symbol.asyncIterator]();
  }

  async #leaveWhenSilent({ firstPartMs, mayLeave }: Patience, heard: AbortSignal | undefined): Promise<void> {
    const { clock, options } = this.#context;
    try {
      do await clock.sleep(firstPartMs, { signal: heard, keepAlive: false });
      while (options.pausing?.paused === true || this.#pending === undefined || !mayLeave());
    } catch {
      return;
    }
    this.#silent = true;
    this.interrupt(silenceOf(this.member, firstPartMs));
  }

  async #end(how: AttemptEnd): Promise<Attempt> {
    this.#heard?.abort("heard");
    if (how.kind === "cancelled" && this.#drain()) return this.#attempt(how, this.#holdings.budget.usage(), null);
    this.#close(how);
    return await this.#settle(how, this.#usageOf(how));
  }

  /** Closes the connection; what has finished is only asked once more, so that it can keep its connection for the next call. */
  #close({ kind }: AttemptEnd): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    if (kind === "finished") return void parts.next().catch(() => {});
    if (kind === "failed" && !this.#silent) return;
    this.#pending?.catch(() => {});
    this.#upstream.abort(this.#context.signal.reason);
    parts.return?.().catch(() => {});
  }

  async #settle(how: AttemptEnd, usage: Usage): Promise<Attempt> {
    const { pass, budget } = this.#holdings;
    pass.end(this.#outcome(how, usage));
    this.#endLease();
    this.#remember(how, usage);
    const cost = await budget.settle(usage);
    // What used nothing costs nothing, at whatever price.
    const attempt = this.#attempt(how, usage, usage === noUsage ? 0 : cost);
    if (this.member.model.managed !== true) this.#context.options.onAttempt?.(attempt);
    return attempt;
  }

  /** Lets the answer come to its end unread, to learn what it really used. False where that is not wanted or possible. */
  #drain(): boolean {
    const { cancel } = this.member;
    const parts = this.#parts;
    if (typeof cancel !== "object" || parts === undefined) return false;
    let finished = false;
    return cancel.take({
      parts,
      pending: this.#pending,
      see: (part) => {
        finished ||= part.type === "response.finished";
        void this.see(part);
      },
      stop: () => {
        if (finished) return;
        this.#upstream.abort();
        parts.return?.().catch(() => {});
      },
      done: () => {
        const usage = finished ? (this.#reported ?? this.#holdings.budget.usage()) : this.#holdings.budget.usage();
        this.#settle({ kind: "cancelled" }, usage).catch(() => {});
      },
    });
  }

  #usageOf(how: AttemptEnd): Usage {
    const { budget } = this.#holdings;
    if (how.kind === "finished") return how.usage;
    if (this.#parts === undefined) return noUsage;
    if (how.kind === "cancelled" && this.member.cancel === "none") {
      return this.#reported === undefined ? noUsage : { ...this.#reported, provenance: "partial" };
    }
    if (how.kind !== "failed") return budget.usage();
    const partial = partialUsageOf(how.error);
    if (partial !== undefined) return partial;
    // A refusal, or a server that was not reached, used nothing.
    const used = this.#firstPartMs !== null || this.#reported !== undefined || failureKind(how.error) === "ambiguous";
    return used ? budget.usage() : noUsage;
  }

  #outcome(how: AttemptEnd, usage: Usage): CallOutcome {
    if (how.kind === "failed") return outcomeOfError(how.error, usage);
    if (how.kind !== "finished") return { kind: "ignored", usage };
    return { kind: "success", usage, firstPartMs: this.#firstPartMs ?? undefined };
  }

  #remember(how: AttemptEnd, usage: Usage): void {
    const nowMs = this.#context.clock.monotonic();
    const failed = how.kind === "failed" && this.#outcome(how, usage).kind === "failure";
    if (!failed && how.kind !== "finished") return;
    const streamedMs = nowMs - this.#beganMs - (this.#firstPartMs ?? 0);
    const finished = !failed && usage.inputTokens > 0;
    this.member.stats.add(
      {
        failed,
        firstPartMs: this.#firstPartMs,
        tokensPerSecond: finished && streamedMs > 0 ? (usage.outputTokens * 1000) / streamedMs : null,
        cachedShare: finished ? Math.min(1, (usage.cachedInputTokens ?? 0) / usage.inputTokens) : null,
        outputTokens: finished ? usage.outputTokens : null,
      },
      nowMs,
    );
  }

  #attempt(how: AttemptEnd, usage: Usage, costMicroUsd: number | null): Attempt {
    const { provider, name } = this.member.model;
    return {
      provider,
      model: name,
      outcome: how.kind,
      ...(how.kind === "failed" && { code: how.error.code }),
      usage,
      costMicroUsd,
      queuedMs: toldMs(this.#holdings.queuedMs),
      firstPartMs: this.#firstPartMs === null ? null : toldMs(this.#firstPartMs),
      durationMs: toldMs(this.#context.clock.monotonic() - this.#beganMs),
      ...(this.#plan.possiblyBilledTwice && { possiblyBilledTwice: true as const }),
    };
  }
}

/** Reports are kept with each call: a millionth of a second is told by nobody's clock. */
function toldMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function silenceOf({ model: { provider, name } }: Member, ms: number): AtlasError {
  return providerErrors.create(
    "provider_timeout",
    `${provider}/${name} has given nothing for ${ms} ms (fallback.firstPartMs), and another can take the call.`,
    { details: { provider, model: name, phase: "headers", causeCode: "firstPartMs" } },
  );
}
