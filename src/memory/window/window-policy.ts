/** Names the parts of what a model is sent. */
export type WindowSection = "instructions" | "facts" | "documents" | "history" | "tools";

/** Says what becomes of the oldest of a section that has no room: nothing, it is left out, or a summary takes its place. */
export type KeepPolicy = "pin" | "drop" | "summarise";

/** Is the rule for one section. Units: tokens; without a bound only the whole window bounds it. */
export interface SectionPolicy {
  readonly maxTokens?: number;
  readonly keep?: KeepPolicy;
}

/**
 * Says how a conversation is kept within what a model can read. Units: tokens.
 */
export interface WindowPolicy {
  /** The most that is sent; what the model can read by default, less what is kept free for its answer. */
  readonly maxTokens?: number;
  /** A larger result of a tool is shortened; a quarter of the window by default. */
  readonly maxResultTokens?: number;
  /** By default instructions and facts are pinned, documents and history summarised, results of other tools dropped. */
  readonly sections?: Readonly<Partial<Record<WindowSection, SectionPolicy>>>;
}

const defaults: Readonly<Record<WindowSection, KeepPolicy>> = {
  instructions: "pin",
  facts: "pin",
  documents: "summarise",
  history: "summarise",
  tools: "drop",
};

/** Tells what becomes of the oldest of a section. */
export function keepOf(policy: WindowPolicy, section: WindowSection): KeepPolicy {
  return policy.sections?.[section]?.keep ?? defaults[section];
}

/** Estimates are not exact: so much of what a model can read is used. */
const margin = 0.9;
const maxFreeForAnswer = 8_192;

/** Gives the most that may be sent to a model; Infinity where nothing says how much it can read. Units: tokens. */
export function windowTokens(
  policy: WindowPolicy,
  model: { readonly contextTokens: number | null; readonly maxOutputTokens: number | null },
): number {
  const { contextTokens, maxOutputTokens } = model;
  if (contextTokens === null) return policy.maxTokens ?? Infinity;
  const free = Math.min(maxOutputTokens ?? maxFreeForAnswer, maxFreeForAnswer, Math.floor(contextTokens / 4));
  const most = Math.max(1, Math.floor(contextTokens * margin) - free);
  return Math.min(policy.maxTokens ?? most, most);
}
