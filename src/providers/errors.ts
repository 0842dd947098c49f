import { defineErrors } from "../base/index.ts";

/**
 * Holds the error codes of the providers domain. A cancelled call is `cancelled` of the base table.
 *
 * Shape: `details` has { provider, model, phase: "connect" | "headers" | "stream" } and, where known, { status, providerCode,
 * param, requestId, retryAfterMs, partialUsage, causeCode, origin }. None of them ever holds a key, a prompt or a body.
 */
export const providerErrors = defineErrors("providers", {
  provider_authentication: {
    status: 401,
    retry: "changed",
    exitCode: 3,
    summary: "The provider did not accept the key, or there is none.",
    fix: "Set a valid key for the provider that the message names; docs/providers.md lists where each key is read from.",
  },
  provider_permission: {
    status: 403,
    retry: "changed",
    exitCode: 3,
    summary: "The provider knows the key but does not allow it to do this.",
    fix: "Give the key access to the model in the provider's console, or choose another model.",
  },
  provider_rate_limited: {
    status: 429,
    retry: "later",
    exitCode: 6,
    summary: "The provider takes no more requests from this key for now.",
    fix: "Wait for as long as retryAfterMs says, or send fewer requests at once.",
  },
  provider_quota: {
    status: 402,
    retry: "changed",
    exitCode: 6,
    summary: "The account at the provider has no credit or quota left.",
    fix: "Add credit or raise the quota in the provider's console, or choose another provider.",
  },
  provider_invalid_request: {
    status: 400,
    retry: "changed",
    exitCode: 1,
    summary: "The provider refused the request as wrong.",
    fix: "Check the base URL, the model and the options that the message names.",
  },
  provider_context_length: {
    status: 413,
    retry: "changed",
    exitCode: 6,
    summary: "The conversation is longer than the model can read.",
    fix: "Shorten the conversation or the documents, or choose a model with a larger context.",
  },
  provider_content_filter: {
    status: 422,
    retry: "changed",
    exitCode: 1,
    summary: "The provider's content policy stopped the request.",
    fix: "Change what is asked; trying the same again will not help.",
  },
  provider_timeout: {
    status: 504,
    retry: "later",
    exitCode: 1,
    summary: "The provider did not answer, or went silent, for longer than allowed.",
    fix: "Try again, or raise the timeout that the message names.",
  },
  provider_unreachable: {
    status: 502,
    retry: "later",
    exitCode: 1,
    summary: "The provider could not be reached.",
    fix: "Check the base URL and the network; for a local provider, check that it is running.",
  },
  provider_error: {
    status: 502,
    retry: "later",
    exitCode: 1,
    summary: "The provider failed on its own side.",
    fix: "Try again in a while; the provider's status page may say more.",
  },
  stream_interrupted: {
    status: 502,
    retry: "later",
    exitCode: 1,
    summary: "The answer broke off before its end.",
    fix: "Try again; what had come is not the whole answer.",
  },
  provider_malformed_response: {
    status: 502,
    retry: "later",
    exitCode: 1,
    summary: "The provider answered with something that its protocol does not allow.",
    fix: "Check that the base URL is that of the right kind of provider; then try again.",
  },
  model_not_found: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "The provider does not have the model.",
    fix: "See the models with: atlas providers; for Ollama, fetch it with: ollama pull NAME.",
  },
  provider_unknown: {
    status: 404,
    retry: "changed",
    exitCode: 2,
    summary: "There is no provider with this name.",
    fix: "Write the model as provider/name with one of the providers that the message lists.",
  },
  no_provider_available: {
    status: 503,
    retry: "later",
    exitCode: 6,
    summary: "No member of a group can take the call now.",
    fix: "See the reason given for each member; wait until retryAtMs, or add members to the group.",
  },
  gate_closed: {
    status: 429,
    retry: "later",
    exitCode: 6,
    summary: "A model may not be called now: a limit is used up, or it has failed too often.",
    fix: "Wait until retryAtMs, raise the limit that the message names, or use a group with another member.",
  },
  rate_limit_too_small: {
    status: 413,
    retry: "changed",
    exitCode: 6,
    summary: "One request is larger than all that its rate limit lets through in a minute.",
    fix: "Raise tokensPerMinute of the provider, lower maxOutputTokens, or shorten the request.",
  },
  budget_price_unknown: {
    status: 422,
    retry: "changed",
    exitCode: 6,
    summary: "A budget limits money, and no price is known for the model.",
    fix: "Set a price for the model in the configuration, limit tokens instead, or allow unknown prices.",
  },
  provider_config_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "The description of a custom endpoint does not have the form that is needed.",
    fix: "Correct the place that the message names; docs/providers/custom.md has the table of all keys.",
  },
  provider_unsupported: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "The provider has no interface for what was asked of it.",
    fix: "Use a provider that has one; the message names what is missing.",
  },
  local_engine_missing: {
    status: 501,
    retry: "changed",
    exitCode: 3,
    summary: "A local model was asked for, but the library that runs it is not installed.",
    fix: "Install it with: npm install node-llama-cpp",
  },
  model_file_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 1,
    summary: "The file of a local model cannot be read as one.",
    fix: "Download the GGUF file again, or convert the model to GGUF.",
  },
  local_memory: {
    status: 507,
    retry: "changed",
    exitCode: 6,
    summary: "A local model does not fit into the memory of this machine.",
    fix: "Lower contextTokens or maxConcurrent, or take a smaller model.",
  },
  script_exhausted: {
    status: 500,
    retry: "never",
    exitCode: 1,
    summary: "A scripted model was asked for more turns than its script has.",
    fix: "Add the missing turn to the script, or find out why the model was called once more.",
  },
});

/** Is one of the codes of the providers table. */
export type ProviderErrorCode = keyof typeof providerErrors.table;
