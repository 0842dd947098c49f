export { langgraph } from "./langgraph-node.ts";
export type { CompiledLanggraph } from "./langgraph-compiled.ts";
export type { LanggraphOptions, LanggraphOutput, LanggraphTarget } from "./langgraph-node.ts";
export { langgraphSaver } from "./langgraph-saver.ts";
export type { LanggraphSaver, LanggraphSaverOptions } from "./langgraph-saver.ts";
