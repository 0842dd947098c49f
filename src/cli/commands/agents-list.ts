import type { AnyAgent, RegisteredAgent } from "../../agents/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Lists agents. */
export async function agentsList(call: Call): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const listed = atlas.registry.list();
  if (screen.json) screen.printJson({ agents: listed.map(agentFacts) });
  else {
    for (const each of listed) {
      const said = each.description || Object.keys(each.capabilities).join(", ");
      const mark = each.deprecated ? styled("yellow", " deprecated") : each.kind === "factory" ? " factory" : "";
      const source = styled("dim", oneLine(each.source, 60));
      screen.print(line`${styled("bold", oneLine(each.name))} ${each.version}${mark}  ${oneLine(said, 80)}  ${source}`);
    }
  }
  return 0;
}

/** Gives what is known of an agent as plain data. */
export function agentFacts(entry: RegisteredAgent): object {
  const { agent, sourceId: id } = entry;
  const facts = { ...entry, id, agent: undefined, factory: undefined, sourceId: undefined };
  if (agent === undefined) return facts;
  const { model, tools, knowledge, limits, task } = agent;
  return {
    ...facts,
    model: modelOf(model) ?? null,
    tools: tools.map(({ name, version }) => ({ name, version })),
    knowledge,
    limits,
    task: task ?? null,
    hasOutput: agent.output !== undefined,
  };
}

/** Names an agent's model; undefined where it takes the one that is configured or found. */
export function modelOf(model: AnyAgent["model"]): string | undefined {
  if (typeof model === "function") return "(chosen by a function)";
  return typeof model === "object" ? `${model.provider}/${model.name}` : model;
}
