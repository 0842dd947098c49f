import type { Atlas } from "../../app/index.ts";
import type { AnyTool } from "../../tools/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Lists tools. */
export async function toolsList(call: Call): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const listed = sortedTools(atlas).map((tool) => ({ tool, agents: agentsWith(atlas, tool) }));
  if (screen.json) {
    screen.printJson({
      tools: listed.map(({ tool, agents }) => {
        const { name, version, description, permissions, requires, timeoutMs, approval, idempotent = null } = tool;
        return { name, version, description, permissions, requires, timeoutMs, approval, idempotent, agents };
      }),
    });
  } else {
    if (listed.length === 0) screen.say("No module exports a tool, and no agent has one. See: docs/tools.md");
    for (const { tool, agents } of listed) {
      const may = tool.permissions.length > 0 ? styled("yellow", ` ${oneLine(tool.permissions.join(", "))}`) : "";
      const said = oneLine(tool.description, 80);
      screen.print(
        line`${styled("bold", tool.name)} ${tool.version}${may}  ${said}  ${styled("dim", oneLine(agents.join(", "), 60))}`,
      );
    }
  }
  return 0;
}

/** Gives the tools that are known here. Order: by name. */
export function sortedTools(atlas: Atlas): readonly AnyTool[] {
  return atlas.tools.list().toSorted((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)));
}

/** Names the agents that have a tool. */
export function agentsWith(atlas: Atlas, tool: AnyTool): readonly string[] {
  const names = atlas.registry.list().flatMap(({ agent }) => (agent?.tools.includes(tool) ? [agent.name] : []));
  return [...new Set(names)];
}
