import { secretMask } from "./secret.ts";

/** Describes the form of one kind of credential. The pattern is only tried on a text that holds one of the signs. */
export interface CredentialPattern {
  readonly name: string;
  readonly signs: readonly string[];
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Writes a text as a pattern that matches just it. */
export function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function prefixed(name: string, prefixes: readonly string[], rest: string): CredentialPattern {
  const heads = prefixes.map((prefix) => literally(prefix)).join("|");
  return {
    name,
    signs: prefixes,
    pattern: new RegExp(`(?<![A-Za-z0-9_])(?:${heads})${rest}`, "g"),
    replacement: secretMask,
  };
}

// What JSON writes for no credential; masked, it would be no JSON any more.
const noValue = "(?!(?:null|true|false)\\b)";
const assignment = `["'\\\\]{0,3}\\s{0,8}[:=]\\s{0,8}["'\\\\]{0,3}`;
const kept = `$1${secretMask}`;

/**
 * Lists the forms of credentials, the longest forms first. Every repetition is bounded or over characters that exclude
 * what follows it, so that no text makes a pattern slow.
 */
export const credentialPatterns: readonly CredentialPattern[] = [
  {
    name: "private key",
    signs: ["PRIVATE KEY"],
    // Without an END it stops at a quote, and takes of backslashes only whole escapes of line ends: JSON stays JSON.
    pattern:
      /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[^-"\\]|\\{1,8}(?:[nrt]|u[0-9A-Fa-f]{4})){0,20000}(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?/g,
    replacement: secretMask,
  },
  {
    name: "JSON web token",
    signs: ["eyJ"],
    pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,8192}\.[A-Za-z0-9_-]{6,8192}(?:\.[A-Za-z0-9_-]{0,8192}){0,3}/g,
    replacement: secretMask,
  },
  prefixed("model provider key", ["sk-"], "[A-Za-z0-9_-]{16,}"),
  prefixed("model provider key", ["gsk_", "xai-", "pplx-", "hf_", "r8_", "nvapi-", "tgp_v1_"], "[A-Za-z0-9_-]{16,}"),
  prefixed("Google key", ["AIza"], "[A-Za-z0-9_-]{30,}"),
  prefixed("Google token", ["ya29."], "[A-Za-z0-9_.-]{20,}"),
  prefixed("AWS key id", ["AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA"], "[A-Z0-9]{16}(?![A-Z0-9])"),
  prefixed("GitHub token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"], "[A-Za-z0-9_]{16,}"),
  prefixed("GitLab token", ["glpat-", "gldt-", "glrt-"], "[A-Za-z0-9_.-]{16,}"),
  prefixed("Slack token", ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe.", "xapp-"], "[A-Za-z0-9.-]{10,}"),
  prefixed("Stripe key", ["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"], "[A-Za-z0-9]{10,}"),
  prefixed("npm token", ["npm_"], "[A-Za-z0-9]{30,}"),
  prefixed("PyPI token", ["pypi-"], "[A-Za-z0-9_-]{30,}"),
  prefixed("SendGrid key", ["SG."], "[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}"),
  prefixed("DigitalOcean token", ["dop_v1_", "doo_v1_", "dor_v1_"], "[a-f0-9]{32,}"),
  prefixed("Vault or Databricks token", ["hvs.", "hvb.", "dapi"], "[A-Za-z0-9_-]{24,}"),
  prefixed("age key", ["AGE-SECRET-KEY-1"], "[A-Z0-9]{20,}"),
  {
    name: "password in an address",
    signs: ["://"],
    pattern: /(:\/\/[^\s/:@"'?#]{0,256}:)[^\s/@"']{1,1024}(?=@)/g,
    replacement: kept,
  },
  {
    name: "authorization header",
    signs: ["earer", "EARER", "asic", "ASIC"],
    pattern: /(\b(?:bearer|basic)\s{1,8})(?!\[secret\])[A-Za-z0-9._~+/=-]{12,}/gi,
    replacement: kept,
  },
  {
    name: "named credential",
    signs: ["=", ":"],
    pattern: new RegExp(
      `((?:api|access|secret|private|account|shared|signing|encryption)[-_ ]?(?:access[-_ ]?)?key${assignment})(?!\\[secret\\])${noValue}[^\\s"'\\\\,;&}<>]{6,}`,
      "gi",
    ),
    replacement: kept,
  },
  {
    name: "named password",
    signs: ["=", ":"],
    pattern: new RegExp(
      `((?:password|passwd|passphrase|client[-_]?secret|(?:access|refresh|auth|session|id|security)[-_]?token)${assignment})(?!\\[secret\\])${noValue}[^\\s"'\\\\,;&}<>]{4,}`,
      "gi",
    ),
    replacement: kept,
  },
];
