import type { JsonObject, JsonValue } from "../../base/index.ts";
import { stemsOf, termsOf } from "./terms.ts";

const numberPattern = /(?<![\p{L}\p{N}_.])-?\d[\d_,]*(?:\.\d+)?(?:e[+-]?\d+)?(?![\p{L}_]*\p{N})/giu;
const isoDate = /\b(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?/;
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const wordDate =
  /\b(?:(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:\s+(\d{1,2})(?:st|nd|rd|th)?)?,?\s+(\d{4})\b/i;
const negative =
  /\b(?:not|no|never|cannot|can't|doesn't|don't|isn't|aren't|won't|without|unsupported|disabled|false|deprecated)\b/i;

/** Finds the number in a text that stands nearest to the words of a hint. */
export function numberIn(text: string, hint: string, whole: boolean): number | undefined {
  const wanted = stemsOf(hint);
  const places = termsOf(text)
    .filter((term) => wanted.has(term.stem) && !/^\d/.test(term.word))
    .map((term) => term.offset);
  let best: { value: number; distance: number } | undefined;
  let nearest = 0;
  for (const match of text.matchAll(numberPattern)) {
    const value = Number(match[0].replace(/[_,](?=\d)/g, "").replace(/[_,]+$/, ""));
    if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) continue;
    const distanceTo = (place: number | undefined): number =>
      place === undefined ? text.length : Math.abs(place - match.index);
    // Numbers and places both come in the order of the text, so the nearest place only moves on.
    while (distanceTo(places[nearest + 1]) <= distanceTo(places[nearest]) && nearest + 1 < places.length) nearest++;
    const distance = distanceTo(places[nearest]);
    if (best === undefined || distance < best.distance) best = { value, distance };
  }
  return best?.value;
}

/** Finds a date in a text and writes it in ISO form. */
export function dateIn(text: string, format: "date" | "date-time"): string | undefined {
  const iso = isoDate.exec(text);
  const words = wordDate.exec(text);
  let day: string | undefined = iso?.[0].slice(0, 10);
  if (day === undefined && words) {
    const month = months.indexOf((words[2] ?? "").toLowerCase().slice(0, 3)) + 1;
    day = `${words[4] ?? ""}-${String(month).padStart(2, "0")}-${(words[1] ?? words[3] ?? "1").padStart(2, "0")}`;
  }
  if (day === undefined || Number.isNaN(Date.parse(day))) return undefined;
  if (format === "date") return day;
  return iso !== null && iso[0].length > 10 && !Number.isNaN(Date.parse(iso[0]))
    ? new Date(iso[0]).toISOString()
    : `${day}T00:00:00.000Z`;
}

/** Picks the value of an enumeration that a text speaks of; the earliest wins. */
export function enumIn(options: readonly JsonValue[], text: string): JsonValue | undefined {
  const stems = termsOf(text).map((term) => term.stem);
  let best: { option: JsonValue; place: number } | undefined;
  for (const option of options) {
    const words = termsOf(typeof option === "string" ? option : JSON.stringify(option))
      .filter((term) => !term.part)
      .map((term) => term.stem);
    const places = words.map((word) => stems.indexOf(word));
    if (places.length === 0 || places.includes(-1)) continue;
    const place = Math.min(...places);
    if (best === undefined || place < best.place) best = { option, place };
  }
  return best?.option;
}

/** Reads yes or no from a sentence; nothing from an empty one. */
export function truthIn(text: string): boolean | undefined {
  return text === "" ? undefined : !negative.test(text);
}

/** Tells whether a value keeps the bounds of its schema: type, enum, length, range, pattern. */
export function fits(value: JsonValue, schema: JsonObject): boolean {
  if (Array.isArray(schema["enum"]) && !schema["enum"].includes(value)) return false;
  if (typeof value === "number") {
    const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
    if (type === "integer" && !Number.isInteger(value)) return false;
    if (typeof minimum === "number" && value < minimum) return false;
    if (typeof maximum === "number" && value > maximum) return false;
    if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) return false;
    return !(typeof exclusiveMaximum === "number" && value >= exclusiveMaximum);
  }
  if (typeof value !== "string") return true;
  const { minLength, maxLength, pattern, format } = schema;
  if (typeof minLength === "number" && value.length < minLength) return false;
  if (typeof maxLength === "number" && value.length > maxLength) return false;
  if (format === "email" || format === "uri" || format === "uuid") return looksLike(value, format);
  return typeof pattern !== "string" || matches(value, pattern);
}

function looksLike(value: string, format: "email" | "uri" | "uuid"): boolean {
  if (format === "uri") return URL.canParse(value);
  // The longest address that mail knows; the bound also keeps the pattern from long texts.
  return format === "email"
    ? value.length <= 254 && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)
    : /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value);
}

function matches(value: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    // A pattern that this engine cannot read cannot be promised to hold.
    return false;
  }
}
