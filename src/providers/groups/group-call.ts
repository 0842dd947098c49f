import { type AtlasError, toAtlasError } from "../../base/index.ts";
import type { CallReport, Rejection } from "../call-report.ts";
import { providerErrors } from "../errors.ts";
import { cancelledError } from "../transport/fault.ts";
import type { ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import { countTokens } from "../money/tokens.ts";
import type { RetryPolicy } from "../resilience/retry-policy.ts";
import { sumUsage } from "../usage.ts";
import { adaptRequest } from "./adapt-request.ts";
import { type AttemptContext, type AttemptEnd, openAttempt, type Patience, type RunningAttempt } from "./attempt.ts";
import { type CallRecorder, createRecorder, isReport, withReport } from "./call-recorder.ts";
import { continueRequest } from "./continue-request.ts";
import { Delivery, type Handover } from "./delivery.ts";
import { needsOf } from "./fits-request.ts";
import type { FallbackRules } from "./group-options.ts";
import type { Member } from "./member.ts";
import { type NextStep, nextStep } from "./next-step.ts";
import { type Choosing, hasOther, needOf, selectMember, type SelectionRules } from "./select-member.ts";
import { refusalOfError, unavailableError } from "./unavailable.ts";

/** Is what all calls of one group share. */
export interface GroupState extends SelectionRules {
  readonly provider: string;
  readonly name: string;
  /** Is the group's name in reports; undefined for a single guarded model. */
  readonly reported: string | undefined;
  readonly policy: RetryPolicy;
  readonly rules: FallbackRules;
}

type Finished = Extract<StreamPart, { type: "response.finished" }>;

/** Is what a broken answer leaves to the next attempt. */
interface Breach {
  readonly from: string;
  readonly code: string;
  readonly kind: "restart" | "continue";
}

/**
 * Is one call of a group as its reader iterates it: it chooses a member, opens an attempt, hands its parts on, and when it
 * breaks decides what follows. Every way out gives back what it holds and tells what was used.
 */
export class GroupCall implements AsyncIterator<StreamPart, undefined, undefined> {
  readonly #group: GroupState;
  readonly #choosing: Choosing;
  readonly #recorder: CallRecorder;
  readonly #delivery: Delivery;
  readonly #context: AttemptContext;
  readonly #stopper = new AbortController();
  readonly #beganMs: number;
  readonly #stop = (): void => this.#interrupt(this.#choosing.options.signal?.reason);
  #state: "new" | "open" | "over" = "new";
  #turn: Promise<IteratorResult<StreamPart, undefined>> | undefined;
  #asked = 0;
  #attempt: RunningAttempt | undefined;
  /** Is what the last attempt failed with, and what the last member that was tried in vain refused with. */
  #lastError: AtlasError | undefined;
  #lastRefusal: AtlasError | undefined;
  #breach: Breach | undefined;
  #possiblyBilledTwice = false;
  #counted = new Set<unknown>();
  /** Attempts of this group alone: those of a group within it have a bound of their own. */
  #attempts = 0;

  constructor(group: GroupState, request: ModelRequest, options: StreamOptions) {
    const { clock, prices, rules } = group;
    const recorder = createRecorder(group.reported);
    this.#group = group;
    this.#recorder = recorder;
    this.#beganMs = clock.monotonic();
    this.#choosing = {
      request,
      needs: needsOf(request, countTokens(request).tokens),
      options,
      failed: new Map(),
      shut: new Map(),
      only: undefined,
      preferred: undefined,
    };
    this.#delivery = new Delivery({
      keepText: rules.onText === "continue",
      onSeam: recorder.seam,
      total: (usage) =>
        recorder.attempts.length === 0 ? usage : sumUsage([...recorder.attempts.map((each) => each.usage), usage]),
    });
    this.#context = { clock, prices, signal: this.#stopper.signal, options, onInnerAttempt: recorder.attempt };
  }

  next(): Promise<IteratorResult<StreamPart, undefined>> {
    // Whoever asks again before the answer is there is served in turn.
    const before = this.#asked++ === 0 ? undefined : this.#turn;
    const pull = (): Promise<IteratorResult<StreamPart, undefined>> => this.#pull();
    this.#turn = before === undefined ? this.#pull() : before.then(pull, pull);
    return this.#turn;
  }

  async return(): Promise<IteratorResult<StreamPart, undefined>> {
    if (this.#state !== "over") {
      const attempt = this.#attempt;
      this.#interrupt(undefined);
      this.#close();
      await attempt?.end({ kind: "cancelled" });
    }
    return { done: true, value: undefined };
  }

  async #pull(): Promise<IteratorResult<StreamPart, undefined>> {
    const { ready } = this.#delivery;
    try {
      if (this.#state === "new") this.#begin();
      while (ready.length === 0 && this.#state === "open") {
        this.#attempt ??= await this.#open();
        await this.#read(this.#attempt);
      }
    } catch (cause) {
      // Who has left the answer wants no error of it.
      if (this.#state === "open") {
        this.#close();
        throw this.#errorOf(cause);
      }
    } finally {
      this.#asked--;
    }
    const value = ready.shift();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  #begin(): void {
    this.#state = "open";
    const { signal } = this.#choosing.options;
    if (signal?.aborted === true) this.#stop();
    else signal?.addEventListener("abort", this.#stop, { once: true });
  }

  #close(): void {
    this.#state = "over";
    this.#attempt = undefined;
    this.#choosing.options.signal?.removeEventListener("abort", this.#stop);
  }

  /** Ends what is under way at once, also while the reader is busy and asks for nothing. */
  #interrupt(reason: unknown): void {
    this.#stopper.abort(reason);
    this.#attempt?.interrupt(this.#stopper.signal.reason);
    this.#attempt?.end({ kind: "cancelled" }).catch(() => {});
  }

  async #open(): Promise<RunningAttempt> {
    while (true) {
      this.#stopper.signal.throwIfAborted();
      const choice = selectMember(this.#group, this.#choosing);
      if (choice.member === undefined) throw this.#noneLeft(choice.rejected);
      const { member, maxWaitMs, selection } = choice;
      const { request, handover } = this.#requestFor(member);
      const need = needOf(this.#choosing, member);
      const patience = this.#patienceWith(member);
      const plan = { member, request, need, maxWaitMs, possiblyBilledTwice: this.#possiblyBilledTwice, patience };
      try {
        const attempt = await openAttempt(plan, this.#context);
        this.#recorder.select(selection);
        this.#delivery.begin(handover);
        this.#count(member);
        return attempt;
      } catch (cause) {
        this.#stopper.signal.throwIfAborted();
        const error = toAtlasError(cause);
        const refusal = refusalOfError(error);
        if (refusal === undefined) throw error;
        const { provider, name: model } = member.model;
        this.#choosing.shut.set(member, { provider, model, ...refusal });
        this.#lastRefusal = error;
      }
    }
  }

  #patienceWith(member: Member): Patience | undefined {
    const { rules, policy, clock } = this.#group;
    const { firstPartMs } = rules;
    if (firstPartMs === undefined) return undefined;
    return {
      firstPartMs,
      mayLeave: () =>
        this.#choosing.options.fallback?.enabled !== false &&
        this.#recorder.attempts.length + 1 < policy.maxAttempts &&
        clock.monotonic() - this.#beganMs < policy.maxTotalMs &&
        hasOther(this.#group, this.#choosing, member),
    };
  }

  /** Counts the first attempt at each provider, which its retry budget is measured by. */
  #count({ retries }: Member): void {
    if (this.#counted.has(retries)) return;
    this.#counted.add(retries);
    retries.request();
  }

  #requestFor(member: Member): { readonly request: ModelRequest; readonly handover: Handover | undefined } {
    const { request } = this.#choosing;
    const { model } = member;
    const breach = this.#breach;
    if (breach === undefined) return { request: adaptRequest(request, model), handover: undefined };
    const { continuePrompt } = this.#group.rules;
    const going =
      breach.kind === "continue" ? continueRequest(request, this.#delivery.text, { model, continuePrompt }) : undefined;
    const kind = going === undefined ? "restart" : "continue";
    const handover = { ...breach, kind, to: member.id, exact: model.capabilities.prefill } as const;
    return { request: adaptRequest(going ?? request, model), handover };
  }

  async #read(attempt: RunningAttempt): Promise<void> {
    let part: StreamPart;
    try {
      this.#stopper.signal.throwIfAborted();
      const read = await attempt.next();
      if (read.done === true) throw cutShort(attempt.member);
      part = read.value;
    } catch (cause) {
      return await this.#recover(attempt, toAtlasError(cause));
    }
    const verdict = attempt.see(part);
    if (part.type === "response.finished") return await this.#finish(attempt, part);
    this.#delivery.take(part);
    if ((typeof verdict === "string" ? verdict : await verdict) === "go") return;
    await this.#end(attempt, { kind: "budget" });
    this.#conclude({ type: "response.finished", finishReason: "budget", usage: this.#report().usage, metadata: {} });
  }

  async #finish(attempt: RunningAttempt, part: Finished): Promise<void> {
    await this.#end(attempt, { kind: "finished", usage: part.usage });
    this.#merge(part.report);
    const { session } = this.#choosing.options;
    if (session !== undefined) this.#pin(session, attempt.member);
    this.#conclude(part);
  }

  #conclude(part: Finished): void {
    const report = this.#report();
    const usage = report.attempts.length === 1 ? part.usage : report.usage;
    this.#delivery.finish({ ...part, usage, report });
    this.#close();
  }

  async #end(attempt: RunningAttempt, how: AttemptEnd): Promise<void> {
    const record = await attempt.end(how);
    // The attempts of a group within the group have told of themselves.
    if (attempt.member.model.managed !== true) this.#recorder.attempt(record);
  }

  async #recover(attempt: RunningAttempt, error: AtlasError): Promise<void> {
    const { signal } = this.#stopper;
    this.#attempt = undefined;
    if (signal.aborted) {
      await this.#end(attempt, { kind: "cancelled" });
      throw error;
    }
    await this.#end(attempt, { kind: "failed", error });
    this.#attempts++;
    this.#merge(error.details["report"]);
    const { member } = attempt;
    const { clock } = this.#group;
    const sequel = this.#delivery.sequel(this.#group.rules);
    this.#lastError = error;
    this.#choosing.failed.set(member, error);
    const step = nextStep(this.#group, this.#choosing, {
      member,
      error,
      sequel,
      attempts: this.#attempts,
      elapsedMs: clock.monotonic() - this.#beganMs,
    });
    if (step.kind === "stop" || sequel === "stop") throw error;
    if (sequel !== "transparent") this.#breach ??= { from: member.id, code: error.code, kind: sequel };
    this.#possiblyBilledTwice ||= step.possiblyBilledTwice;
    if (step.kind === "again") await this.#wait(step);
  }

  async #wait({ member, delayMs, same }: NextStep & { readonly kind: "again" }): Promise<void> {
    if (delayMs > 0) await this.#group.clock.sleep(delayMs, { signal: this.#stopper.signal });
    const { failed } = this.#choosing;
    failed.delete(member);
    this.#choosing.preferred = same ? member : undefined;
  }

  #merge(inner: unknown): void {
    if (isReport(inner)) this.#recorder.merge(inner);
  }

  #pin(session: string, member: Member): void {
    const { affinity } = this.#group;
    const pinned = affinity?.get(session);
    if (pinned !== undefined && pinned !== member && isBusy(this.#choosing, pinned)) return;
    affinity?.pin(session, member);
  }

  #report(): CallReport {
    return this.#recorder.report();
  }

  #noneLeft(rejected: readonly Rejection[]): AtlasError {
    const failure = this.#lastError;
    const refusal = this.#lastRefusal;
    // Who has seen a part of the answer wants to know what broke it; and of a single model, what it said itself.
    if (failure !== undefined && (this.#breach !== undefined || this.#group.members.length === 1)) return failure;
    const ownWords = refusal !== undefined && refusal.code !== "gate_closed";
    const sameForAll = rejected.every((each) => each.reason === "budget" || each.reason === "price_unknown");
    if (ownWords && (sameForAll || this.#group.members.length === 1)) return refusal;
    if (failure?.code === "provider_context_length" && rejected.every((each) => isTooLong(each))) return failure;
    const { provider, name, reported } = this.#group;
    const single = reported === undefined;
    const failures = [...this.#choosing.failed.values()];
    return unavailableError({
      name: single ? `${provider}/${name}` : name,
      single,
      rejected,
      failures,
      cause: failure ?? refusal,
    });
  }

  #errorOf(cause: unknown): AtlasError {
    const { provider, name } = this.#group;
    const report = this.#report();
    const { signal } = this.#stopper;
    if (!signal.aborted) return withReport(toAtlasError(cause), report);
    const begun = report.attempts.length > 0;
    const moment = begun ? { phase: "stream" as const, partialUsage: report.usage } : { phase: "connect" as const };
    return withReport(cancelledError({ provider, model: name, secrets: [] }, signal.reason, moment), report);
  }
}

/** A member that is only full for now keeps its sessions. */
function isBusy(call: Choosing, member: Member): boolean {
  if (call.failed.has(member)) return false;
  const now = member.gate.check(needOf(call, member));
  return now.available || now.reason === "rate_limited" || now.reason === "concurrency" || now.reason === "cooldown";
}

function isTooLong({ reason, detail }: Rejection): boolean {
  return reason === "context_length" || detail === "provider_context_length";
}

function cutShort({ model }: Member): AtlasError {
  const { provider, name } = model;
  return providerErrors.create("stream_interrupted", `${provider}/${name} ended its answer without finishing it.`, {
    details: { provider, model: name, phase: "stream" },
  });
}
