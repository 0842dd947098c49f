import { z } from "zod";
import type { RunBudget } from "../../agents/index.ts";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import type { TeamContext } from "../team.ts";
import type { Biases, BiasDecision, BiasLimits, BiasRequest } from "./bias.ts";
import { createBiases } from "./bias.ts";
import type { Content, Message } from "./message.ts";
import { message, routeOf } from "./message.ts";
import type { Points } from "./points.ts";
import { createPoints } from "./points.ts";
import { biasWish } from "./role-answer.ts";
import type { Memories, MemoryLimits } from "./role-memory.ts";
import { createMemories } from "./role-memory.ts";
import type { Role, RoleName } from "./role.ts";
import { roleNames } from "./role.ts";

/** Says why a loop ended: the work was accepted, or a limit was reached, or a role failed for good. */
export type EndReason = "accepted" | "rounds" | "messages" | "tokens" | "cost" | "time" | "no_progress" | "failed";

/**
 * Bounds a supervised run. Units: `rounds` of the loop; `messages` that roles give, whether taken or refused; `noProgress` rounds that
 * bring nothing better; `repairs` of one answer; `handbacks` within a round; `parallel` steps at once; `maxTokens`, `maxCostUsd` and
 * `timeoutMs` of the whole run.
 */
export interface SupervisorLimits {
  readonly rounds: number;
  readonly messages: number;
  readonly noProgress: number;
  readonly repairs: number;
  readonly handbacks: number;
  readonly parallel: number;
  readonly maxTokens?: number;
  readonly maxCostUsd?: number;
  readonly timeoutMs?: number;
}

/** Is what a supervisor is made of, as its loop uses it. */
export interface Crew {
  readonly name: string;
  readonly roles: Readonly<Record<RoleName, Role>>;
  readonly limits: SupervisorLimits;
  readonly memory: MemoryLimits;
  readonly bias: BiasLimits;
  readonly policy: ((request: BiasRequest) => BiasDecision | Promise<BiasDecision>) | Runnable;
}

/** Is one run of a supervisor: all of it follows from the run's log, so that it is the same again after a crash. */
export interface Session {
  readonly crew: Crew;
  readonly context: TeamContext;
  readonly goal: string;
  readonly memories: Memories;
  readonly biases: Biases;
  readonly points: Points;
  /** What a person said on the way. */
  readonly directions: string[];
  readonly spent: { messages: number; tokens: number; costMicroUsd: number; requests: number };
  readonly startedAt: number | undefined;
  round: number;
  sent: number;
  /** Whether the model that roles have without one of their own can only quote; undefined as long as nobody knows. */
  extractive: boolean | undefined;
  ended: EndReason | undefined;
  /** What a role failed with. */
  failure: Error | undefined;
  emit(type: string, data: JsonObject): void;
}

/** Begins a session. */
export async function openSession(made: Crew, context: TeamContext, goal: string): Promise<Session> {
  const crew = { ...made, limits: lesser(made.limits, context.input.budget) };
  const startedAt = crew.limits.timeoutMs === undefined ? undefined : await timeOf(context);
  return {
    crew,
    context,
    goal,
    memories: createMemories(crew.memory),
    biases: createBiases(crew.bias),
    points: createPoints(),
    directions: [],
    spent: { messages: 0, tokens: 0, costMicroUsd: 0, requests: 0 },
    startedAt,
    round: 1,
    sent: 0,
    extractive: undefined,
    ended: undefined,
    failure: undefined,
    emit: (type, data) => context.emit({ type, data }),
  };
}

/** Gives the limits of the supervisor and of whoever started the run, of two the lesser. */
function lesser(limits: SupervisorLimits, budget: RunBudget = {}): SupervisorLimits {
  const maxTokens = Math.min(limits.maxTokens ?? Infinity, budget.maxTokens ?? Infinity);
  const maxCostUsd = Math.min(limits.maxCostUsd ?? Infinity, budget.maxCostUsd ?? Infinity);
  return {
    ...limits,
    ...(maxTokens === Infinity ? {} : { maxTokens }),
    ...(maxCostUsd === Infinity ? {} : { maxCostUsd }),
  };
}

/** Sends what a role says to whom it concerns, as an event of the run. */
export function send(session: Session, said: Content): Message {
  const { from, to, direction } = routeOf(said);
  const sent = message.parse({
    id: `m${++session.sent}`,
    from,
    to,
    direction,
    kind: said.kind,
    round: session.round,
    content: said,
  });
  session.emit("message.sent", plain(sent));
  return sent;
}

/** Tells whether a further role may be asked, and notes the limit that says no. */
export async function mayGoOn(session: Session): Promise<boolean> {
  session.ended ??= await reachedLimit(session);
  return session.ended === undefined;
}

async function reachedLimit({ crew, spent, startedAt, context }: Session): Promise<EndReason | undefined> {
  const { messages, maxTokens = Infinity, maxCostUsd = Infinity, timeoutMs = Infinity } = crew.limits;
  if (spent.messages >= messages) return "messages";
  if (spent.tokens >= maxTokens) return "tokens";
  if (spent.costMicroUsd >= maxCostUsd * 1_000_000) return "cost";
  if (startedAt === undefined) return undefined;
  return (await timeOf(context)) - startedAt >= timeoutMs ? "time" : undefined;
}

/** Gives the time as a step does: the same again when the run is taken up, so that no limit falls elsewhere. */
async function timeOf(context: TeamContext): Promise<number> {
  return await context.step("time", () => context.clock.now());
}

const steering = z.union([
  z.object({ revoke: z.array(z.string()).or(z.string().transform((id) => [id])) }),
  z.object({ bias: z.intersection(z.object({ role: z.enum(roleNames) }), biasWish) }),
]);

/** Takes what was steered: words go to every role, a correction or its end is carried out. Tells whether there was anything. */
export async function takeSteering(session: Session): Promise<boolean> {
  const inputs = await session.context.steered();
  for (const input of inputs) {
    const read = steering.safeParse(input);
    if (!read.success) {
      const text = (typeof input === "string" ? input : JSON.stringify(input)).trim();
      if (text === "") continue;
      session.directions.push(text);
      session.emit("steering.passed", { text, to: [...roleNames], round: session.round });
    } else if ("revoke" in read.data) endBiases(session, session.biases.revoke(read.data.revoke), "steered");
    else {
      const { role, ...wish } = read.data.bias;
      const refused = session.biases.bound(wish);
      if (refused === undefined) grantBias(session, { role, wish, reason: "A person steered it.", adapted: false });
      else session.emit("bias.refused", { role, target: wish.target, reason: refused });
    }
  }
  return inputs.length > 0;
}

/** Puts a correction in force and tells the log. */
export function grantBias(
  session: Session,
  { role, wish, reason, adapted }: { role: RoleName; wish: z.infer<typeof biasWish>; reason: string; adapted: boolean },
): void {
  const { id, until } = session.biases.grant(role, wish, session.round);
  session.emit("bias.granted", { id, role, target: wish.target, granted: plain(wish), adapted, reason, until });
}

/** Tells the log of corrections that hold no more. */
export function endBiases(
  session: Session,
  over: ReturnType<Biases["revoke"]>,
  why: "expired" | "revoked" | "steered",
): void {
  for (const { id, role, wish } of over)
    session.emit(why === "expired" ? "bias.expired" : "bias.revoked", { id, role, target: wish.target, why });
}

/** Gives a value of a schema as JSON data. */
export function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as Record<string, JsonValue>;
}
