// Writes src/providers/capability-table/table.ts anew from the registry of models that is installed for development.
// The strengths are estimates: no registry has measured ones that could be shipped. docs/providers.md says how they are made.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { active, ModelProvider, type MODEL_CONFIGS } from "llm-zoo";
import { root, run } from "./lib/process.ts";

type ModelConfig = (typeof MODEL_CONFIGS)[string];

const path = join(root, "src/providers/capability-table/table.ts");
const registry = JSON.parse(await readFile(join(root, "node_modules/llm-zoo/package.json"), "utf8")) as {
  version: string;
};
const date = process.argv[2] ?? new Date().toISOString().slice(0, 10);

const models = merged(active().filter(({ provider }) => provider !== ModelProvider.COPILOT));
const prices = models
  .map(({ outputPrice }) => outputPrice)
  .filter((price) => price > 0)
  .toSorted((a, b) => a - b);
const lines = models.map(lineOf).toSorted();
const source = `llm-zoo ${registry.version}`;
await writeFile(
  path,
  `// Written by tools/capabilities.ts; change that, or overrule single models in the settings.

/** Says where the table comes from and when it was made. The strengths are estimated, not measured. */
export const tableSource = { registry: ${JSON.stringify(source)}, date: ${JSON.stringify(date)} } as const;

/**
 * Holds what is known of models, a line each: name, context and longest answer in tokens, abilities (t tools, r reasoning, p prefill,
 * m marked and c automatic prompt cache, i images, d PDF, a audio), strengths in hundredths in the order of \`taskKinds\`.
 */
export const capabilityTable: string = \`
${lines.join("\n")}
\`;
`,
);
await run("oxfmt", [path]);
console.log(`${lines.length} models from ${source}`);

/** A model that has an entry with and one without thinking is one model. */
function merged(configs: readonly ModelConfig[]): readonly ModelConfig[] {
  const byName = new Map<string, ModelConfig>();
  for (const config of configs) {
    const name = nameOf(config);
    const before = byName.get(name);
    byName.set(
      name,
      before === undefined || config.capabilities.supportsReasoning
        ? config
        : {
            ...config,
            capabilities: { ...config.capabilities, supportsReasoning: before.capabilities.supportsReasoning },
          },
    );
  }
  return [...byName.values()];
}

function nameOf({ shortName }: ModelConfig): string {
  return shortName.slice(shortName.lastIndexOf("/") + 1);
}

function lineOf(config: ModelConfig): string {
  const { capabilities: can, contextWindow, maxOutputTokens } = config;
  const abilities = [
    can.supportsFunctionCalling && "t",
    can.supportsReasoning && "r",
    can.supportsAssistantPrefill && "p",
    can.supportsPromptCaching && !can.supportsAutoPromptCaching && "m",
    can.supportsAutoPromptCaching && "c",
    can.supportsVision && "i",
    can.supportsNativePdf && "d",
    can.supportsNativeAudio && "a",
  ].filter((ability) => ability !== false);
  return [
    nameOf(config),
    contextWindow,
    maxOutputTokens,
    abilities.join("") || "-",
    strengthsOf(config).join(","),
  ].join(" ");
}

/** Order: chat, code, reasoning, writing, summary, extraction, tools, vision, long_context. */
function strengthsOf(config: ModelConfig): readonly number[] {
  const { capabilities: can, contextWindow } = config;
  // What a provider asks for a model, among all models, is the nearest thing to a measure of it that is public and dated.
  const rank = config.outputPrice > 0 ? prices.findIndex((price) => price >= config.outputPrice) / prices.length : 0.3;
  const general = 0.4 + 0.5 * rank;
  const thinks = can.supportsReasoning ? 0.07 : 0;
  const forCode = /code|codex/.test(config.shortName) ? 0.08 : 0;
  const strengths = [
    general + 0.05,
    general + thinks + forCode - 0.03,
    general + 2 * thinks - 0.08,
    general,
    0.3 + general * 0.7,
    0.3 + general * 0.7,
    can.supportsFunctionCalling ? general + thinks : 0,
    can.supportsVision ? general : 0,
    Math.min(1, Math.log2(contextWindow / 8_000) / 7),
  ];
  return strengths.map((value) => Math.round(100 * Math.min(0.97, Math.max(0, value))));
}
