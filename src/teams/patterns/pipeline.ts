import type { Agent } from "../../agents/index.ts";
import type { JsonValue } from "../../base/index.ts";
import type { Runnable, Workflow } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import type { Team, TeamContext } from "../team.ts";
import type { MemberResult } from "./asking.ts";
import { answered } from "./asking.ts";
import { isRunnable, textOf } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";

/**
 * Is one stage of a pipeline: a member, which gets what the stage before gave as its goal, or a function that makes something else
 * of it. A function is a step of the run: what it gives must be JSON.
 */
export type Stage<In, Out> =
  | Agent<Out>
  | Team<Out>
  | Workflow<In, Out>
  | ((value: In, context: TeamContext) => Out | Promise<Out>);

/** Are the options of a pipeline of these stages. */
export interface PipelineOptions<Stages> extends PatternOptions {
  readonly stages: Stages;
}

type S<In, Out> = Stage<In, Out>;

/**
 * Makes a team of stages: the first gets the goal, each other what the one before gave, and nothing else. Functions between them
 * change its form. At a limit, the output is what the last finished stage gave, as `metadata.stage` (from 1) says.
 *
 * Shape: it adds the event `stage.completed` { stage, name }.
 * Errors: team_invalid; those of a stage.
 * @example examples/patterns.ts
 */
export function pipeline<A>(options: PipelineOptions<readonly [S<string, A>]>): Team<A>;
export function pipeline<A, B>(options: PipelineOptions<readonly [S<string, A>, S<A, B>]>): Team<B>;
export function pipeline<A, B, C>(options: PipelineOptions<readonly [S<string, A>, S<A, B>, S<B, C>]>): Team<C>;
export function pipeline<A, B, C, D>(
  options: PipelineOptions<readonly [S<string, A>, S<A, B>, S<B, C>, S<C, D>]>,
): Team<D>;
export function pipeline<A, B, C, D, E>(
  options: PipelineOptions<readonly [S<string, A>, S<A, B>, S<B, C>, S<C, D>, S<D, E>]>,
): Team<E>;
export function pipeline<A, B, C, D, E, F>(
  options: PipelineOptions<readonly [S<string, A>, S<A, B>, S<B, C>, S<C, D>, S<D, E>, S<E, F>]>,
): Team<F>;
export function pipeline(options: PipelineOptions<readonly (Runnable | StageFunction)[]>): Team<unknown>;
export function pipeline(options: PipelineOptions<readonly (Runnable | StageFunction)[]>): Team<unknown> {
  const { name, stages } = options;
  stages.forEach((stage: unknown, index) => {
    if (typeof stage === "function" || isRunnable(stage)) return;
    throw teamErrors.create("team_invalid", `Stage ${index + 1} of ${name} is neither a member nor a function.`, {
      details: { team: name, stage: index + 1 },
    });
  });
  if (stages.length === 0) throw teamErrors.create("team_invalid", `The pipeline ${name} has no stages.`);
  return patternTeam<unknown>(options, {
    members: stages.filter((stage) => typeof stage !== "function"),
    least: 0,
    async run(asking, context, goal) {
      let value: JsonValue = goal;
      let reached = 0;
      const results: MemberResult[] = [];
      for (const [index, stage] of stages.entries()) {
        if (typeof stage === "function") {
          const before: JsonValue = value;
          value = await context.step(`stage:${index + 1}`, async () => plain(await call(stage, before, context)));
        } else {
          const result = answered(await asking.ask(stage, value));
          if (result === undefined) break;
          results.push(result);
          value = result.output;
        }
        reached = index + 1;
        const stageName = stage.name === "" ? `stage ${reached}` : stage.name;
        context.emit({ type: "stage.completed", data: { stage: reached, name: stageName } });
      }
      const finishReason = results.at(-1)?.finishReason ?? "stop";
      return asking.conclude(value, { from: results, text: textOf(value), finishReason, metadata: { stage: reached } });
    },
  });
}

type StageFunction = (value: never, context: TeamContext) => unknown;

/** Calls a function with what the overloads have checked to be its value. */
async function call(stage: StageFunction, value: JsonValue, context: TeamContext): Promise<unknown> {
  return await stage(value as never, context);
}

function plain(value: unknown): JsonValue {
  return (value ?? null) as JsonValue;
}
