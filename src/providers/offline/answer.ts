import type { JsonObject } from "../../base/index.ts";
import type { Finding, Quote } from "./select.ts";

/** Is an answer: its text and what is said about it. */
export interface Answer {
  readonly text: string;
  readonly metadata: JsonObject;
}

/** Says that there is nothing to read, and how to change that. */
export const noDocuments =
  "I am an extractive model: I answer by quoting documents and have none to read here. " +
  "Give me a folder or a file with `--knowledge PATH`, paste the text into your message, or choose a real model with `--model PROVIDER/NAME`.";

/** Writes findings as an answer: quotes with their citations, then the parts that the documents leave open. */
export function writeAnswer(findings: readonly Finding[]): Answer {
  const blocks: string[] = [];
  const quoted = new Set<string>();
  const several = findings.length > 1;
  for (const finding of findings) {
    if (!finding.answered) continue;
    const fresh = finding.quotes.filter((quote) => !quoted.has(keyOf(quote)));
    for (const quote of fresh) quoted.add(keyOf(quote));
    // Another part's quote may already answer this one; it is not repeated.
    const cited = [...new Set(finding.quotes.map((quote) => `[${quote.passage.id}]`))].join(" ");
    const body = fresh.length > 0 ? writeQuotes(fresh) : `See above: ${cited}`;
    blocks.push((several ? `**${finding.question.text}**\n\n` : "") + body);
  }
  const open = findings.filter((finding) => !finding.answered);
  const unanswered = open.map((finding) => finding.question.text);
  if (unanswered.length === 1) blocks.push(`The documents do not answer this: ${unanswered[0] ?? ""}`);
  if (unanswered.length > 1)
    blocks.push(`The documents do not answer this:\n\n${unanswered.map((text) => `- ${text}`).join("\n")}`);
  return { text: blocks.join("\n\n"), metadata: metadataOf(findings, quoted.size) };
}

/** Gives the metadata of every answer of the extractive model. `answered` is true when at least one part is. */
export function metadataOf(findings: readonly Finding[], sentences: number): JsonObject {
  const unanswered = findings.filter((finding) => !finding.answered).map((finding) => finding.question.text);
  return { extractive: true, answered: findings.some((finding) => finding.answered), sentences, unanswered };
}

/** Writes quotes in reading order; prose runs on, the rest stands in lines of its own. */
export function writeQuotes(quotes: readonly Quote[]): string {
  let text = "";
  let proseBefore = false;
  for (const { unit, passage } of quotes) {
    const isProse = unit.kind === "sentence";
    const cite = `[${passage.id}]`;
    if (text !== "") text += isProse && proseBefore ? " " : "\n\n";
    text += unit.kind === "code" ? `${unit.text}\n${cite}` : `${unit.text} ${cite}`;
    proseBefore = isProse;
  }
  return text;
}

function keyOf(quote: Quote): string {
  return `${quote.passage.id}#${quote.unit.index}`;
}
