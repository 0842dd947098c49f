import { Buffer } from "node:buffer";
import type { Secret } from "./secret.ts";
import { secretMask } from "./secret.ts";
import { credentialPatterns, literally } from "./patterns.ts";

/**
 * Are the options of `createRedactor`.
 *
 * A secret that could be an ordinary word is left out, since it would blot out ordinary text: one of fewer than 8 characters, of
 * fewer than 5 different ones, or of fewer than 16 that are words of one case, such as `not-needed` or `lm-studio`.
 */
export interface RedactorOptions {
  readonly secrets?: readonly (Secret | string)[];
  /** Takes out the known secrets alone, and nothing for its form: for data that must not change otherwise. */
  readonly knownOnly?: boolean;
}

const shortest = 8;
const fewestDifferent = 5;
const longestWord = 15;

/**
 * Makes a function that takes secrets out of a text: the known ones in plain, URL-encoded, JSON-escaped, hex and base64 form
 * (also inside a longer base64 text, such as Basic credentials), and everything that has the form of a credential.
 *
 * Cost: linear in the text; a text without any sign of a credential costs one search per pattern.
 */
export function createRedactor(options: RedactorOptions = {}): (text: string) => string {
  const known = knownPattern(options.secrets ?? []);
  const forms = options.knownOnly === true ? [] : credentialPatterns;
  return (text) => {
    let clean = known === undefined ? text : text.replace(known, secretMask);
    for (const { signs, pattern, replacement } of forms) {
      if (signs.some((sign) => clean.includes(sign))) clean = clean.replace(pattern, replacement);
    }
    return clean;
  };
}

function knownPattern(secrets: readonly (Secret | string)[]): RegExp | undefined {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const value = typeof secret === "string" ? secret : secret.reveal();
    if (isTelling(value)) for (const form of formsOf(value)) forms.add(form);
  }
  if (forms.size === 0) return undefined;
  const longestFirst = [...forms].toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((form) => literally(form)).join("|"), "g");
}

/** Tells whether a secret is one that no ordinary text holds by chance. */
function isTelling(value: string): boolean {
  if (value.length < shortest || new Set(value).size < fewestDifferent) return false;
  return value.length > longestWord || !/^(?:[a-z._ -]+|[A-Z._ -]+)$/.test(value);
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const forms = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), bytes.toString("hex")];
  for (const inner of base64Cores(bytes)) forms.push(inner, inner.replaceAll("+", "-").replaceAll("/", "_"));
  forms.push(bytes.toString("base64"), bytes.toString("base64url"));
  return forms.filter((form) => form.length >= shortest);
}

/** Gives the base64 characters that depend on the bytes alone, for each of the three places at which they can begin. */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].map((lead) => {
    const text = Buffer.concat([Buffer.alloc(lead), bytes])
      .toString("base64")
      .replaceAll("=", "");
    const whole = Math.floor(((lead + bytes.length) * 8) / 6);
    return text.slice(lead === 0 ? 0 : lead + 1, whole);
  });
}
