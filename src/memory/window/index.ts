export { passagesOf, planWindow, tokensOf, tokensOfAll } from "./context-window.ts";
export type { PlacedMessage, WindowBounds, WindowPlan } from "./context-window.ts";
export { shortenResult } from "./shorten-result.ts";
export type { ShortenedResult } from "./shorten-result.ts";
export { extractiveSummary, summaryMessage, summaryRequest, transcriptOf } from "./summary.ts";
export { windowTokens } from "./window-policy.ts";
