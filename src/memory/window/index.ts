export { passagesOf, planWindow, tokensOf } from "./context-window.ts";
export type { PlacedMessage, WindowPlan } from "./context-window.ts";
export { shortenResult } from "./shorten-result.ts";
export { extractiveSummary, summaryMessage, summaryRequest, transcriptOf } from "./summary.ts";
export { windowTokens } from "./window-policy.ts";
