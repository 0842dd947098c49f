import { baseErrors } from "../../base/index.ts";
import {
  anyCharacter,
  type CharacterSet,
  characterSets,
  joinReaches,
  type PatternItem,
  type Reach,
  reachAfter,
} from "./repetitions.ts";

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
 * matches an empty text, and what can take more time than the square of the text: a repetition of something that repeats or has
 * alternatives, and repetitions in a row that take the same characters.
 */
export function partialPattern(pattern: string | RegExp): PartialPattern {
  if (pattern === "") throw refused("", "it is empty");
  const source = typeof pattern === "string" ? RegExp.escape(pattern) : pattern.source;
  const flags = typeof pattern === "string" ? "" : pattern.flags.replaceAll(/[gyd]/g, "");
  if (flags.includes("v")) throw refused(source, "the flag v is not supported; use u");
  const whole = new RegExp(source, `g${flags}`);
  if (new RegExp(source, flags).test("")) throw refused(source, "it matches an empty text");
  const { text } = new Translation(source, flags).alternatives();
  const partial = new RegExp(text, `g${flags}`);
  return { whole, partial, ...(typeof pattern === "string" && { chars: pattern.length }) };
}

function refused(source: string, reason: string): Error {
  return baseErrors.create("invalid_input", `The pattern /${source}/ cannot be used on a stream: ${reason}.`, {
    details: { pattern: source, reason },
  });
}

type Translated = { readonly text: string; readonly repeats: boolean };

const once = { least: 1, most: 1 } as const;

/** Walks over the source of a regular expression and lets each of its atoms also match the end of the text. */
class Translation {
  readonly #source: string;
  readonly #unicode: boolean;
  readonly #setOf: (atom: string) => CharacterSet;
  #at = 0;
  #reach: Reach = [];
  /** All characters of the group under way. */
  #taken: CharacterSet = 0n;

  constructor(source: string, flags: string) {
    this.#source = source;
    this.#unicode = flags.includes("u");
    this.#setOf = characterSets(source, flags);
  }

  /** Translates up to the end or the parenthesis that closes. `repeats`: it holds a repetition, or alternatives. */
  alternatives(): Translated {
    let text = "";
    let repeats = false;
    const before = this.#reach;
    const others: Reach[] = [];
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      if (this.#source[this.#at] === "|") {
        text += "|";
        this.#at++;
        repeats = true;
        others.push(this.#reach);
        this.#reach = before;
        continue;
      }
      const term = this.#term();
      text += term.text;
      repeats ||= term.repeats;
    }
    this.#reach = joinReaches([...others, this.#reach]);
    return { text, repeats };
  }

  #term(): Translated {
    const first = this.#source[this.#at];
    if (first === "^" || first === "$") {
      this.#at++;
      this.#reachOver({ set: anyCharacter, ...once });
      return { text: first, repeats: false };
    }
    const start = this.#at;
    const before = this.#reach;
    const around = this.#taken;
    this.#taken = 0n;
    const atom = first === "(" ? this.#group() : this.#single();
    const [quantifier = ""] = this.#match(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
    const times = timesOf(quantifier);
    const many = times.most > manyTimes;
    if (many && atom.repeats) throw this.#refuse("it repeats what repeats itself or has alternatives");
    const end = this.#at;
    if (times.most > 1 && atom.repeats) {
      // A second time, for what repeats in it may go on in its next turn.
      this.#at = start;
      this.#group();
      this.#at = end;
    }
    const inside = first === "(" ? this.#reach : [];
    const set = this.#taken;
    this.#taken |= around;
    if (first !== "(" || times.least !== times.most) {
      this.#reach = before;
      this.#reachOver({ set, ...times });
      this.#reach = joinReaches([this.#reach, inside]);
    }
    return { text: `(?:${atom.text}|${textEnd})${quantifier}`, repeats: many || atom.repeats };
  }

  #single(): Translated {
    const text = this.#atom();
    this.#taken |= /^\\b$/i.test(text) ? anyCharacter : this.#setOf(text);
    return { text, repeats: false };
  }

  #reachOver(item: PatternItem): void {
    const reach = reachAfter(this.#reach, item);
    if (reach === undefined) throw this.#refuse("repetitions in a row take the same characters");
    this.#reach = reach;
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

function timesOf(quantifier: string): Pick<PatternItem, "least" | "most"> {
  const bounds = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier);
  if (bounds !== null) {
    const [, least = "", comma, most = ""] = bounds;
    const end = most === "" ? Number.POSITIVE_INFINITY : Number(most);
    return { least: Number(least), most: comma === "" ? Number(least) : end };
  }
  const most = /^[*+]/.test(quantifier) ? Number.POSITIVE_INFINITY : 1;
  return { least: /^[*?]/.test(quantifier) ? 0 : 1, most };
}
