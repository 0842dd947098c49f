export { toolErrors } from "./errors.ts";
export { invokeTool } from "./invoke.ts";
export type { ToolInvocation } from "./invoke.ts";
export { tool } from "./tool.ts";
export type { AnyTool, Tool, ToolContext, ToolOptions, UnknownToolOutcome } from "./tool.ts";
