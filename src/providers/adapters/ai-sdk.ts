export { fromAiSdk } from "./ai-sdk-from.ts";
export type { FromAiSdkOptions } from "./ai-sdk-from.ts";
export { toAiSdk } from "./ai-sdk-to.ts";
export type { ToAiSdkOptions } from "./ai-sdk-to.ts";
