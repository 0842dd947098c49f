import type { ApiKey, Provider, ProviderFactory } from "../providers/index.ts";
import { localTimeouts, offlineReference, ollamaBaseUrl, providerPresets } from "../providers/index.ts";
import { appErrors } from "./errors.ts";
import type { ProviderKind, ProviderSettings, Settings } from "./settings-shape.ts";

/** Lists how each provider of the settings, and each that Atlas knows by name, is made. Adapters load when a provider is first used. */
export function providerFactories(settings: Settings): Readonly<Record<string, ProviderFactory>> {
  const known = [...Object.keys(providerPresets), "ollama"];
  const named = new Set([...known, ...Object.keys(settings.providers)]);
  const { openai } = settings.providers;
  return {
    // The same account over OpenAI's other interface.
    [responses]: () => makeProvider(responses, openai && { ...openai, kind: responses }),
    ...Object.fromEntries([...named].map((name) => [name, () => makeProvider(name, settings.providers[name])])),
    offline: offlineProvider,
  };
}

const responses = "openai-responses";

/** Gives the preset of a provider that Atlas knows by name. */
export function presetOf(name: string): (typeof providerPresets)[string] | undefined {
  return Object.hasOwn(providerPresets, name) ? providerPresets[name] : undefined;
}

function kindOf(name: string, settings: ProviderSettings | undefined): ProviderKind {
  if (settings !== undefined) return settings.kind;
  if (name === "ollama" || name === "openai" || name === responses) return name;
  return presetOf(name)?.wire === "anthropic" ? "anthropic" : "openai-compatible";
}

async function makeProvider(name: string, settings: ProviderSettings | undefined): Promise<Provider> {
  const preset = presetOf(name);
  const kind = kindOf(name, settings);
  const apiKey = await keyOf(name, settings);
  const baseUrl = settings?.baseUrl ?? preset?.baseUrl;
  const common = { name, apiKey, timeouts: settings?.timeouts };
  switch (kind) {
    case "ollama": {
      const { ollama } = await import("../providers/adapters/ollama.ts");
      const { contextTokens } = settings ?? {};
      return ollama({
        ...common,
        baseUrl: baseUrl ?? ollamaBaseUrl,
        ...(contextTokens !== undefined && { contextTokens }),
      });
    }
    case "anthropic": {
      const { anthropic } = await import("../providers/adapters/anthropic.ts");
      return anthropic({ ...common, baseUrl });
    }
    case "openai-responses": {
      const { openaiResponses } = await import("../providers/adapters/openai-responses.ts");
      return openaiResponses({ ...common, baseUrl });
    }
    case "local": {
      const { local } = await import("../providers/adapters/local.ts");
      const path = needed(name, "path", settings?.path);
      return local({ name, path, contextTokens: settings?.contextTokens, timeouts: settings?.timeouts });
    }
    case "custom": {
      const { customHttp } = await import("../providers/adapters/custom-http.ts");
      const endpoint = needed(name, "endpoint", settings?.endpoint);
      return customHttp({ ...common, baseUrl: needed(name, "baseUrl", settings?.baseUrl), endpoint });
    }
    case "openai": {
      const { openai } = await import("../providers/adapters/openai-chat.ts");
      return openai({ ...common, baseUrl });
    }
    case "openai-compatible": {
      const { openaiCompatible } = await import("../providers/adapters/openai-chat.ts");
      const { quirks, capabilities } = preset ?? {};
      const timeouts = { ...(capabilities?.cost === "free" && localTimeouts), ...settings?.timeouts };
      return openaiCompatible({ ...common, timeouts, baseUrl: needed(name, "baseUrl", baseUrl), quirks, capabilities });
    }
  }
}

function needed<T>(provider: string, key: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw appErrors.create("settings_invalid", `Setting providers.${provider}.${key} is missing; its kind needs it.`, {
    details: { key: `providers.${provider}.${key}` },
  });
}

/** A key, or tokens that are got for a client's name and secret. */
async function keyOf(name: string, settings: ProviderSettings | undefined): Promise<ApiKey | undefined> {
  const { oauth, apiKey } = settings ?? {};
  if (oauth === undefined) return apiKey;
  const { oauthTokens } = await import("../providers/adapters/oauth.ts");
  return oauthTokens({
    tokenUrl: needed(name, "oauth.tokenUrl", oauth.tokenUrl),
    clientId: needed(name, "oauth.clientId", oauth.clientId),
    clientSecret: oauth.clientSecret,
    refreshToken: oauth.refreshToken,
    scope: oauth.scope,
  });
}

async function offlineProvider(): Promise<Provider> {
  const { offline } = await import("../providers/adapters/offline.ts");
  return {
    name: offlineReference.provider,
    model: () => offline(),
    listModels: async () => [offlineReference.model],
    async [Symbol.asyncDispose]() {},
  };
}
