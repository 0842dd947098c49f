import { baseErrors } from "../../base/index.ts";

/** Is a pattern that can be looked for in a text that is not whole yet. Both find the next match from `lastIndex` on. */
export interface PartialPattern {
  readonly whole: RegExp;
  /** Matches what `whole` does, and at the end of the text also what may still become a match of it. */
  readonly partial: RegExp;
  /** Is how long every match is, where that is known: such a match is whole, whatever follows it. */
  readonly chars?: number;
}

/** Is the end of the text, whatever the flags. */
const textEnd = "(?![\\s\\S])";

/** More repetitions than this count as no bound, for what they cost when they are nested. */
const manyTimes = 16;

/**
 * Makes the partial form of a text or a regular expression.
 *
 * Errors: invalid_input for what cannot be told from a part of the text (looking around, back-references, the flag v), what
 * matches an empty text, and what can take exponential time: a repetition of something that repeats or has alternatives.
 */
export function partialPattern(pattern: string | RegExp): PartialPattern {
  if (pattern === "") throw refused("", "it is empty");
  const source = typeof pattern === "string" ? RegExp.escape(pattern) : pattern.source;
  const flags = typeof pattern === "string" ? "" : pattern.flags.replaceAll(/[gyd]/g, "");
  if (flags.includes("v")) throw refused(source, "the flag v is not supported; use u");
  const whole = new RegExp(source, `g${flags}`);
  if (new RegExp(source, flags).test("")) throw refused(source, "it matches an empty text");
  const { text } = new Translation(source, flags.includes("u")).alternatives();
  const partial = new RegExp(text, `g${flags}`);
  return { whole, partial, ...(typeof pattern === "string" && { chars: pattern.length }) };
}

function refused(source: string, reason: string): Error {
  return baseErrors.create("invalid_input", `The pattern /${source}/ cannot be used on a stream: ${reason}.`, {
    details: { pattern: source, reason },
  });
}

type Translated = { readonly text: string; readonly repeats: boolean };

/** Walks over the source of a regular expression and lets each of its atoms also match the end of the text. */
class Translation {
  readonly #source: string;
  readonly #unicode: boolean;
  #at = 0;

  constructor(source: string, unicode: boolean) {
    this.#source = source;
    this.#unicode = unicode;
  }

  /** Translates up to the end or the parenthesis that closes. `repeats`: it holds a repetition, or alternatives. */
  alternatives(): Translated {
    let text = "";
    let repeats = false;
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      if (this.#source[this.#at] === "|") {
        text += "|";
        this.#at++;
        repeats = true;
        continue;
      }
      const term = this.#term();
      text += term.text;
      repeats ||= term.repeats;
    }
    return { text, repeats };
  }

  #term(): Translated {
    const first = this.#source[this.#at];
    if (first === "^" || first === "$") {
      this.#at++;
      return { text: first, repeats: false };
    }
    const atom = first === "(" ? this.#group() : { text: this.#atom(), repeats: false };
    const [quantifier = ""] = this.#match(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
    const many = isMany(quantifier);
    if (many && atom.repeats) throw this.#refuse("it repeats what repeats itself or has alternatives");
    return { text: `(?:${atom.text}|${textEnd})${quantifier}`, repeats: many || atom.repeats };
  }

  #group(): Translated {
    const [opening = "("] = this.#match(/\((?:\?(?:[ims-]*:|<[^=!][^>]*>|[=!]|<[=!]))?/y);
    if (/[=!]$/.test(opening)) throw this.#refuse("it looks ahead or behind");
    const inside = this.alternatives();
    this.#at++;
    const kept = opening.endsWith(":") ? opening : "(?:";
    return { text: `${kept}${inside.text})`, repeats: inside.repeats };
  }

  #atom(): string {
    const [escape] = this.#match(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[a-zA-Z]|[\s\S])/y);
    if (escape !== undefined) {
      if (/^\\[1-9k]/.test(escape)) throw this.#refuse("it refers back to a group");
      return escape;
    }
    const [set] = this.#match(/\[(?:\\[\s\S]|[^\]\\])*\]/y);
    if (set !== undefined) return set;
    const [character = ""] = this.#match(this.#unicode ? /[\s\S]/uy : /[\s\S]/y);
    return character;
  }

  #match(expression: RegExp): readonly (string | undefined)[] {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#source) ?? [];
    this.#at += match[0]?.length ?? 0;
    return match;
  }

  #refuse(reason: string): Error {
    return refused(this.#source, reason);
  }
}

function isMany(quantifier: string): boolean {
  if (/^[*+]/.test(quantifier)) return true;
  const bounds = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier);
  if (bounds === null) return false;
  const [, least = "", comma, most = ""] = bounds;
  if (comma === "") return Number(least) > manyTimes;
  return most === "" || Number(most) > manyTimes;
}
