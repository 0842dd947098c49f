import type { OpenAiChatQuirks } from "./codecs/openai-chat-request.ts";
import type { ModelCapabilities } from "./model.ts";

/**
 * Describes a provider as data: which wire format it speaks, where, which variables hold its key and its base URL, and which
 * model is taken when none is named (null: one must be named). `keyVariable` is null for a server of this machine: it needs no
 * key, is not looked for unless it is configured, and costs nothing.
 */
export interface ProviderPreset {
  readonly wire: "openai-chat" | "anthropic";
  readonly baseUrl: string;
  readonly keyVariable: string | null;
  readonly baseUrlVariable?: string;
  readonly defaultModel: string | null;
  readonly quirks?: Partial<OpenAiChatQuirks>;
  readonly capabilities?: Partial<ModelCapabilities>;
}

/** Is what the models of a server on this machine can do beside what every compatible endpoint's can. */
const local: Partial<ModelCapabilities> = { cost: "free", files: [] };

/**
 * Lists the providers that Atlas knows by name. Order: that in which one is chosen when several have a key.
 *
 * Source: for each, the page of its own documentation that stands before it.
 */
export const providerPresets: Readonly<Record<string, ProviderPreset>> = {
  // https://docs.claude.com/en/api/overview
  anthropic: {
    wire: "anthropic",
    baseUrl: "https://api.anthropic.com",
    keyVariable: "ANTHROPIC_API_KEY",
    baseUrlVariable: "ANTHROPIC_BASE_URL",
    defaultModel: "claude-sonnet-5",
  },
  // https://platform.openai.com/docs/api-reference
  openai: {
    wire: "openai-chat",
    baseUrl: "https://api.openai.com/v1",
    keyVariable: "OPENAI_API_KEY",
    baseUrlVariable: "OPENAI_BASE_URL",
    defaultModel: "gpt-5.4-mini",
  },
  // https://openrouter.ai/docs/quickstart
  openrouter: {
    wire: "openai-chat",
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariable: "OPENROUTER_API_KEY",
    defaultModel: "openai/gpt-5.4-mini",
    quirks: { modelsPath: "/models/user", reasoningField: "reasoning_details" },
  },
  // https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope
  dashscope: {
    wire: "openai-chat",
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    keyVariable: "DASHSCOPE_API_KEY",
    defaultModel: "qwen-plus",
    quirks: { structuredOutput: "object" },
  },
  // https://api-docs.deepseek.com
  deepseek: {
    wire: "openai-chat",
    baseUrl: "https://api.deepseek.com/v1",
    keyVariable: "DEEPSEEK_API_KEY",
    defaultModel: "deepseek-chat",
    quirks: { structuredOutput: "object", reasoningField: "reasoning_content" },
  },
  // https://console.groq.com/docs/openai
  groq: {
    wire: "openai-chat",
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
    defaultModel: null,
  },
  // https://docs.mistral.ai/api
  mistral: {
    wire: "openai-chat",
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
    defaultModel: "mistral-small-latest",
    quirks: { usageOption: false, toolIds: "nine", seedField: "random_seed" },
  },
  // https://docs.x.ai/docs/api-reference
  xai: {
    wire: "openai-chat",
    baseUrl: "https://api.x.ai/v1",
    keyVariable: "XAI_API_KEY",
    defaultModel: null,
  },
  // https://docs.together.ai/docs/inference/openai-compatibility
  together: {
    wire: "openai-chat",
    baseUrl: "https://api.together.ai/v1",
    keyVariable: "TOGETHER_API_KEY",
    defaultModel: null,
  },
  // https://docs.fireworks.ai/tools-sdks/openai-compatibility
  fireworks: {
    wire: "openai-chat",
    baseUrl: "https://api.fireworks.ai/inference/v1",
    keyVariable: "FIREWORKS_API_KEY",
    defaultModel: null,
  },
  // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
  vllm: {
    wire: "openai-chat",
    baseUrl: "http://127.0.0.1:8000/v1",
    keyVariable: null,
    defaultModel: null,
    capabilities: local,
  },
  // https://lmstudio.ai/docs/developer/openai-compat
  lmstudio: {
    wire: "openai-chat",
    baseUrl: "http://127.0.0.1:1234/v1",
    keyVariable: null,
    defaultModel: null,
    capabilities: local,
  },
  // https://github.com/ggml-org/llama.cpp/tree/master/tools/server
  llamacpp: {
    wire: "openai-chat",
    baseUrl: "http://127.0.0.1:8080/v1",
    keyVariable: null,
    defaultModel: null,
    capabilities: local,
  },
};

/** Names the model that needs nothing: no key, no network, no service. */
export const offlineReference = { provider: "offline", model: "extractive" } as const;

/** Is where a local Ollama listens unless it was told otherwise. */
export const ollamaBaseUrl = "http://127.0.0.1:11434";
