import type { Passage } from "../passage.ts";
import type { KeyTerm, Question } from "./question.ts";
import { synonymsOf } from "./synonyms.ts";
import { stemsOf, termsOf } from "./terms.ts";
import type { Unit } from "./units.ts";
import { unitsOf } from "./units.ts";

/** Is a unit with the words it holds and the words around it, ready to be scored. */
export interface Entry {
  readonly passage: Passage;
  readonly unit: Unit;
  readonly own: ReadonlySet<string>;
  /** What stands above it: headings, the item it hangs under, the head of its table. */
  readonly above: ReadonlySet<string>;
  /** Title, headings and file of the passage. */
  readonly about: ReadonlySet<string>;
  readonly near: Neighbours;
  /** The words of the passage's own name: the end of its file's path, its title; identifiers whole. */
  readonly named: ReadonlySet<string>;
  /** The words of the heading that the passage stands under, parts of identifiers too. */
  readonly section: ReadonlySet<string>;
}

/** Are the units before and after, in the same passage. */
export interface Neighbours {
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
}

/** Holds every unit of a conversation's passages and how rare each word is among them. */
export interface Evidence {
  readonly entries: readonly Entry[];
  readonly passages: readonly Passage[];
  rarity(stem: string): number;
}

const none: ReadonlySet<string> = new Set();

/** Reads passages into evidence. Cost: linear in the text; about 10 ms per 100 passages. */
export function readEvidence(passages: readonly Passage[]): Evidence {
  const entries: Entry[] = [];
  const frequency = new Map<string, number>();
  const contexts = new Map<string, ReadonlySet<string>>();
  const stemsOfContext = (text: string): ReadonlySet<string> => {
    if (text === "") return none;
    const known = contexts.get(text) ?? stemsOf(text);
    contexts.set(text, known);
    return known;
  };
  for (const passage of passages) {
    const about = stemsOfContext(
      `${passage.title ?? ""} ${(passage.headings ?? []).join(" ")} ${passage.source.replace(/\.\p{L}+$/u, "")}`,
    );
    const named = nameOf(passage);
    const section = stemsOfContext(passage.headings?.at(-1) ?? "");
    const units = unitsOf(passage);
    const owns = units.map((unit) => stemsOf(unit.text));
    units.forEach((unit, place) => {
      const own = owns[place] ?? none;
      const above = stemsOfContext(unit.context);
      for (const stem of own) frequency.set(stem, (frequency.get(stem) ?? 0) + 1);
      entries.push({
        passage,
        unit,
        own,
        above,
        about,
        named,
        section,
        near: { before: owns[place - 1] ?? none, after: owns[place + 1] ?? none },
      });
    });
  }
  const total = entries.length;
  const rarity = (stem: string): number => {
    const count = frequency.get(stem) ?? 0;
    return Math.log(1 + (total - count + 0.5) / (count + 0.5));
  };
  return { entries, passages, rarity };
}

function nameOf(passage: Passage): ReadonlySet<string> {
  const file = (passage.source.split(/[\\/]/).at(-1) ?? "").replace(/\.\p{L}+$/u, "");
  const words = termsOf(`${file} ${passage.title ?? ""}`).filter((term) => !term.part);
  return new Set(words.map((term) => term.stem));
}

/** Says how well a unit holds one word: 1 in its own text, less when a synonym or the surroundings hold it, 0 when nothing does. */
export function creditOf(term: KeyTerm, entry: Entry): number {
  const { stem } = term;
  if (entry.own.has(stem)) return 1;
  if (entry.above.has(stem)) return 0.85;
  if (entry.about.has(stem)) return 0.8;
  if (!term.strong) {
    for (const other of synonymsOf(stem) ?? none) if (entry.own.has(other)) return 0.75;
    for (const other of entry.own) if (isKin(stem, other)) return 0.75;
    for (const other of synonymsOf(stem) ?? none) if (entry.above.has(other) || entry.about.has(other)) return 0.5;
    for (const other of entry.above) if (isKin(stem, other)) return 0.5;
  }
  if (entry.near.before.has(stem)) return 0.55;
  if (entry.near.after.has(stem)) return 0.45;
  return 0;
}

/** Tells whether two stems share so much of their beginning that they come from one word (`concurr`, `concurrency`). */
function isKin(one: string, other: string): boolean {
  const shorter = Math.min(one.length, other.length);
  if (shorter < 5 || Math.max(one.length, other.length) - shorter > 4) return false;
  const needed = Math.max(5, shorter - 1);
  return one[0] === other[0] && one.slice(0, needed) === other.slice(0, needed);
}

/** Weighs the key terms of a question by their rarity in the evidence; the weights add up to 1. */
export function weigh(question: Question, evidence: Evidence): readonly KeyTerm[] {
  const typical = Math.log(1 + evidence.entries.length);
  const raw = question.terms.map((term) => ({
    ...term,
    weight: term.weight * (0.35 + 0.65 * (evidence.rarity(term.stem) / Math.max(typical, 1))),
  }));
  const sum = raw.reduce((total, term) => total + term.weight, 0);
  return raw.map((term) => ({ ...term, weight: sum === 0 ? 0 : term.weight / sum }));
}
