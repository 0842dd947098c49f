import type { AgentResult, RunBudget } from "../../agents/index.ts";
import type { JsonValue, Schema } from "../../base/index.ts";
import { checkSchema, isAtlasError, toAtlasError } from "../../base/index.ts";
import { findObject } from "../../providers/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { adapted, biasDecision, correct, defaultPolicy } from "./bias.ts";
import type { BiasDecision, BiasRequest, Corrected } from "./bias.ts";
import type { BiasWish, ReadAnswer, RoleAnswer } from "./role-answer.ts";
import { answers, readRoleAnswer } from "./role-answer.ts";
import type { RoleName } from "./role.ts";
import { roleNames, withTools } from "./role.ts";
import type { Session } from "./session.ts";
import { endBiases, grantBias, mayGoOn, plain } from "./session.ts";

/** Is what a role is asked. */
export interface RoleTask<Name extends RoleName> {
  readonly role: Name;
  readonly told: string;
  /** Leaves out the goal, the notes and the rest: what a model that can only quote is asked is looked for word by word. */
  readonly bare?: boolean;
  readonly knowledge?: readonly string[];
  /** Takes what it gives as it is, where that is JSON of another schema than a message's. */
  readonly raw?: boolean;
  /** Whom to ask in the place of the role, such as a completion agent that was made for the form. */
  readonly runnable?: Runnable;
  /** Says what is wrong with an answer that follows its schema. */
  readonly check?: (
    answer: RoleAnswer<Name> | undefined,
    result: AgentResult<JsonValue>,
  ) => string | undefined | Promise<string | undefined>;
}

/** Is what a role gave: `answer` is undefined where it answered in text. */
export interface RoleGiven<Name extends RoleName> {
  readonly answer: RoleAnswer<Name> | undefined;
  readonly result: AgentResult<JsonValue>;
}

/** Says whether a model that can only quote has this role: it is then carried out by what can be computed. */
export function isExtractive({ crew, context, extractive }: Session, name: RoleName): boolean {
  const { made } = crew.roles[name];
  if (made === undefined) return false;
  const model = context.input.model ?? made.model;
  if (model === undefined) return extractive === true;
  if (typeof model === "function") return false;
  return typeof model === "string" ? model.startsWith("offline/") : model.provider === "offline";
}

/**
 * Asks a role, and again with what is wrong, as often as the limits allow. Undefined when it gives nothing that can be used, or when a
 * limit ends the run; `message.refused` says why each time.
 */
export async function askRole<Name extends RoleName>(
  session: Session,
  task: RoleTask<Name>,
): Promise<RoleGiven<Name> | undefined> {
  return (await askRoles(session, [task]))[0];
}

/**
 * Asks for several things at once. All are answered before any is asked again, and answers are taken in the order of the tasks: so the
 * same is asked in the same order when the run is taken up, whoever was first.
 */
export async function askRoles<Name extends RoleName>(
  session: Session,
  tasks: readonly RoleTask<Name>[],
): Promise<readonly (RoleGiven<Name> | undefined)[]> {
  const given = tasks.map((): RoleGiven<Name> | undefined => undefined);
  let open = tasks.map((task, place) => ({ task, place, problem: undefined as string | undefined }));
  for (let attempt = 1; attempt <= session.crew.limits.repairs + 1 && open.length > 0; attempt++) {
    if (!(await mayGoOn(session))) return given;
    const left = session.crew.limits.messages - session.spent.messages;
    const next = open.slice(0, left);
    const asked = next.map(({ task, place, problem }) => {
      const corrected = correct(session.memories.of(task.role), session.biases.of(task.role));
      const told = toldTo(session, { ...task, corrected, problem });
      return { task, place, outcome: call(session, { ...task, corrected, told, among: next.length }) };
    });
    const outcomes = await Promise.all(asked.map(({ outcome }) => outcome));
    open = [];
    for (const [index, { task, place }] of asked.entries()) {
      const { result, failure = "There is no answer.", final = false } = outcomes[index] ?? {};
      const read = result === undefined ? failure : await readGiven(session, task, result);
      if (typeof read !== "string") given[place] = read;
      else if (session.ended === undefined || result !== undefined) {
        session.emit("message.refused", { from: task.role, round: session.round, attempt, problem: read });
        if (!final) open.push({ task, place, problem: read });
      }
    }
  }
  return given;
}

/** Reads an answer and takes in what it says; gives what is wrong where it cannot be used. */
async function readGiven<Name extends RoleName>(
  session: Session,
  task: RoleTask<Name>,
  result: AgentResult<JsonValue>,
): Promise<RoleGiven<Name> | string> {
  const { role } = task;
  // The table of schemas gives for each role the type of its answer, which a generic name hides from the checker.
  const schema = answers[role] as unknown as Schema<unknown, RoleAnswer<Name>>;
  const mayBeText = role === "action" || role === "completion";
  const read: ReadAnswer<RoleAnswer<Name> | undefined> =
    task.raw === true ? { ok: true, value: undefined } : await readRoleAnswer(schema, result.output, mayBeText);
  if (!read.ok) return read.problem;
  const problem = await task.check?.(read.value, result);
  if (problem !== undefined) return problem;
  await takeIn(session, { role, told: task.told, result, answer: read.value });
  return { answer: read.value, result };
}

type Telling = { role: RoleName; told: string; bare?: boolean; corrected: Corrected; problem: string | undefined };

function toldTo({ goal, directions, round, crew }: Session, { told, bare, corrected, problem }: Telling): string {
  if (bare === true) return told;
  const { memory, instructions } = corrected;
  const parts: readonly (readonly [title: string, body: string])[] = [
    ["Goal", goal],
    ["Said meanwhile by whoever gave the goal", directions.join("\n")],
    [`Your task in round ${round} of ${crew.limits.rounds}`, told],
    ["Your notes", memory.notes.map(({ id, text }) => `- ${id}: ${text}`).join("\n")],
    ["What you said before", memory.said.map((each) => `- round ${each.round}: ${each.answer}`).join("\n")],
    ["Corrections of your instructions by your supervisor", instructions.map((text) => `- ${text}`).join("\n")],
    ["Your last answer was refused", problem === undefined ? "" : `${problem} Correct it.`],
  ];
  const said = parts.filter(([, body]) => body !== "");
  // The first task is the goal itself, and a short message is read best.
  if (told === goal && said.length === 2) return goal;
  return said.map(([title, body]) => `# ${title}\n\n${body}`).join("\n\n");
}

/** Is what a call came to; one that is `final` would come to the same again. */
type Called = { result?: AgentResult<JsonValue>; failure?: string; final?: boolean };

type Calling = {
  role: RoleName;
  told: string;
  corrected: Corrected;
  knowledge?: readonly string[];
  runnable?: Runnable;
  /** How many are asked at once. */
  among: number;
};

/** Calls a role once and counts what it spends. */
async function call(
  session: Session,
  { role, told, corrected, knowledge = [], runnable, among }: Calling,
): Promise<Called> {
  const { crew, context, spent } = session;
  const { made, runnable: own } = crew.roles[role];
  const asked =
    runnable ?? (made === undefined || corrected.tools === undefined ? own : withTools(made, corrected.tools));
  spent.messages++;
  try {
    const result = await context.ask(asked, told, { knowledge, ...leftFor(session, among) });
    spent.tokens += result.usage.inputTokens + result.usage.outputTokens;
    spent.costMicroUsd += result.costMicroUsd ?? 0;
    if (made !== undefined && (context.input.model ?? made.model) === undefined)
      session.extractive ??= result.metadata["extractive"] === true;
    return { result };
  } catch (error) {
    // A stop, a cancel and a lost owner are the run's own end, not the role's.
    if (context.signal.aborted || !isAtlasError(error)) throw error;
    const { code } = error;
    session.emit("role.failed", { role, round: session.round, code });
    if (code === "agent_output_invalid") return { failure: error.message, final: error.details["refused"] === true };
    session.ended = endOf(code);
    if (session.ended === "failed") session.failure = error;
    return { failure: error.message };
  }
}

function endOf(code: string): "time" | "tokens" | "failed" {
  if (code === "agent_timed_out") return "time";
  return code === "budget_exceeded" ? "tokens" : "failed";
}

/** Keeps what a role said for itself, and hears what it wishes. */
async function takeIn<Name extends RoleName>(
  session: Session,
  {
    role,
    told,
    result,
    answer,
  }: { role: Name; told: string; result: AgentResult<JsonValue>; answer: RoleAnswer<Name> | undefined },
): Promise<void> {
  const { memories, round } = session;
  memories.hear(role, { round, told, answer: spoken(answer, result.text) });
  const added = memories.note(role, answer?.notes ?? [], round);
  if (added.length > 0)
    session.emit("memory.kept", { role, round, notes: added.map(({ id, text }) => ({ id, text })) });
  if (answer?.bias !== undefined) await hearWish(session, role, answer.bias);
}

/** Gives what was said without what was said aside: a note that was taken away or a wish that was refused is not read again here. */
function spoken(answer: object | undefined, text: string): string {
  return answer === undefined ? text : JSON.stringify({ ...answer, notes: undefined, bias: undefined });
}

async function hearWish(session: Session, role: RoleName, wish: BiasWish): Promise<void> {
  const { biases, round, crew, spent } = session;
  spent.requests++;
  // A flood is cut off without a word for each of its drops.
  if (spent.requests > crew.bias.maxRequests) {
    if (spent.requests === crew.bias.maxRequests + 1)
      session.emit("bias.refused", {
        role,
        target: wish.target,
        reason: `More than ${crew.bias.maxRequests} requests; further ones are not heard.`,
      });
    return;
  }
  const { target, reason, wanted } = wish;
  const shown =
    JSON.stringify(wanted).length > crew.bias.maxChars ? `[${JSON.stringify(wanted).length} characters]` : wanted;
  session.emit("bias.requested", { role, round, target, reason: reason.slice(0, crew.bias.maxChars), wanted: shown });
  const refuse = (why: string): void => session.emit("bias.refused", { role, target, reason: why });
  const bound = biases.bound(wish) ?? unknownTool(session, role, wish);
  if (bound !== undefined) return refuse(bound);
  const inForce = roleNames.flatMap((name) => biases.of(name));
  const decided = await decide(session, { role, round, wish, inForce, left: biases.left });
  if (decided.revoke !== undefined) endBiases(session, biases.revoke(decided.revoke), "revoked");
  if (decided.decision === "refuse") return refuse(decided.reason ?? "");
  const granted = decided.decision === "adapt" ? adapted(wish, decided.wanted) : wish;
  if (granted === undefined) return refuse(`What was adapted does not fit a correction of ${target}.`);
  const tooMuch = biases.bound(granted) ?? unknownTool(session, role, granted);
  if (tooMuch !== undefined) return refuse(tooMuch);
  grantBias(session, { role, wish: granted, reason: decided.reason ?? "", adapted: granted !== wish });
}

function unknownTool({ crew }: Session, role: RoleName, wish: BiasWish): string | undefined {
  if (wish.target !== "tools") return undefined;
  const { made } = crew.roles[role];
  if (made === undefined) return "The tools of this role are its own affair.";
  const unknown = wish.wanted.find((name) => made.tools.every((each) => each.name !== name));
  return unknown === undefined ? undefined : `The role has no tool ${JSON.stringify(unknown.slice(0, 64))}.`;
}

/** Has the policy decide; one that fails or gives something else has refused: a wish is not worth the run. */
async function decide(session: Session, request: BiasRequest): Promise<BiasDecision> {
  const { context, crew } = session;
  const { policy } = crew;
  const isJudge = typeof policy !== "function";
  if (isJudge && !(await mayGoOn(session)))
    return { decision: "refuse", reason: "There is nothing left to decide it with." };
  const who = isJudge ? "judge" : "policy";
  try {
    const decided = isJudge
      ? await judged(session, policy, request)
      : policy === defaultPolicy
        ? defaultPolicy(request)
        : await context.step("bias", async () => plain((await policy(request)) ?? {}));
    const read = await checkSchema(biasDecision, decided);
    return read.ok ? read.value : { decision: "refuse", reason: `The ${who} gave no decision.` };
  } catch (error) {
    context.signal.throwIfAborted();
    return { decision: "refuse", reason: `The ${who} failed: ${toAtlasError(error).code}.` };
  }
}

async function judged(session: Session, judge: Runnable, request: BiasRequest): Promise<unknown> {
  const { context, spent } = session;
  spent.messages++;
  const { usage, costMicroUsd, output } = await context.ask(
    judge,
    `Decide whether a role of a team gets the correction that it asks for. Answer with JSON: {"decision":"grant"|"adapt"|"refuse","reason":"…","wanted":…}.\n\n${JSON.stringify(request)}`,
    { knowledge: [], ...leftFor(session, 1) },
  );
  spent.tokens += usage.inputTokens + usage.outputTokens;
  spent.costMicroUsd += costMicroUsd ?? 0;
  return typeof output === "string" ? findObject(output) : output;
}

/** Gives each of some that are asked at once its part of what is left, so that together they cannot pass the limits. */
function leftFor({ crew, spent }: Session, among: number): { budget?: RunBudget } {
  const { maxTokens, maxCostUsd } = crew.limits;
  const budget = {
    ...(maxTokens === undefined ? {} : { maxTokens: Math.max(1, Math.floor((maxTokens - spent.tokens) / among)) }),
    ...(maxCostUsd === undefined ? {} : { maxCostUsd: Math.max(0, maxCostUsd - spent.costMicroUsd / 1e6) / among }),
  };
  return Object.keys(budget).length > 0 ? { budget } : {};
}
