import type { OpenAiChatQuirks } from "./codecs/openai-chat-request.ts";

/**
 * Describes a hosted provider as data: which wire format it speaks, where, which variables hold its key and its base URL,
 * and which model is taken when none is named (null: one must be named).
 */
export interface ProviderPreset {
  readonly wire: "openai-chat" | "anthropic";
  readonly baseUrl: string;
  readonly keyVariable: string;
  readonly baseUrlVariable?: string;
  readonly defaultModel: string | null;
  readonly quirks?: Partial<OpenAiChatQuirks>;
}

/** Lists the hosted providers that Atlas knows by name. Order: that in which one is chosen when several have a key. */
export const providerPresets: Readonly<Record<string, ProviderPreset>> = {
  anthropic: {
    wire: "anthropic",
    baseUrl: "https://api.anthropic.com",
    keyVariable: "ANTHROPIC_API_KEY",
    baseUrlVariable: "ANTHROPIC_BASE_URL",
    defaultModel: "claude-sonnet-5",
  },
  openai: {
    wire: "openai-chat",
    baseUrl: "https://api.openai.com/v1",
    keyVariable: "OPENAI_API_KEY",
    baseUrlVariable: "OPENAI_BASE_URL",
    defaultModel: "gpt-5.4-mini",
  },
  openrouter: {
    wire: "openai-chat",
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
    defaultModel: "openai/gpt-5.4-mini",
  },
  dashscope: {
    wire: "openai-chat",
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    keyVariable: "DASHSCOPE_API_KEY",
    defaultModel: "qwen-plus",
    quirks: { structuredOutput: "object" },
  },
  deepseek: {
    wire: "openai-chat",
    baseUrl: "https://api.deepseek.com/v1",
    keyVariable: "DEEPSEEK_API_KEY",
    defaultModel: "deepseek-chat",
    quirks: { structuredOutput: "object" },
  },
  groq: {
    wire: "openai-chat",
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
    defaultModel: null,
  },
  mistral: {
    wire: "openai-chat",
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
    defaultModel: "mistral-small-latest",
    quirks: { usageOption: false },
  },
};

/** Names the model that needs nothing: no key, no network, no service. */
export const offlineReference = { provider: "offline", model: "extractive" } as const;

/** Is where a local Ollama listens unless it was told otherwise. */
export const ollamaBaseUrl = "http://127.0.0.1:11434";
