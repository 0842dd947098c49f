import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { type CallPlaceholder, callValues } from "../custom/call-values.ts";
import { customDecoder, failureIn } from "../custom/custom-decoder.ts";
import { type CustomEndpoint, readCustomEndpoint } from "../custom/custom-endpoint.ts";
import { readAt } from "../custom/json-path.ts";
import { type Template, textOfValue, type Values } from "../custom/template.ts";
import { textParser, wholeParser } from "../custom/whole-frames.ts";
import { readEndpoint } from "../transport/endpoint.ts";
import { translateBodies } from "../transport/error-bodies.ts";
import { ndjsonParser, sseParser } from "../transport/frames.ts";
import { secretsIn } from "../transport/http-link.ts";
import { type HttpOptions, httpProvider, type Wire } from "../transport/http-provider.ts";
import type { ModelRequest, Provider } from "../model.ts";
import { defaultTimeouts } from "../transport/deadlines.ts";
import { undiciHttp } from "./http.ts";

/**
 * Are the options of `customHttp`. `endpoint` is plain JSON that says what is sent and how the answer is read, so that a
 * settings file can hold it; docs/providers/custom.md has the table of its keys.
 */
export type CustomHttpOptions = HttpOptions & {
  readonly name: string;
  readonly baseUrl: string;
  readonly endpoint: JsonObject;
};

/**
 * Makes a provider for an endpoint that a configuration describes, without code.
 *
 * Errors: provider_config_invalid that names the place in the configuration; invalid_input for a base URL that is none.
 * @example examples/providers-custom.ts
 */
export function customHttp(options: CustomHttpOptions): Provider {
  const { name, baseUrl, apiKey, timeouts, headers, clock } = options;
  const custom = readCustomEndpoint(options.endpoint, name);
  const base = readEndpoint(name, baseUrl);
  const endpoint = { ...base, secrets: [...base.secrets, ...secretsIn(fixedHeaders(custom))] };
  const http = options.http ?? undiciHttp(endpoint, timeouts?.connectMs ?? defaultTimeouts.connectMs);
  const { response } = custom;
  const translating = translateBodies(http, {
    failureIn: (body) => failureIn(body, response.error),
    jsonAnswers: response.stream !== "sse",
  });
  return httpProvider(wireOf(custom), { name, endpoint, apiKey, timeouts, headers, clock, http: translating });
}

function wireOf(custom: CustomEndpoint): Wire {
  const { response, models, capabilities } = custom;
  const valuesOf = (model: string, request: ModelRequest): Values<CallPlaceholder> => {
    const systemApart = custom.body.uses.has("system") || custom.path.uses.has("system");
    return callValues(model, request, { messages: custom.messages, systemApart });
  };
  return {
    chatPath: "",
    modelsPath: models?.path,
    keyRequired: custom.keyRequired,
    headers: (key) =>
      Object.fromEntries(
        custom.headers.flatMap(([name, value]) =>
          key === undefined && value.uses.has("key") ? [] : [[name, textOfValue(value.fill(() => key))]],
        ),
      ),
    target: (model, request) => ({
      method: custom.method,
      path: pathOf(custom.path, valuesOf(model, request)),
    }),
    body(model, request) {
      const body = custom.body.fill(valuesOf(model, request));
      return isJsonObject(body) ? body : {};
    },
    frames() {
      if (response.stream === "sse") return sseParser();
      if (response.stream === "ndjson") return ndjsonParser();
      return response.stream === "json" ? wholeParser() : textParser();
    },
    decoder: (idPrefix) => customDecoder(response, idPrefix),
    modelNames(list) {
      const entries = readAt(list, models?.list ?? []);
      if (!Array.isArray(entries)) return [];
      return entries.flatMap((entry: JsonValue) => {
        const name = readAt(entry, models?.name ?? []);
        return typeof name === "string" ? [name] : [];
      });
    },
    capabilities: () => capabilities,
  };
}

/** Reads the headers that stay the same whatever the key: some of them are keys themselves. */
function fixedHeaders({ headers }: CustomEndpoint): Readonly<Record<string, string>> {
  const fixed = headers.filter(([, value]) => !value.uses.has("key"));
  return Object.fromEntries(fixed.map(([name, value]) => [name, textOfValue(value.fill(() => undefined))]));
}

function pathOf(path: Template<CallPlaceholder>, values: Values<CallPlaceholder>): string {
  return textOfValue(path.fill((name) => encodeURIComponent(textOfValue(values(name)).toWellFormed())));
}
