import { hostedCapabilities } from "../capabilities.ts";
import type { ModelCapabilities } from "../model.ts";
import type { CallPlaceholder } from "./call-values.ts";
import type { Section } from "./config-section.ts";
import type { Template } from "./template.ts";

interface Described {
  readonly body: Template<CallPlaceholder>;
  readonly path: Template<CallPlaceholder>;
  readonly response: { readonly toolCalls: unknown };
}

const keys = [
  "contextTokens",
  "maxOutputTokens",
  "tools",
  "structuredOutput",
  "files",
  "reasoning",
  "prefill",
  "promptCaching",
  "pauseEffect",
  "cost",
];

/**
 * Reads what the models of an endpoint can do; what is not said follows from the description itself.
 *
 * Errors: provider_config_invalid, also when it promises what the description cannot send or read.
 */
export function readCustomCapabilities(top: Section, { body, path, response }: Described): ModelCapabilities {
  const section = top.section("capabilities", keys);
  const sends = (name: CallPlaceholder): boolean => body.uses.has(name) || path.uses.has(name);
  const callsTools = sends("tools") && response.toolCalls !== undefined;
  const tools = section?.choice("tools", ["none", "single", "parallel"]) ?? (callsTools ? "parallel" : "none");
  if (section !== undefined && tools !== "none" && !callsTools) {
    throw section.wrong("tools", "tools need ${tools} in request.body and response.toolCalls");
  }
  const native = sends("schema");
  const structuredOutput = section?.choice("structuredOutput", ["none", "native"]) ?? (native ? "native" : "none");
  if (section !== undefined && structuredOutput === "native" && !native) {
    throw section.wrong("structuredOutput", "native output needs ${schema} in request.body");
  }
  return {
    ...hostedCapabilities,
    tools,
    structuredOutput,
    contextTokens: section === undefined ? null : readTokens(section, "contextTokens"),
    maxOutputTokens: section === undefined ? null : readTokens(section, "maxOutputTokens"),
    files: section === undefined ? [] : readFiles(section),
    reasoning: section?.flag("reasoning") ?? false,
    prefill: section?.flag("prefill") ?? false,
    promptCaching: section?.choice("promptCaching", ["none", "automatic", "marked"]) ?? "none",
    pauseEffect: section?.choice("pauseEffect", ["delivery", "generation"]) ?? "delivery",
    cost: section?.choice("cost", ["free", "metered"]) ?? "metered",
  };
}

function readTokens(section: Section, key: string): number | null {
  const value = section.value(key);
  if (value === undefined) return null;
  if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  throw section.wrong(key, "a whole number of tokens above 0 is needed here");
}

function readFiles(section: Section): readonly string[] {
  const value = section.value("files") ?? [];
  const files = Array.isArray(value) ? value.filter((item) => typeof item === "string" && item.includes("/")) : [];
  if (!Array.isArray(value) || files.length !== value.length) {
    throw section.wrong("files", "a list of MIME types such as image/png is needed here");
  }
  return files.map(String);
}
