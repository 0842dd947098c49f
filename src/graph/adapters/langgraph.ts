export { langgraphSaver } from "./langgraph-saver.ts";
export type { LanggraphSaver, LanggraphSaverOptions } from "./langgraph-saver.ts";
