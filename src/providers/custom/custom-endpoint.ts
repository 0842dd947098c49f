import type { JsonValue } from "../../base/index.ts";
import { isAtlasError, parseJson } from "../../base/index.ts";
import type { ModelCapabilities } from "../model.ts";
import { type CallPlaceholder, callPlaceholders } from "./call-values.ts";
import { readSection, type Section } from "./config-section.ts";
import { readCustomCapabilities } from "./custom-capabilities.ts";
import { type CustomResponse, readCustomResponse } from "./custom-response.ts";
import type { JsonPath } from "./json-path.ts";
import { readTemplate, type Template } from "./template.ts";

/** Is the description of an endpoint, read and checked: what `customHttp` works from. */
export interface CustomEndpoint {
  readonly method: "GET" | "POST";
  readonly path: Template<CallPlaceholder>;
  readonly headers: readonly (readonly [name: string, value: Template<"key">])[];
  readonly body: Template<CallPlaceholder>;
  readonly messages: "list" | "text";
  readonly response: CustomResponse;
  readonly models: CustomModels | undefined;
  readonly keyRequired: boolean;
  readonly capabilities: ModelCapabilities;
}

/** Says where the list of models is, and in it the entries and the name of each; an empty `name` is the entry itself. */
export interface CustomModels {
  readonly path: string;
  readonly list: JsonPath;
  readonly name: JsonPath;
}

const keys = ["request", "response", "models", "keyRequired", "capabilities"];

/**
 * Reads the description of an endpoint. Source: docs/providers/custom.md has the table of its keys.
 *
 * Errors: provider_config_invalid that names the place, such as `endpoint.request.body.messages`.
 */
export function readCustomEndpoint(value: unknown, provider: string): CustomEndpoint {
  const top = readSection(value, { provider, path: "endpoint" }, keys);
  const request = top.need("request", top.section("request", ["path", "method", "headers", "body", "messages"]));
  const method = request.choice("method", ["POST", "GET"]) ?? "POST";
  const headers = readHeaders(request);
  const body = readBody(request, method);
  const response = readCustomResponse(top);
  const endpoint = {
    method,
    path: readPath(request),
    headers,
    body,
    messages: request.choice("messages", ["list", "text"]) ?? "list",
    response,
    models: readModels(top),
    keyRequired: top.flag("keyRequired") ?? headers.some(([, template]) => template.uses.has("key")),
  };
  return { ...endpoint, capabilities: readCustomCapabilities(top, endpoint) };
}

function templateAt<Name extends string>(
  section: Section,
  source: { readonly key: string; readonly value: JsonValue },
  names: readonly Name[],
): Template<Name> {
  const template = readTemplate(source.value, names);
  if ("fill" in template) return template;
  throw section.wrong(`${source.key}${template.path}`, template.message);
}

function readPath(request: Section): Template<CallPlaceholder> {
  const value = request.text("path") ?? "";
  if (value !== "" && !/^[/?]/.test(value))
    throw request.wrong("path", "it must begin with / or ?; the base URL has the rest");
  if (/[\s#]/.test(value)) throw request.wrong("path", "it holds a space or a #, which no address can");
  return templateAt(request, { key: "path", value }, callPlaceholders);
}

function readHeaders(request: Section): CustomEndpoint["headers"] {
  const section = request.section("headers", undefined);
  return (section?.keys ?? []).flatMap((name) => {
    const value = section?.text(name);
    if (section === undefined || value === undefined) return [];
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw section.wrong(name, "this cannot be the name of a header");
    if (!/^[\t\x20-\x7e]*$/.test(value)) throw section.wrong(name, "a header holds plain ASCII in one line");
    return [[name.toLowerCase(), templateAt(section, { key: name, value }, ["key"])] as const];
  });
}

function readBody(request: Section, method: "GET" | "POST"): Template<CallPlaceholder> {
  const given = request.value("body");
  if (method === "GET") {
    if (given !== undefined) throw request.wrong("body", "a GET has no body; write placeholders into the path");
    return templateAt(request, { key: "body", value: {} }, callPlaceholders);
  }
  const value = typeof given === "string" ? parsedBody(request, given) : request.need("body", given);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw request.wrong("body", "a JSON object is needed here, or its text");
  }
  return templateAt(request, { key: "body", value }, callPlaceholders);
}

function parsedBody(request: Section, text: string): JsonValue {
  try {
    return parseJson(text, "the template");
  } catch (error) {
    // The message of json_invalid says where, and shows none of the text.
    const why = isAtlasError(error) ? error.message.replace(/\.$/, "") : "it is no JSON";
    throw request.wrong("body", why);
  }
}

function readModels(top: Section): CustomModels | undefined {
  const models = top.section("models", ["path", "list", "name"]);
  if (models === undefined) return undefined;
  const path = models.need("path", models.text("path"));
  if (!/^[/?][^\s#]*$/.test(path)) throw models.wrong("path", "it must begin with / or ?; the base URL has the rest");
  return { path, list: models.path("list") ?? [], name: models.path("name") ?? [] };
}
