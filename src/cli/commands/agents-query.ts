import type { AgentQuery } from "../../agents/index.ts";
import { splitReference } from "../../agents/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas agents query`. */
export interface AgentsQueryOptions {
  readonly capability?: readonly string[];
  readonly task?: string;
  readonly tool?: readonly string[];
  readonly documents?: boolean;
}

/** Finds the agents that can do something, the best first. Exits with 4 where there is none. */
export async function agentsQuery(call: Call<AgentsQueryOptions>): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const matches = atlas.registry.query(readQuery(call.options));
  if (screen.json) screen.printJson({ matches: matches.map((match) => ({ ...match, agent: undefined })) });
  else {
    for (const { name, version, score, strengths, deprecated } of matches) {
      const words = Object.entries(strengths).map(([each, strength]) => `${each} ${strength}`);
      const mark = deprecated ? styled("yellow", " deprecated") : "";
      screen.print(
        line`${styled("green", score.toFixed(2))} ${styled("bold", oneLine(name))} ${version}${mark}  ${oneLine(words.join(", "))}`,
      );
    }
    if (matches.length === 0) screen.say("No agent can do this. See what they can: atlas agents list");
  }
  return matches.length === 0 ? 4 : 0;
}

function readQuery({ capability = [], task, tool = [], documents = false }: AgentsQueryOptions): AgentQuery {
  const tools = tool.map((each) => splitReference(each)).map(({ name, range = "*" }) => [name, range] as const);
  return {
    capability: capability.flatMap((each) => each.split(",")).map((each) => each.trim()),
    needs: { tools: Object.fromEntries(tools), knowledge: documents },
    ...(task === undefined ? {} : { task }),
  };
}
