import type { Question } from "./question.ts";
import { questionOf } from "./question.ts";
import { sentencesOf } from "./sentences.ts";
import { contentTerms } from "./terms.ts";

const maxParts = 8;
/** Longer pieces are no comparison of two things; the patterns try every pair of places in a piece. */
const maxComparisonChars = 400;
const opener =
  "what|what's|how|which|when|where|who|whose|why|is|are|does|do|can|could|should|will|did|has|list|name|find|describe|explain|show|tell|give|summari[sz]e|compare";
const asked = `(?:in |by |for |of |to |at )?(?:${opener})\\b`;
const conjunction = new RegExp(
  `(?:[,;]\\s*|\\s+)(?:(?:and|also|as well as|plus|but)\\s+)(?:also[, ]+)?(?=${asked})|` +
    `[,;]?\\s+(?:and\\s+)?(?=(?:then|after that)[, ]+${asked})|[,;]\\s+(?=(?:what|how|which|when|where|who|why)\\b)`,
  "gi",
);
const asks = new RegExp(
  `\\?|^\\s*(?:also|and|then|next|finally|please|after that)?[,\\s]*(?:please )?(?:${opener})\\b`,
  "i",
);
const following =
  /^\s*(?:and\s+)?(?:then|after that|afterwards|next|finally|based on (?:that|this|these))\b|\b(?:after that|based on (?:that|this|the (?:above|result)))/i;
const remark = /^(?:can|could|is|are|does|do|should|will|may) (?:it|they|this|that|these|one|i|you|we)\b/i;
const comparisons: readonly RegExp[] = [
  /\bcompare\s+(?<a>.+?)\s+(?:with|to|and|against|versus|vs\.?)\s+(?<b>.+?)(?<rest>\s+(?:in terms of|regarding|with respect to|for|on|by)\s+.+)?[?.!]*$/i,
  /\bdifferences?\s+between\s+(?<a>.+?)\s+and\s+(?<b>.+?)(?<rest>\s+(?:in terms of|regarding|when)\s+.+)?[?.!]*$/i,
  /^(?:how does\s+)?(?<a>.+?)\s+(?:vs\.?|versus|differ from)\s+(?<b>.+?)(?<rest>)[?.!]*$/i,
];

/**
 * Splits a compound goal into its questions: lists, several sentences, "and how …", "compare A with B". Sentences that ask
 * nothing lend their words to the question after them; courtesy is left out.
 *
 * Shape: at least one question, even for an empty goal; at most 8.
 */
export function splitGoal(goal: string): Question[] {
  const pieces = piecesOf(goal);
  const asking = pieces.filter((piece) => asks.test(piece));
  const questions: Question[] = [];
  let background = "";
  for (const piece of pieces) {
    if (asking.length > 0 && !asks.test(piece) && !isListed(goal, piece)) {
      background = piece;
      continue;
    }
    if (contentTerms(piece).length === 0) continue;
    const last = questions.at(-1);
    if (last !== undefined && remark.test(piece) && contentTerms(piece).length < 2) {
      // "… and can it be changed?" asks about the same thing and has no subject of its own.
      questions[questions.length - 1] = { ...last, text: `${last.text.replace(/[?.!]+$/, "")}, and ${piece}` };
      continue;
    }
    for (const text of compared(piece)) {
      const isBackground = background !== "";
      const previous = isBackground ? questionOf(background) : questions.at(-1);
      questions.push(
        questionOf(withoutOpening(text), {
          previous,
          isBackground,
          follows: questions.length > 0 && following.test(piece),
        }),
      );
    }
  }
  return questions.length === 0 ? [questionOf(goal)] : questions.slice(0, maxParts);
}

function piecesOf(goal: string): string[] {
  const pieces: string[] = [];
  for (const line of goal.split("\n")) {
    const text = line.replace(/^\s*(?:[-*+•]|\(?\d{1,2}[.)])\s+/, "").trim();
    if (text === "" || (text.endsWith(":") && goal.includes("\n"))) continue;
    for (const sentence of sentencesOf(text)) {
      pieces.push(
        ...sentence
          .split(conjunction)
          .map((piece) => piece.trim())
          .filter((piece) => piece !== ""),
      );
    }
  }
  return pieces;
}

function isListed(goal: string, piece: string): boolean {
  return goal.split("\n").some((line) => /^\s*(?:[-*+•]|\(?\d{1,2}[.)])\s+/.test(line) && line.includes(piece));
}

function compared(piece: string): string[] {
  if (piece.length > maxComparisonChars) return [piece];
  for (const pattern of comparisons) {
    const found = pattern.exec(piece)?.groups;
    if (found === undefined) continue;
    const { a = "", b = "", rest = "" } = found;
    if (contentTerms(a).length === 0 || contentTerms(b).length === 0 || a.length > 80 || b.length > 80) continue;
    return [`${a}${rest}`, `${b}${rest}`];
  }
  return [piece];
}

function withoutOpening(text: string): string {
  return text.replace(/^\s*(?:(?:and|also|then|next|finally|after that|afterwards|please)[,\s]+)+/i, "");
}
