// What a program imports from "atlas-agents". Adapters have paths of their own: "atlas-agents/providers/openai-chat",
// "atlas-agents/storage/sqlite", …
export * from "./base/index.ts";
export * from "./telemetry/index.ts";
export * from "./storage/index.ts";
export * from "./security/index.ts";
export * from "./providers/index.ts";
export * from "./tools/index.ts";
export * from "./runs/index.ts";
export * from "./knowledge/index.ts";
export * from "./memory/index.ts";
export * from "./graph/index.ts";
export * from "./agents/index.ts";
export * from "./teams/index.ts";
export * from "./app/index.ts";
