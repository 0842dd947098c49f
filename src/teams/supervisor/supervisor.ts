import type { AgentResult } from "../../agents/index.ts";
import type { JsonObject, JsonValue, Schema } from "../../base/index.ts";
import { jsonSchemaOf } from "../../base/index.ts";
import type { Model } from "../../providers/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import { mergeCitations } from "../merge-citations.ts";
import type { Team, TeamContext, TeamOutcome } from "../team.ts";
import { team } from "../team.ts";
import type { BiasDecision, BiasLimits, BiasRequest } from "./bias.ts";
import { defaultPolicy } from "./bias.ts";
import type { CompletionFactory } from "./completion.ts";
import { complete, completionFactory, oneForEachForm } from "./completion.ts";
import type { Form } from "./form.ts";
import { schemaOf } from "./form.ts";
import type { RoleOptions, Role, RoleName } from "./role.ts";
import { roleAgent, roleNames } from "./role.ts";
import { answers } from "./role-answer.ts";
import type { MemoryLimits } from "./role-memory.ts";
import { runRounds } from "./rounds.ts";
import type { Crew, EndReason, Session, SupervisorLimits } from "./session.ts";
import { openSession, plain } from "./session.ts";
import { emptyWork } from "./work.ts";

/** Says how corrections are decided and bounded. */
export interface BiasOptions extends Partial<BiasLimits> {
  /** Decides about a wish: a function, or a judge that is asked. By default what is within the bounds is granted, but who checks keeps its instructions. */
  readonly policy?: ((request: BiasRequest) => BiasDecision | Promise<BiasDecision>) | Runnable;
}

/** Is what a user writes to define a supervisor. */
export interface SupervisorOptions {
  /** Names the team, also in the database; its roles are `NAME.reasoning` and so on. */
  readonly name: string;
  readonly description?: string;
  /** What roles are made of; a runnable takes the place of the agent. */
  readonly roles?: { readonly [Name in RoleName]?: RoleOptions | Runnable };
  /** Of every role that has none of its own. */
  readonly model?: Model | string;
  readonly limits?: Partial<SupervisorLimits>;
  readonly memory?: Partial<MemoryLimits>;
  readonly bias?: BiasOptions;
  /** Makes the result JSON by this schema, whatever form the goal asks for. */
  readonly output?: Schema<unknown, unknown>;
  /** Makes the agent of the completion role for a form that is not text. */
  readonly completion?: CompletionFactory;
}

const defaultLimits: SupervisorLimits = {
  rounds: 6,
  messages: 100,
  noProgress: 2,
  repairs: 2,
  handbacks: 3,
  parallel: 4,
};
const defaultMemory: MemoryLimits = { notes: 32, exchanges: 4, chars: 2_000 };
const defaultBias: BiasLimits = { max: 8, maxRequests: 32, maxChars: 1_000, rounds: 2 };

/**
 * Makes a team of five roles under a supervisor: reasoning, planning, action, feedback and completion, each with tools and a memory of its
 * own. It goes round until the feedback role accepts or a limit ends it, and gives the best round.
 *
 * Shape: its events are in docs/supervisor.md. The metadata of the result is { supervisor: { reason, rounds, best, score, scores, accepted },
 * form, feedback: points, answered }; the meter of the debt of a text reads `feedback`.
 * Errors: team_invalid; those of a role that fails before any round has given something.
 * @example examples/supervisor.ts
 */
export function supervisor(options: SupervisorOptions): Team {
  const { name, description, output, bias = {} } = options;
  if (name.length > 36)
    throw teamErrors.create(
      "team_invalid",
      `The name of the supervisor ${JSON.stringify(name)} has more than 36 characters, so that its roles have no room for theirs.`,
    );
  const { policy = defaultPolicy, ...biasLimits } = bias;
  const limits = checked(name, { ...defaultLimits, ...options.limits });
  const crew: Crew = {
    name,
    roles: rolesOf(options, limits),
    limits,
    memory: checked(name, { ...defaultMemory, ...options.memory }),
    bias: checked(name, { ...defaultBias, ...biasLimits }),
    policy,
  };
  const { made } = crew.roles.completion;
  const factory = options.completion ?? (made === undefined ? undefined : completionFactory(name, made));
  const make = oneForEachForm(factory ?? (() => crew.roles.completion.runnable));
  const judges = typeof policy === "function" ? [] : [policy];
  const form: Form | undefined = output && {
    name: "json",
    source: "options",
    schema: jsonSchemaOf(output, `the output of ${name}`),
  };
  return team<JsonValue>({
    name,
    ...(description === undefined ? {} : { description }),
    members: [...roleNames.map((role) => crew.roles[role].runnable), ...judges],
    run: (context, goal) => supervise({ crew, form, output, make }, context, goal),
  });
}

type Parts = {
  crew: Crew;
  form: Form | undefined;
  output: Schema<unknown, unknown> | undefined;
  make: CompletionFactory;
};

async function supervise(
  { crew, form, output, make }: Parts,
  context: TeamContext,
  goal: string,
): Promise<TeamOutcome<JsonValue>> {
  const session = await openSession(crew, context, goal);
  const work = emptyWork(form);
  const { best, scores } = await runRounds(session, work);
  const reason = session.ended ?? "rounds";
  // Nothing was found, and a role failed: that is a failure, and no result.
  if (session.failure !== undefined && best.findings.every(({ answered }) => !answered)) throw session.failure;
  const schema = output ?? schemaOf(work.form);
  const { text, output: value, problem } = await complete(session, { best, form: work.form, schema, make });
  const told: JsonObject = {
    reason,
    rounds: scores.length,
    best: best.round,
    score: best.score,
    scores: [...scores],
    accepted: best.accepted,
  };
  session.emit("loop.ended", { ...told, ...(problem === undefined ? {} : { formProblem: problem }) });
  return {
    output: value as JsonValue,
    text,
    citations: mergeCitations(best.findings),
    finishReason: finishReasons[reason],
    metadata: {
      supervisor: told,
      form: { name: work.form.name, source: work.form.source, ...(problem === undefined ? {} : { problem }) },
      feedback: best.points.map(plain),
      answered: best.findings.some(({ answered }) => answered),
    },
  };
}

const finishReasons: Readonly<Record<EndReason, AgentResult["finishReason"]>> = {
  accepted: "stop",
  rounds: "max_steps",
  messages: "max_steps",
  no_progress: "max_steps",
  tokens: "max_tokens",
  cost: "budget",
  time: "timeout",
  failed: "other",
};

function rolesOf(
  { name: team, roles = {}, model }: SupervisorOptions,
  limits: SupervisorLimits,
): Session["crew"]["roles"] {
  const roleOf = (name: RoleName): Role => {
    const given = roles[name] ?? {};
    if (isRunnable(given)) return { name, runnable: given };
    const timeoutMs = limits.timeoutMs ?? given.limits?.timeoutMs;
    const options = timeoutMs === undefined ? given : { ...given, limits: { timeoutMs, ...given.limits } };
    // Whoever may answer in text has no schema: what it says can then be held against its sources.
    const output = name === "action" || name === "completion" ? undefined : answers[name];
    const made = roleAgent({ team, name, options, ...(model === undefined ? {} : { model }) }, output);
    return { name, runnable: made, made };
  };
  return {
    reasoning: roleOf("reasoning"),
    planning: roleOf("planning"),
    action: roleOf("action"),
    feedback: roleOf("feedback"),
    completion: roleOf("completion"),
  };
}

function isRunnable(value: RoleOptions | Runnable): value is Runnable {
  return "kind" in value && "name" in value;
}

function checked<T extends object>(team: string, limits: T): T {
  for (const [key, value] of Object.entries(limits)) {
    if (
      typeof value === "number" &&
      value >= (key === "rounds" || key === "parallel" || key === "messages" || key === "noProgress" ? 1 : 0) &&
      !Number.isNaN(value)
    )
      continue;
    throw teamErrors.create(
      "team_invalid",
      `The limit ${key} of the supervisor ${team} must be a number that leaves something to do.`,
      { details: { team, limit: key } },
    );
  }
  return limits;
}
