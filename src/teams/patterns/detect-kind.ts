import { wordsOf } from "../words.ts";

/** Says how a kind of task is told from others. */
export interface KindRule {
  /** Words that speak for it. */
  readonly words?: readonly string[];
  /** Tells for certain. It must be pure. */
  readonly matches?: (goal: string) => boolean;
}

/** Says of what kind a task is, why, and how certain that is. Units: `confidence` 0 to 1. */
export interface DetectedKind {
  readonly kind: string;
  readonly reason: string;
  readonly confidence: number;
}

/** Holds the words of the kinds that are known without being declared; the names are those of the strengths of models. */
export const builtInKinds: Readonly<Record<string, KindRule>> = {
  code: {
    words:
      "code function class bug debug refactor compile implement test typescript javascript python rust java sql api regex script stack trace exception unit".split(
        " ",
      ),
    matches: (goal) => /```|^\s*(?:import|function|def|class|const|SELECT)\s.+[;:{(]/m.test(goal),
  },
  summary: { words: "summarize summarise summary shorten condense abstract brief digest tldr recap gist".split(" ") },
  extraction: {
    words: "extract list find fields json csv parse names dates numbers entities table collect".split(" "),
  },
  reasoning: {
    words:
      "why prove calculate solve compare decide reason plan analyze analyse evaluate estimate logic cause tradeoff".split(
        " ",
      ),
  },
  writing: { words: "write draft essay letter email story poem article blog rewrite translate edit tone".split(" ") },
  chat: { words: "hello hi hey thanks thank bye chat talk".split(" ") },
};

const declared = /^\s*(?:\[kind:\s*([\w.-]+)\s*\]|kind:\s*([\w.-]+)\s*(?:\n|$))/i;

/** Takes what declares its kind from the beginning of a goal: `[kind: code] …`, or a first line `kind: code`. */
export function withoutDeclaration(goal: string): string {
  const rest = goal.replace(declared, "").trim();
  return rest === "" ? goal : rest;
}

/**
 * Finds the kind of a task, always the same for the same goal: what the goal declares goes before everything, then the rules and
 * words of `kinds`, then those that are built in. Confidence is 1 for what is declared or matches a rule, 0 for the fallback; for words it
 * grows with their number and falls with those that speak for another kind.
 */
export function detectKind(
  goal: string,
  kinds: Readonly<Record<string, KindRule>>,
  fallback = "general",
): DetectedKind {
  const [, bracketed, line] = declared.exec(goal) ?? [];
  const named = (bracketed ?? line)?.toLowerCase();
  const known = [...new Set([...Object.keys(kinds), ...Object.keys(builtInKinds), fallback])];
  const wanted = known.find((kind) => kind.toLowerCase() === named);
  if (wanted !== undefined) return { kind: wanted, reason: "declared in the goal", confidence: 1 };
  return (
    byRules(goal, kinds) ??
    byRules(goal, builtInKinds) ?? { kind: fallback, reason: "nothing speaks for another kind", confidence: 0 }
  );
}

function byRules(goal: string, kinds: Readonly<Record<string, KindRule>>): DetectedKind | undefined {
  const entries = Object.entries(kinds);
  const certain = entries.find(([, { matches }]) => matches?.(goal) === true);
  if (certain !== undefined) return { kind: certain[0], reason: `the rule of ${certain[0]} holds`, confidence: 1 };
  const inGoal = wordsOf(goal);
  const scored = entries
    .map(([kind, { words = [] }]) => ({ kind, found: words.filter((word) => wordsOf(word).isSubsetOf(inGoal)) }))
    .map((each) => ({ ...each, score: new Set(each.found.flatMap((word) => [...wordsOf(word)])).size }))
    .toSorted((a, b) => b.score - a.score);
  const [best, second] = scored;
  if (best === undefined || best.score === 0) return undefined;
  const confidence = Math.round((best.score / (best.score + (second?.score ?? 0) + 1)) * 100) / 100;
  return { kind: best.kind, reason: `its words: ${best.found.join(", ")}`, confidence };
}
