export { systemMessage, textOf, userMessage } from "./message.ts";
export type {
  AssistantPart,
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
  Provider,
  ResponseFormat,
  StreamOptions,
  StreamPart,
  ToolChoice,
  Usage,
} from "./model.ts";
export { providerErrors } from "./errors.ts";
export type { ProviderErrorCode } from "./errors.ts";
export { collect, generate } from "./generate.ts";
export type { Collector, Generation } from "./generate.ts";
export { defaultTimeouts } from "./watch.ts";
export type { Timeouts } from "./watch.ts";
export type { ApiKey } from "./http-provider.ts";
export { scripted } from "./scripted.ts";
export type { Script, ScriptedChoice, ScriptedOptions, ScriptedTurn } from "./scripted.ts";
export { createProviders, readReference } from "./registry.ts";
export type { ProviderFactory, Providers } from "./registry.ts";
export { detectProviders, readOllamaHost } from "./detect.ts";
export type { Candidate, DetectOptions, Detection, Variables } from "./detect.ts";
export { offlineReference, ollamaBaseUrl, providerPresets } from "./presets.ts";
export type { ProviderPreset } from "./presets.ts";
export type { OpenAiChatQuirks } from "./codecs/openai-chat-request.ts";
