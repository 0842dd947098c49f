import { isJsonObject, scripted } from "../../src/index.ts";
import type { Atlas, JsonObject, ModelRequest, RunHandle, ScriptedTurn } from "../../src/index.ts";
import { supervisor } from "../../src/teams/supervisor/index.ts";
import type { SupervisorOptions } from "../../src/teams/supervisor/index.ts";

/** Is a role's model: it says in turn what it is given, the last again and again, and keeps what it was sent. */
export function role(...turns: readonly (JsonObject | string | ScriptedTurn)[]) {
  const seen: ModelRequest[] = [];
  const model = scripted((request) => {
    const turn = turns[Math.min(seen.length, turns.length - 1)] ?? "";
    seen.push(request);
    if (typeof turn === "string") return turn;
    return "text" in turn || "toolCalls" in turn ? turn : JSON.stringify(turn);
  });
  return { model, seen, said: () => seen.map((request) => JSON.stringify(request.messages)) };
}

/** Is a split of a goal. */
export const questions = { questions: [{ id: "q1", text: "Why does bread rise?" }], form: "text" };
/** Is a plan of one step. */
export const steps = {
  message: { kind: "steps", steps: [{ id: "s1", question: "q1", text: "Find why bread rises." }] },
};
/** Accepts. */
export const accepted = { message: { kind: "accepted", closed: [], score: 1 } };
/** Hands a point back to action. */
export const open = (text: string, more: JsonObject = {}): JsonObject => ({
  message: { kind: "open_points", to: "action", points: [{ text }], ...more },
});

/** Makes models of all roles that do their work, but for those that are given. */
export function crew(
  models: Partial<
    Record<"reasoning" | "planning" | "action" | "feedback" | "completion", ReturnType<typeof role>>
  > = {},
) {
  return {
    reasoning: role(questions),
    planning: role(steps),
    action: role("Yeast breathes."),
    feedback: role(accepted),
    completion: role("Bread rises because yeast breathes."),
    ...models,
  };
}

/** Makes a supervisor of models. */
export function teamOf(models: ReturnType<typeof crew>, options: Partial<SupervisorOptions> = {}) {
  const roles = {
    reasoning: { model: models.reasoning.model },
    planning: { model: models.planning.model },
    action: { model: models.action.model },
    feedback: { model: models.feedback.model },
    completion: { model: models.completion.model },
  };
  return supervisor({ name: "crew", ...options, roles: { ...roles, ...options.roles } });
}

/** Runs a supervisor of models to its end. */
export async function go(atlas: Atlas, models: ReturnType<typeof crew>, options: Partial<SupervisorOptions> = {}) {
  const run = await atlas.start(teamOf(models, options), "Why does bread rise?");
  const result = await run.result();
  return { result, told: await eventsOf(run) };
}

/** Gives the data of a run's events by their type. */
export async function eventsOf(run: RunHandle<unknown>): Promise<(type: string) => JsonObject[]> {
  const log = await Array.fromAsync(run.events({ after: 0 }));
  return (type) => log.filter((event) => event.type === type).map(({ data }) => (isJsonObject(data) ? data : {}));
}

/** Tells who handed what to whom. */
export const ways = (told: (type: string) => JsonObject[]) =>
  told("message.sent").map(({ from, to, kind, direction }) =>
    [`${text(from)}>${text(to)}`, text(kind), text(direction)].join(" "),
  );

const text = (value: unknown): string => (typeof value === "string" ? value : "");
