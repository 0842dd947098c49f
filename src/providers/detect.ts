import type { Clock } from "../base/index.ts";
import { createDeadline, isAtlasError, raceAbort, systemClock } from "../base/index.ts";
import { offlineReference, ollamaBaseUrl, providerPresets } from "./presets.ts";

/** Are variables by name, as an environment holds them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Is one provider that might be used here. `model` is what it would be used with; null when none is known. */
export interface Candidate {
  readonly provider: string;
  readonly model: string | null;
  readonly usable: boolean;
  /** Why it is usable or was looked at, for a person to read. */
  readonly reason: string;
  /** What keeps it from being used and what to do about it. */
  readonly problem?: string;
}

/** Is what can be used here. Order: candidates as they would be chosen; `choice` is the first usable one with a model. */
export interface Detection {
  readonly candidates: readonly Candidate[];
  readonly choice: Candidate;
}

/** Are the options of `detectProviders`. Units: milliseconds; the probe of Ollama is given up after `probeTimeoutMs` (default 500). */
export interface DetectOptions {
  readonly variables: Variables;
  /** Lists the models of the Ollama at a base URL; without it none is looked for. */
  readonly listOllamaModels?: (baseUrl: string, signal: AbortSignal) => Promise<readonly string[]>;
  readonly probeTimeoutMs?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds out which providers can be used: hosted ones whose key is set, an Ollama that runs here, and always the offline model.
 * Generates nothing and sends no key anywhere.
 */
export async function detectProviders(options: DetectOptions): Promise<Detection> {
  const hosted = Object.entries(providerPresets).flatMap(([provider, preset]): readonly Candidate[] => {
    const { keyVariable, defaultModel: model } = preset;
    // A server of this machine is not looked for unless it is configured: only Ollama tells by its answer what it is.
    if (keyVariable === null) return [];
    const value = options.variables[keyVariable];
    if (value === undefined) {
      return [
        {
          provider,
          model,
          usable: false,
          reason: `${keyVariable} is not set`,
          problem: `Set ${keyVariable} to use ${provider}.`,
        },
      ];
    }
    const problem = keyProblem(keyVariable, value);
    return [
      {
        provider,
        model,
        usable: problem === undefined,
        reason: `${keyVariable} is set`,
        ...(problem !== undefined && { problem }),
      },
    ];
  });
  const offline: Candidate = {
    ...offlineReference,
    usable: true,
    reason: "It needs no key, no network and no service",
  };
  const candidates = [...hosted, ...(await probeOllama(options)), offline];
  return { candidates, choice: candidates.find((each) => each.usable && each.model !== null) ?? offline };
}

function keyProblem(variable: string, value: string): string | undefined {
  if (value.trim() === "") return `${variable} is empty; set it to a key or remove it.`;
  if (!/^[\x21-\x7e]+$/.test(value.trim()))
    return `${variable} holds characters that no key can have; copy the key again.`;
  return undefined;
}

async function probeOllama(options: DetectOptions): Promise<readonly Candidate[]> {
  const { variables, listOllamaModels, probeTimeoutMs = 500, clock = systemClock, signal } = options;
  if (listOllamaModels === undefined) return [];
  const host = variables["OLLAMA_HOST"];
  const baseUrl = readOllamaHost(host);
  const shown = URL.canParse(baseUrl) ? new URL(baseUrl).origin : "the address in OLLAMA_HOST";
  const base = { provider: "ollama", model: null, usable: false, reason: `Ollama was looked for at ${shown}` };
  using deadline = createDeadline(probeTimeoutMs, { clock, signal, keepAlive: false, reason: () => undefined });
  try {
    const names = await raceAbort(listOllamaModels(baseUrl, deadline.signal), deadline.signal);
    const model = names.find((name) => !/embed/i.test(name)) ?? null;
    const reason = `Ollama runs at ${shown}`;
    if (model !== null) return [{ ...base, model, usable: true, reason }];
    return [{ ...base, reason, problem: "It has no model; fetch one with: ollama pull NAME." }];
  } catch (error) {
    signal?.throwIfAborted();
    const why = isAtlasError(error) && !deadline.expired ? ` (${error.code})` : "";
    return [{ ...base, problem: `It does not answer there${why}; start it with: ollama serve.` }];
  }
}

/** Reads OLLAMA_HOST, in any of the forms that Ollama takes, as a base URL that a client can call. */
export function readOllamaHost(host: string | undefined): string {
  const text = host?.trim() ?? "";
  if (text === "") return ollamaBaseUrl;
  const hasScheme = /^https?:\/\//.test(text);
  const url = URL.parse(hasScheme ? text : `http://${text.startsWith(":") ? `127.0.0.1${text}` : text}`);
  if (url === null) return text;
  // A server's "listen on every address" is no address to call.
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  if (url.port === "" && !hasScheme) url.port = "11434";
  return url.href.replace(/\/$/, "");
}
