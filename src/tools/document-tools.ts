import type { AnyTool } from "./tool.ts";
import type { ToolDoc } from "./tool-docs.ts";

/** Is the documentation of tools: as data, and as a page of Markdown. */
export interface ToolsDocumentation {
  readonly tools: readonly ToolDoc[];
  readonly markdown: string;
}

/**
 * Documents tools from their own definitions. `agentsOf` names the agents that have a tool.
 *
 * Order: as given.
 * Cost: what renders is loaded at the first call.
 */
export async function documentTools(
  tools: readonly AnyTool[],
  agentsOf: (tool: AnyTool) => readonly string[] = () => [],
): Promise<ToolsDocumentation> {
  const { describeTool, renderToolDocs } = await import("./tool-docs.ts");
  const docs = await Promise.all(tools.map((each) => describeTool(each, agentsOf(each))));
  return { tools: docs, markdown: renderToolDocs(docs) };
}
