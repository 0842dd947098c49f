import type { AtlasError, Clock, Random } from "../../base/index.ts";
import type { Rejection, Selection } from "../call-report.ts";
import type { ModelRequest, StreamOptions } from "../model.ts";
import { costOf } from "../money/cost.ts";
import type { Prices } from "../money/price.ts";
import { type CallNeed, unboundedOutputTokens } from "../money/tokens.ts";
import type { Affinity } from "./affinity.ts";
import { misfit, type RequestNeeds } from "./fits-request.ts";
import type { Member } from "./member.ts";
import type { CandidateMember, CallView, Strategy } from "./strategy.ts";

/** Is what choosing a member goes by. Units: milliseconds. */
export interface SelectionRules {
  readonly members: readonly Member[];
  readonly strategy: Strategy;
  readonly affinity: Affinity<Member> | undefined;
  readonly prices: Prices;
  /** False lets the provider itself say what it can not take: there is no other to choose. */
  readonly filters: boolean;
  readonly queueMs: number;
  /** The longest cooldown that is waited for. */
  readonly longestWaitMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Is what is known of one call when a member is chosen for it. */
export interface Choosing {
  readonly request: ModelRequest;
  readonly needs: RequestNeeds;
  readonly options: StreamOptions;
  /** Members that failed in this call and are not tried again. */
  readonly failed: Map<Member, AtlasError>;
  /** Members that turned out to be closed, too small or too dear when they were tried. */
  readonly shut: Map<Member, Rejection>;
  /** Is the only one to be used, where the call must stay. */
  only: Member | undefined;
  /** Is taken if it can be. */
  preferred: Member | undefined;
}

/** Is a choice: a member and how long to wait for a place, or none and why. Units: milliseconds. */
export type Choice =
  | { readonly member: Member; readonly maxWaitMs: number; readonly selection: Selection }
  | { readonly member: undefined; readonly rejected: readonly Rejection[] };

/** Gives what the call needs of a member. */
export function needOf({ request, needs }: Choosing, member: Member): CallNeed {
  const asked = request.maxOutputTokens;
  const most = member.model.capabilities.maxOutputTokens ?? Infinity;
  return {
    inputTokens: needs.inputTokens,
    maxOutputTokens: Math.min(asked ?? unboundedOutputTokens, most),
    bounded: asked !== undefined,
  };
}

/** Tells whether some other member could take the call now. */
export function hasOther(rules: SelectionRules, call: Choosing, than: Member): boolean {
  return rules.members.some(
    (member) =>
      member !== than &&
      refusalOf(rules, call, member) === undefined &&
      member.gate.check(needOf(call, member)).available,
  );
}

/**
 * Chooses a member: of those that fit the request and are open the one of the session, else the one that the strategy
 * ranks first; if all that fit are busy, the one that is free again first.
 */
export function selectMember(rules: SelectionRules, call: Choosing): Choice {
  const open: Member[] = [];
  const rejected: Rejection[] = [];
  let soonest: { readonly member: Member; readonly atMs: number } | undefined;
  for (const member of rules.members) {
    const rejection = refusalOf(rules, call, member);
    if (rejection !== undefined) {
      rejected.push(rejection);
      continue;
    }
    const now = member.gate.check(needOf(call, member));
    if (now.available) {
      open.push(member);
      continue;
    }
    const { reason, retryAtMs } = now;
    rejected.push(rejectionOf(member, { reason, ...(retryAtMs !== undefined && { retryAtMs }) }));
    const atMs = retryAtMs ?? Infinity;
    if (mayWait(rules, reason, atMs) && (soonest === undefined || atMs < soonest.atMs)) soonest = { member, atMs };
  }
  const chosen = open.length === 0 ? undefined : rank(rules, call, { open, rejected });
  if (chosen !== undefined) return chosen;
  if (soonest === undefined) return { member: undefined, rejected };
  const { member } = soonest;
  const selection = pickedBy("queue", member, { reason: "free again first", rejected });
  return { member, maxWaitMs: rules.queueMs, selection };
}

function mayWait(rules: SelectionRules, reason: Rejection["reason"], atMs: number): boolean {
  if (reason === "rate_limited" || reason === "concurrency") return rules.queueMs > 0;
  if (reason === "cooldown") return atMs - rules.clock.now() <= Math.min(rules.longestWaitMs, rules.queueMs);
  // A single model says itself that the request is too large for it.
  return reason === "too_large" && rules.members.length === 1;
}

interface Field {
  readonly open: readonly Member[];
  readonly rejected: Rejection[];
}

function rank(rules: SelectionRules, call: Choosing, { open, rejected }: Field): Choice | undefined {
  const { strategy, queueMs: maxWaitMs } = rules;
  const { preferred } = call;
  if (preferred !== undefined && open.includes(preferred)) {
    return {
      member: preferred,
      maxWaitMs,
      selection: pickedBy("retry", preferred, { reason: "tried again", rejected }),
    };
  }
  const { session } = call.options;
  const pinned = session === undefined ? undefined : rules.affinity?.get(session);
  if (pinned !== undefined && open.includes(pinned)) {
    const reason = "answered the session before";
    return { member: pinned, maxWaitMs, selection: pickedBy("affinity", pinned, { reason, rejected }) };
  }
  const view = viewOf(rules, call);
  const candidates = open.map((member) => new Candidate(rules, member, view));
  const ranked = strategy.rank(candidates, view);
  const [first] = ranked;
  for (const candidate of candidates) {
    if (ranked.some((each) => each.candidate === candidate)) continue;
    const member = rules.members[candidate.index];
    if (member === undefined) continue;
    const reason = candidate.expectedCostMicroUsd === null ? "price_unknown" : "capability";
    rejected.push(rejectionOf(member, { reason, detail: `left out by ${strategy.name}` }));
  }
  const member = first === undefined ? undefined : rules.members[first.candidate.index];
  if (first === undefined || member === undefined) return undefined;
  const selection: Selection = {
    strategy: strategy.name,
    chosen: member.id,
    reason: first.reason,
    candidates: ranked.map(({ candidate, score }) => ({ model: candidate.id, score: finite(score) })),
    rejected,
  };
  return { member, maxWaitMs, selection };
}

/** A report is kept as JSON, which holds no infinite number: a strategy may rank by one all the same. */
function finite(score: number): number {
  return Number.isNaN(score) ? 0 : Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, score));
}

function pickedBy(
  strategy: string,
  member: Member,
  { reason, rejected }: { readonly reason: string; readonly rejected: readonly Rejection[] },
): Selection {
  return { strategy, chosen: member.id, reason, candidates: [{ model: member.id, score: 0 }], rejected };
}

/** Tells why a member is out of the question, whatever its gate says. */
function refusalOf(rules: SelectionRules, call: Choosing, member: Member): Rejection | undefined {
  const shut = call.shut.get(member);
  if (shut !== undefined) return shut;
  const error = call.failed.get(member);
  if (error !== undefined) return failedOf(call, member, error);
  if (call.only !== undefined && call.only !== member) {
    return rejectionOf(member, { reason: "already_failed", detail: "the call stays on its member" });
  }
  if (!rules.filters) return undefined;
  const why = misfit(call.needs, member.model.capabilities) ?? tooLong(call, member);
  return why === undefined ? undefined : rejectionOf(member, why);
}

/** What was too long for one member is so for those that read no more than it. */
function tooLong({ failed }: Choosing, { model }: Member): Pick<Rejection, "reason" | "detail"> | undefined {
  const own = model.capabilities.contextTokens;
  if (own === null) return undefined;
  for (const [other, { code }] of failed) {
    if (code !== "provider_context_length" || own > (other.model.capabilities.contextTokens ?? -1)) continue;
    return { reason: "context_length", detail: `reads no more than ${other.id}, for which the request is too long` };
  }
  return undefined;
}

function failedOf(call: Choosing, member: Member, error: AtlasError): Rejection {
  const now = member.gate.check(needOf(call, member));
  const retryAtMs = now.available ? undefined : now.retryAtMs;
  return rejectionOf(member, {
    reason: "already_failed",
    detail: error.code,
    ...(retryAtMs !== undefined && { retryAtMs }),
  });
}

function rejectionOf(member: Member, why: Omit<Rejection, "provider" | "model">): Rejection {
  return { provider: member.model.provider, model: member.model.name, ...why };
}

function viewOf({ clock, random }: SelectionRules, { request, options, needs }: Choosing): CallView {
  return {
    request,
    task: options.task,
    inputTokens: needs.inputTokens,
    outputTokens: Math.min(request.maxOutputTokens ?? Infinity, unboundedOutputTokens / 2),
    random,
    nowMs: clock.monotonic(),
  };
}

/** What a strategy does not look at is not computed. */
class Candidate implements CandidateMember {
  readonly id: string;
  readonly index: number;
  readonly weight: number;
  readonly strengths: CandidateMember["strengths"];
  readonly capabilities: CandidateMember["capabilities"];
  readonly #member: Member;
  readonly #prices: Prices;
  readonly #view: CallView;

  constructor({ prices }: SelectionRules, member: Member, view: CallView) {
    this.id = member.id;
    this.index = member.index;
    this.weight = member.weight;
    this.strengths = member.strengths;
    this.capabilities = member.model.capabilities;
    this.#member = member;
    this.#prices = prices;
    this.#view = view;
  }

  get stats(): CandidateMember["stats"] {
    return this.#member.stats.read(this.#view.nowMs);
  }

  get expectedCostMicroUsd(): number | null {
    const { model, stats } = this.#member;
    const { request, inputTokens, outputTokens: expected } = this.#view;
    const outputTokens = Math.min(request.maxOutputTokens ?? Infinity, stats.outputTokens ?? expected);
    const cachedInputTokens = Math.round(inputTokens * stats.cachedShare);
    const usage = { inputTokens, outputTokens: Math.round(outputTokens), cachedInputTokens };
    return costOf(this.#prices, model, { usage });
  }
}
