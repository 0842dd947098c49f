import type { AgentLimits, AnyAgent } from "../../agents/index.ts";
import type { Agent } from "../../agents/index.ts";
import type { Team } from "../team.ts";
import { answered } from "./asking.ts";
import { derivedAgent } from "./derived-agent.ts";
import type { KindRule } from "./detect-kind.ts";
import { builtInKinds, detectKind, withoutDeclaration } from "./detect-kind.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";

/** Says how a kind of task is told from others, and how the agent does it. */
export interface TaskKindOptions extends KindRule {
  /** Stand behind the agent's own instructions. */
  readonly instructions?: string;
  /** The agent's own by default. */
  readonly model?: AnyAgent["model"];
  readonly limits?: AgentLimits;
}

/** Are the options of `taskAware`. */
export interface TaskAwareOptions extends Partial<PatternOptions> {
  /** By name. They go before the built-in kinds, whose words they replace where they have one's name. */
  readonly kinds: Readonly<Record<string, TaskKindOptions>>;
  /** The kind of what is of none; `general` by default. */
  readonly fallback?: string;
}

/**
 * Makes of an agent one that does each task after its kind: with the instructions, the model and the limits of that kind. Groups of
 * models that choose by the kind of work are told it. A goal can declare its kind: `[kind: code] …`, or a first line `kind: code`.
 *
 * Shape: it adds the event `task.detected` { kind, reason, confidence, model? }; `metadata` has `taskKind`, `kindReason` and `kindConfidence`.
 * Errors: team_invalid; agent_invalid where the names of agent and kind are too long together; those of the agent.
 * @example examples/patterns.ts
 */
export function taskAware<Output>(agent: Agent<Output>, options: TaskAwareOptions): Team<Output> {
  const { kinds, fallback = "general" } = options;
  const name = options.name ?? `${agent.name}.by-kind`;
  const known = new Set([...Object.keys(kinds), ...Object.keys(builtInKinds), fallback]);
  const agents = new Map([...known].map((kind) => [kind, agentFor(agent, kind, kinds[kind])]));
  return patternTeam<Output>(
    { ...options, name },
    {
      members: [...agents.values()],
      async run(asking, context, goal) {
        const { kind, reason, confidence } = detectKind(goal, kinds, fallback);
        const member = agents.get(kind) ?? agent;
        const model = typeof member.model === "string" ? { model: member.model } : {};
        context.emit({ type: "task.detected", data: { kind, reason, confidence, ...model } });
        const result = answered(await asking.ask(member, withoutDeclaration(goal)));
        if (result === undefined) throw asking.nothing();
        const { output, text, finishReason, metadata } = result;
        return asking.conclude(output as Output, {
          from: [result],
          text,
          finishReason,
          metadata: { ...metadata, taskKind: kind, kindReason: reason, kindConfidence: confidence },
        });
      },
    },
  );
}

function agentFor(agent: AnyAgent, kind: string, options: TaskKindOptions = {}): AnyAgent {
  const { instructions = "", model, limits } = options;
  const own = agent.instructions;
  const both = typeof own === "string" ? [own, instructions].filter((each) => each !== "").join("\n\n") : own;
  return derivedAgent(agent.name, agent, {
    name: `${agent.name}.${kind}`,
    task: kind,
    instructions: both,
    ...(model === undefined ? {} : { model }),
    ...(limits === undefined ? {} : { limits: { ...agent.limits, ...limits } }),
    tools: [],
  });
}
