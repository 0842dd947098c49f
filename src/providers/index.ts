// A conversation with a model
export { systemMessage, textOf, userMessage } from "./message.ts";
export type {
  AssistantPart,
  CacheMark,
  FilePart,
  Message,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolDefinition,
  ToolResultPart,
  UserPart,
} from "./message.ts";
export { readPassages } from "./passage.ts";
export type { Passage } from "./passage.ts";
export type {
  FinishReason,
  Model,
  ModelCapabilities,
  ModelRequest,
  Pausing,
  Provider,
  RateLimitReport,
  ResponseFormat,
  StreamOptions,
  StreamPart,
  ToolChoice,
} from "./model.ts";
export { noUsage, sumUsage } from "./usage.ts";
export type { Usage } from "./usage.ts";
export type { Attempt, CallReport, Rejection, RejectionReason, Seam, Selection } from "./call-report.ts";
export { collect, generate } from "./generate.ts";
export type { Collector, Generation } from "./generate.ts";
export { generateObject } from "./generate-object.ts";
export type { GeneratedObject, ObjectOptions } from "./generate-object.ts";
export { findObject, readStructured, schemaInstruction } from "./structured-output.ts";
export type { StructuredAnswer } from "./structured-output.ts";
export type { Embedder, Embedding, EmbedOptions } from "./embedder.ts";
export { providerErrors } from "./errors.ts";
export type { ProviderErrorCode } from "./errors.ts";
export { scripted } from "./scripted.ts";
export type { Script, ScriptedChoice, ScriptedOptions, ScriptedTurn } from "./scripted.ts";

// Providers: finding, reaching and checking them
export { createProviders, readReference } from "./registry.ts";
export type { ProviderFactory, Providers } from "./registry.ts";
export { offlineReference, ollamaBaseUrl, providerPresets } from "./presets.ts";
export type { ProviderPreset } from "./presets.ts";
export { detectProviders, readOllamaHost } from "./detect.ts";
export type { Candidate, Detection, DetectOptions, Variables } from "./detect.ts";
export type { ApiKey, TokenSource } from "./transport/api-key.ts";
export { checkKey, createKeyChecks } from "./key-check.ts";
export type { KeyCheck, KeyCheckOptions, KeyChecks, KeyChecksOptions } from "./key-check.ts";
export type { HttpClient, HttpExchange, HttpReceiver, HttpRequest } from "./transport/http.ts";
export { defaultTimeouts, localTimeouts } from "./transport/deadlines.ts";
export type { Timeouts } from "./transport/deadlines.ts";
export type { OpenAiChatQuirks } from "./codecs/openai-chat-request.ts";

// What models can do
export { factsOf, knownModels } from "./capability-table/model-facts.ts";
export type { ModelFacts, Strengths } from "./capability-table/model-facts.ts";
export { taskKinds } from "./capability-table/task-kinds.ts";
export type { TaskKind } from "./capability-table/task-kinds.ts";
export { queryModels, strengthAt } from "./query-models.ts";
export type { ModelEntry, ModelMatch, ModelNeeds, ModelQuery, ModelQueryResult } from "./query-models.ts";
export type { ComparedCall } from "./comparison/compared-call.ts";
export { compareModels, comparisonHtml, comparisonPrompts, comparisonTable } from "./comparison/comparison.ts";
export type { Comparison, ComparisonOptions } from "./comparison/compare-models.ts";
export type { ComparisonTable } from "./comparison/comparison-table.ts";
export type { AnswerCheck, ComparisonPrompt } from "./comparison/prompts.ts";
export type { ModelSummary } from "./comparison/summary.ts";

// Reading a stream
export { openStream } from "./streams/open-stream.ts";
export type { OpenStreamOptions, StreamControl } from "./streams/open-stream.ts";
export { transitions as streamTransitions } from "./streams/state.ts";
export type { StreamEvent, StreamState } from "./streams/state.ts";
export type { BufferOptions, FullBufferPolicy } from "./streams/part-buffer.ts";
export type { StreamMetrics } from "./streams/metrics.ts";
export type { ActiveTransform, EmitPart, StreamTransform } from "./streams/transform.ts";
export { textTransform } from "./streams/text-transform.ts";
export type { TextChannel, TextFilter, TextTransformOptions } from "./streams/text-transform.ts";
export { holdBack, redact, replace } from "./streams/text-filters.ts";
export type { HoldBackBoundary, HoldBackOptions, RedactOptions, ReplaceOptions } from "./streams/text-filters.ts";

// Groups of models
export { group, guarded } from "./groups/group.ts";
export type {
  AffinityOptions,
  CancelPolicy,
  FallbackRules,
  GroupMember,
  GroupOptions,
  GuardOptions,
} from "./groups/group-options.ts";
export type { CallView, CandidateMember, MemberStats, RankedMember, Strategy } from "./groups/strategy.ts";
export { adaptive } from "./groups/strategies/adaptive.ts";
export type { AdaptiveOptions } from "./groups/strategies/adaptive.ts";
export { byCapability } from "./groups/strategies/by-capability.ts";
export type { CapabilityOptions, CapabilityPreference } from "./groups/strategies/by-capability.ts";
export { failover } from "./groups/strategies/failover.ts";
export { lowestCost } from "./groups/strategies/lowest-cost.ts";
export { lowestLatency } from "./groups/strategies/lowest-latency.ts";
export type { LatencyOptions } from "./groups/strategies/lowest-latency.ts";
export { randomChoice } from "./groups/strategies/random-choice.ts";
export { roundRobin } from "./groups/strategies/round-robin.ts";
export { taskAware } from "./groups/strategies/task-aware.ts";
export type { TaskOptions } from "./groups/strategies/task-aware.ts";
export { weighted } from "./groups/strategies/weighted.ts";

// Tokens, prices and budgets
export type { PricedCall, Prices } from "./money/price.ts";
export { costOf } from "./money/cost.ts";
export type { PricedModel } from "./money/cost.ts";
export { budgetHistory } from "./money/budget-history.ts";
export { openBudgets } from "./money/open-budgets.ts";
export type { Budgets, BudgetsOptions, DurableBudget, DurableLimits } from "./money/durable-budget.ts";
export type { BudgetEntry } from "./money/budget-store.ts";
export { budgeted } from "./money/budgeted.ts";
export type { BudgetedOptions } from "./money/budgeted.ts";
export { createPrices, noPriceTable, toMicros } from "./money/prices.ts";
export type { ModelPrice, PriceOptions, PriceTable } from "./money/prices.ts";
export { countTokens, estimateNeed, estimateTokens } from "./money/tokens.ts";
export type { CallNeed, CountOptions, TokenCount, Tokenizer } from "./money/tokens.ts";
