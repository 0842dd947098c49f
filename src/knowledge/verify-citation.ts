import { countLines } from "./block.ts";
import type { Citation } from "./citation.ts";
import { collapse } from "./citation.ts";
import { textParts } from "./read-file.ts";
import { errnoOf } from "./walk.ts";

type Reason = "missing" | "unreadable" | "lines" | "quote";

/** Says whether a citation holds. `reason`: the file is gone or unreadable, has fewer lines, or does not hold the quote there. */
export type Verification =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: Reason; readonly message: string };

/** Checks a citation against the file as it is now. HTML is read without its markup. Cost: reads up to its last line, in bounded memory. */
export async function verifyCitation(citation: Citation, signal?: AbortSignal): Promise<Verification> {
  const [check] = await checkFile(citation.source, [citation], signal);
  return check?.reason === undefined ? { ok: true } : failed(check.reason, citation);
}

/**
 * Keeps the citations that the files still hold; each file is read once. A quote from HTML is cut down to its longest stretch that
 * stands in the file as it is, between tags, so that anyone who opens the file finds it.
 *
 * Order: as they came.
 */
export async function confirmCitations(
  citations: readonly Citation[],
  signal?: AbortSignal,
): Promise<readonly Citation[]> {
  const confirmed = new Map<Citation, Citation>();
  for (const [source, group] of Map.groupBy(citations, (citation) => citation.source)) {
    for (const { citation, reason, shown } of await checkFile(source, group, signal))
      if (reason === undefined && shown !== "") confirmed.set(citation, { ...citation, quote: shown });
  }
  return citations.flatMap((citation) => confirmed.get(citation) ?? []);
}

interface Checked {
  readonly citation: Citation;
  /** Why it does not hold; undefined when it does. */
  readonly reason?: Reason | undefined;
  /** The part of the quote that stands in the file as it is. */
  readonly shown: string;
}

async function checkFile(
  source: string,
  citations: readonly Citation[],
  signal?: AbortSignal,
): Promise<readonly Checked[]> {
  const checks = citations.map((citation) => new QuoteCheck(citation));
  const last = Math.max(...citations.map((citation) => citation.endLine));
  let line = 1;
  try {
    for await (const part of textParts(source, signal)) {
      for (const check of checks) check.take(part, line);
      line += countLines(part.text, 0, part.text.length);
      if (line > last) break;
    }
  } catch (error) {
    signal?.throwIfAborted();
    const reason = ["ENOENT", "ENOTDIR"].includes(errnoOf(error)) ? "missing" : "unreadable";
    return citations.map((citation) => ({ citation, reason, shown: "" }));
  }
  return checks.map((check) => check.result(line));
}

/** Looks for a quote in its lines of a text that comes in parts. */
class QuoteCheck {
  private readonly citation: Citation;
  private readonly quote: string;
  private shown: string | undefined;
  /** The end of what was seen, in which the quote may begin. */
  private tail = "";

  constructor(citation: Citation) {
    this.citation = citation;
    this.quote = collapse(citation.quote);
  }

  take(part: { readonly text: string; readonly source: string }, firstLine: number): void {
    const { quote } = this;
    if (this.shown !== undefined || quote === "") return;
    const held = `${this.tail}${this.linesOf(part.text, firstLine)}`.replace(/\s+/g, " ");
    this.tail = held.slice(-quote.length);
    if (!held.includes(quote)) return;
    this.shown = part.source === part.text ? quote : longestHeld(quote, collapse(this.linesOf(part.source, firstLine)));
  }

  private linesOf(text: string, firstLine: number): string {
    const { startLine, endLine } = this.citation;
    return text.slice(offsetOfLine(text, startLine - firstLine), offsetOfLine(text, endLine + 1 - firstLine));
  }

  result(lastLine: number): Checked {
    const { citation, shown = "" } = this;
    const { startLine, endLine } = citation;
    if (!(startLine >= 1 && endLine >= startLine && endLine <= lastLine)) return { citation, reason: "lines", shown };
    return { citation, reason: this.shown === undefined ? "quote" : undefined, shown };
  }
}

/** Gives where the line begins that so many others stand before; the end of the text when there is none. */
function offsetOfLine(text: string, before: number): number {
  let at = 0;
  for (let count = 0; count < before; count++) {
    at = text.indexOf("\n", at) + 1;
    if (at === 0) return text.length;
  }
  return at;
}

/** Finds the longest run of words of a quote that a text holds. Cost: looks at the text twice for each word of the quote. */
function longestHeld(quote: string, text: string): string {
  const words = Array.from(quote.matchAll(/[^ ]+/g), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  let best = "";
  let from = 0;
  for (const { end } of words) {
    // A run that the text does not hold is in no longer one that it holds: what begins a run only moves on.
    while (from < end && !text.includes(quote.slice(from, end))) from = quote.indexOf(" ", from) + 1 || end;
    if (end - from > best.length) best = quote.slice(from, end);
    if (from >= end) from = end + 1;
  }
  return best;
}

function failed(reason: Reason, citation: Citation): Verification {
  const place = `lines ${citation.startLine} to ${citation.endLine}`;
  const message = {
    missing: "The file is gone.",
    unreadable: "The file cannot be read as text.",
    lines: `The file has no ${place}.`,
    quote: `The file does not hold the quote at ${place}.`,
  }[reason];
  return { ok: false, reason, message };
}
