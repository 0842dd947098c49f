import { asMaterial } from "../material.ts";
import { askRole, isExtractive } from "./ask-role.ts";
import type { Content, FoundText } from "./message.ts";
import type { FeedbackPoint } from "./points.ts";
import { closedShare } from "./points.ts";
import { plainReview } from "./plain-roles.ts";
import type { Session } from "./session.ts";
import { endBiases, mayGoOn, send, takeSteering } from "./session.ts";
import type { Found, Work } from "./work.ts";
import { act } from "./action.ts";
import { findingsOf, plan, reason, replaced } from "./work.ts";

/** Is what a round came to: the best of all rounds is what is written out in the end. */
export interface RoundResult {
  readonly round: number;
  readonly score: number;
  readonly accepted: boolean;
  readonly questions: Work["questions"];
  readonly findings: readonly Found[];
  readonly points: readonly FeedbackPoint[];
}

type Start = "reasoning" | "planning" | "action";

/** Goes round until the feedback role accepts or a limit ends it. Gives the best round and the scores of all. */
export async function runRounds(
  session: Session,
  work: Work,
): Promise<{ best: RoundResult; scores: readonly number[] }> {
  const { limits } = session.crew;
  const scores: number[] = [];
  let best: RoundResult | undefined;
  let start: Start = "reasoning";
  let stale = 0;
  let steered = false;
  for (session.round = 1; session.ended === undefined; session.round++) {
    if (await takeSteering(session)) [start, steered] = ["reasoning", true];
    endBiases(session, session.biases.expire(session.round), "expired");
    work.handbacks = 0;
    session.emit("round.started", { round: session.round, from: start });
    const verdict: Verdict | undefined = (await produce(session, work, { start, steered }))
      ? await review(session, work)
      : undefined;
    steered = false;
    const result = resultOf(session, work, verdict);
    if (verdict !== undefined) scores.push(result.score);
    const isBetter = best === undefined || compare(result, best) > 0;
    if (isBetter && (verdict !== undefined || best === undefined)) best = result;
    stale = isBetter ? 0 : stale + 1;
    const { score, points } = result;
    const open = points.filter((point) => point.open).map(({ id }) => id);
    session.emit("round.finished", {
      round: session.round,
      score,
      reviewed: verdict !== undefined,
      open,
      best: best?.round ?? session.round,
    });
    if (session.ended !== undefined) break;
    if (verdict?.kind === "accepted") {
      // What was sent while the work was checked is answered too, if there is a round left for it.
      if (session.round < limits.rounds && (await takeSteering(session))) [start, steered] = ["reasoning", true];
      else session.ended = "accepted";
    } else if (session.round >= limits.rounds) session.ended = "rounds";
    else if (stale >= limits.noProgress) session.ended = "no_progress";
    else if (verdict !== undefined) start = verdict.to;
    if (session.ended !== undefined) break;
  }
  if (best === undefined) throw new Error("A loop has at least one round.");
  return { best, scores };
}

/** Hands the work from where it begins down to the feedback role. */
async function produce(
  session: Session,
  work: Work,
  { start, steered }: { start: Start; steered: boolean },
): Promise<boolean> {
  if (!(await mayGoOn(session))) return false;
  const open = session.points.open;
  const texts = open.map(({ id, text }) => `${id}: ${text}`);
  const hadSteps = new Set(work.steps.map(({ id, text }) => `${id} ${text}`));
  if (start === "reasoning" && !(await reason(session, work, texts))) return false;
  if (start !== "action" && !(await plan(session, work, start === "planning" ? texts : []))) return false;
  // Where the feedback role names the steps of its points, only those are done anew; and always those that are new.
  const named = new Set(open.map(({ step }) => step));
  const all = steered || open.some(({ step }) => step === undefined);
  const isExtra = (id: string, text: string): boolean => !hadSteps.has(`${id} ${text}`);
  const redo = isExtractive(session, "action") ? [] : work.steps.filter(({ id }) => all || named.has(id));
  const todo = work.steps.filter(
    (step) => redo.includes(step) || isExtra(step.id, step.text) || !work.found.has(step.id),
  );
  if (!(await act({ session, work, open }, todo))) return false;
  send(session, { kind: "findings", findings: findingsOf(work).map(saidOf) });
  return true;
}

function saidOf({ step, question, text, answered, sources, unverified }: Found): FoundText {
  return { step, question, text, answered, sources, unverified };
}

type Verdict = Extract<Content, { kind: "accepted" | "open_points" }>;

/** Has the feedback role check what was found, and keeps its points. */
async function review(session: Session, work: Work): Promise<Verdict | undefined> {
  const said = isExtractive(session, "feedback") ? undefined : await askedVerdict(session, work);
  if (session.ended !== undefined) return undefined;
  if (said === undefined && !isExtractive(session, "feedback")) replaced(session, "feedback");
  return note(session, said ?? plainVerdict(session, work));
}

async function askedVerdict(session: Session, work: Work): Promise<Verdict | undefined> {
  const { points } = session;
  const questions = work.questions.map(({ id, text }) => `- ${id}: ${text}`);
  const found = findingsOf(work).map(
    ({ step, question, text, sources, unverified }) =>
      `## ${step} (question ${question}; ${sources} sources, ${unverified} unsupported)\n${asMaterial(text)}`,
  );
  const open = points.open.map(({ id, text, weight }) => `- ${id} (weight ${weight}): ${text}`);
  const told = [
    `Questions:\n${questions.join("\n")}`,
    `Found:\n${found.join("\n\n")}`,
    open.length === 0 ? "" : `Open points:\n${open.join("\n")}`,
  ];
  const given = await askRole(session, {
    role: "feedback",
    told: told.filter((part) => part !== "").join("\n\n"),
    check: (answer) => {
      if (answer?.message.kind !== "accepted") return undefined;
      const { closed } = answer.message;
      const left = points.open.filter(({ id }) => !closed.includes(id)).map(({ id }) => id);
      return left.length === 0
        ? undefined
        : `It is accepted with ${left.join(", ")} open: close what is mended, or hand it back.`;
    },
  });
  return given?.answer?.message;
}

/** What can be computed: points that were raised before and are no more found are closed. */
function plainVerdict(session: Session, work: Work): Verdict {
  const { points: raised, score } = plainReview(work.questions, findingsOf(work));
  const still = new Set(raised.map(({ text }) => text));
  const closed = session.points.open.filter(({ text }) => !still.has(text)).map(({ id }) => id);
  if (raised.length === 0) return { kind: "accepted", closed, score };
  return { kind: "open_points", to: "planning", points: [...raised].slice(0, 64), closed, score };
}

function note(session: Session, said: Verdict): Verdict {
  const { points, round } = session;
  const closed = points.close(said.closed, round);
  const raised = said.kind === "open_points" ? points.raise(said.points, round) : [];
  for (const { id, text, weight } of raised) session.emit("point.raised", { id, text, weight, round });
  for (const { id } of closed) session.emit("point.closed", { id, round });
  send(session, said);
  return said;
}

function resultOf({ round, points }: Session, work: Work, verdict: Verdict | undefined): RoundResult {
  const accepted = verdict?.kind === "accepted";
  const score = verdict === undefined ? 0 : (verdict.score ?? (accepted ? 1 : closedShare(points.all)));
  return { round, score, accepted, questions: work.questions, findings: findingsOf(work), points: points.all };
}

/** Compares two rounds: accepted before not, then by score, then by the weight of what is open. More than 0: the first is better. */
function compare(one: RoundResult, other: RoundResult): number {
  if (one.accepted !== other.accepted) return one.accepted ? 1 : -1;
  return one.score - other.score || openWeight(other) - openWeight(one);
}

function openWeight({ points }: RoundResult): number {
  return points.reduce((sum, point) => sum + (point.open ? point.weight : 0), 0);
}
