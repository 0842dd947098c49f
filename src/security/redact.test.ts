import { Buffer } from "node:buffer";
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Secret, createRedactor, isSecret, redactedJson } from "./index.ts";

const redact = createRedactor();
const tail = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0";

// Puts credentials together from parts, so that scanners of this repository find none in it.
const part = (text: string): string => text;

const credentials: Readonly<Record<string, string>> = {
  openai: `sk-${tail}`,
  "openai project": `sk-proj-${tail}_${tail}`,
  anthropic: `sk-ant-api03-${tail}-AA`,
  openrouter: `sk-or-v1-${tail}`,
  groq: `gsk_${tail}`,
  xai: `xai-${tail}`,
  perplexity: `pplx-${tail}`,
  huggingface: `hf_${tail}`,
  replicate: `r8_${tail}`,
  google: `AIza${tail.slice(0, 35)}`,
  "google oauth": `ya29.${tail}`,
  "aws key id": `AKIA${part("ABCDEFGH12345678")}`,
  "aws session key id": `ASIA${part("ABCDEFGH12345678")}`,
  github: `ghp_${tail.slice(0, 36)}`,
  "github app": `ghs_${tail.slice(0, 36)}`,
  "github fine": `github_pat_${tail}`,
  gitlab: `glpat-${tail.slice(0, 20)}`,
  slack: `xoxb-${part("123456789012")}-${tail.slice(0, 24)}`,
  "slack app": `xapp-1-${tail}`,
  stripe: `sk_live_${tail.slice(0, 24)}`,
  "stripe hook": `whsec_${tail}`,
  npm: `npm_${tail.slice(0, 36)}`,
  pypi: `pypi-${tail}`,
  sendgrid: `SG.${tail.slice(0, 22)}.${tail}`,
  digitalocean: `dop_v1_${"0123456789abcdef".repeat(4)}`,
  vault: `hvs.${tail}`,
  jwt: `eyJ${part("hbGciOiJIUzI1NiJ9")}.eyJ${part("zdWIiOiIxMjM0In0")}.${tail}`,
  "private key": `-----BEGIN RSA ${part("PRIVATE KEY")}-----\n${tail}\n-----END RSA ${part("PRIVATE KEY")}-----`,
  age: `AGE-SECRET-KEY-1${part("QWERTYUIOPASDFGHJKLZXCVBNM")}`,
};

const frames: Readonly<Record<string, (secret: string) => string>> = {
  alone: (secret) => secret,
  "in a sentence": (secret) => `The key ${secret} was refused.`,
  "in JSON": (secret) => JSON.stringify({ key: secret, n: 1 }),
  "in an address": (secret) => `https://host.example/path?key=${secret}&page=2`,
  "in a header": (secret) => `Authorization: Bearer ${secret}`,
  "in an assignment": (secret) => `export SOME_API_KEY="${secret}"`,
};

const positions = Object.entries(credentials).flatMap(([name, secret]) =>
  Object.entries(frames).map(([where, frame]) => ({ name, where, secret, text: frame(secret) })),
);

test.each(positions)("takes out the key of $name $where", ({ text, secret }) => {
  const clean = redact(text);
  expect(clean).not.toContain(secret.slice(0, 24));
  expect(clean).not.toContain(tail.slice(4, 16));
  expect(clean).toContain("[secret]");
});

test.each([
  ["password", "password: letmein-please"],
  ["passwd", "passwd=letmein-please"],
  ["client secret", '{"client_secret":"letmein-please"}'],
  ["access token", "access_token=letmein-please&x=1"],
  ["AWS secret", "aws_secret_access_key = letmein-please"],
  ["api key header", "x-api-key: letmein-please"],
  ["escaped JSON", '{\\"apiKey\\":\\"letmein-please\\"}'],
  ["Azure", "AccountName=me;AccountKey=letmein-please;x=1"],
  ["password of an address", "postgres://atlas:letmein-please@db.example:5432/atlas"],
  ["basic", "Authorization: Basic letmeinplease0123456789=="],
  ["lower case bearer", "authorization: bearer letmein-please"],
])("takes out a credential by its name: %s", (_name, text) => {
  expect(redact(text)).not.toMatch(/letmein/);
});

test.each([
  "The run run_01m7ybeqdykh50jt2fdcvg used 1234567 tokens.",
  '{"inputTokens":1234567,"outputTokens":99,"maxTokens":100000}',
  "task-management and risk-assessment are not keys",
  "see https://host.example:8080/path and http://localhost:11434",
  "src/security/redact.ts:12:34",
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "The bearer of bad news",
])("leaves ordinary text alone: %s", (text) => {
  expect(redact(text)).toBe(text);
});

test("takes out known secrets in every form in which they travel", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 16, maxLength: 40, unit: "grapheme-ascii" }),
      fc.string(),
      fc.string(),
      (secret, before, after) => {
        fc.pre(secret.trim().length >= 16 && new Set(secret).size >= 5);
        const clean = createRedactor({ secrets: [new Secret(secret)] });
        for (const form of [
          secret,
          encodeURIComponent(secret),
          JSON.stringify(secret).slice(1, -1),
          Buffer.from(secret).toString("base64"),
        ]) {
          expect(clean(`${before} ${form} ${after}`)).not.toContain(` ${form} `);
        }
      },
    ),
  );
});

test("takes a known secret out of Basic credentials, wherever its bytes begin", () => {
  const clean = createRedactor({ secrets: ["correct-horse-battery"] });
  for (const user of ["a", "ab", "abc", "abcd"]) {
    const header = Buffer.from(`${user}:correct-horse-battery`).toString("base64");
    const decoded = Buffer.from(clean(header).replaceAll("[secret]", ""), "base64").toString();
    expect(decoded).not.toContain("horse");
  }
});

test.each([
  "a",
  "the",
  "ollama",
  "lm-studio",
  "not-needed",
  "dummy-key",
  "changeme",
  "EMPTY",
  "00000000",
  "x1x1x1x1x1",
])("does not blot out ordinary text for the key %s, which could be a word", (secret) => {
  const text = `the cat, a dog and ${secret}/model`;
  expect(createRedactor({ secrets: [secret] })(text)).toBe(text);
});

test.each(["hunter2-7", "k3yW1thC4se", "Abcdefgh", "correct-horse-battery", "key of the house"])(
  "takes out the known secret %s",
  (secret) => {
    expect(createRedactor({ secrets: [secret] })(`<${secret}>`)).toBe("<[secret]>");
  },
);

test("takes out the known secrets alone when told so", () => {
  const clean = createRedactor({ secrets: ["correct-horse-battery"], knownOnly: true });
  const text = `password: letmein-please ${credentials["openai"]}`;
  expect(clean(`${text} correct-horse-battery`)).toBe(`${text} [secret]`);
});

test("leaves JSON that holds credentials JSON, as a text and as a value", () => {
  const head = `-----BEGIN ${part("PRIVATE KEY")}-----`;
  const piece = fc.oneof(
    fc.constantFrom(
      head,
      `${head}\n${tail}`,
      `${head}\\n${tail}`,
      `${head}\u0000`,
      "\\",
      '"',
      ",",
      "}",
      "https://a:b\\c@d",
      "sk-",
    ),
    fc.constantFrom(...Object.values(credentials)),
    fc.string(),
  );
  const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(""));
  const key = fc.oneof(fc.constantFrom("apiKey", "password", "access_token"), text);
  const value = fc.oneof(text, fc.constantFrom(null, true, false), fc.array(text, { maxLength: 2 }));
  fc.assert(
    fc.property(fc.dictionary(key, value), (record) => {
      expect(() => JSON.parse(redact(JSON.stringify(record))) as unknown).not.toThrow();
      expect(() => JSON.parse(redactedJson(record, redact)) as unknown).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});

test("takes a credential out of a value by the name of its member", () => {
  const value = {
    user: "ada",
    password: "letmein-please",
    deep: [{ apiKey: "letmein-please" }],
    port: 1,
    passwd: 4711,
  };
  const clean = { user: "ada", password: "[secret]", deep: [{ apiKey: "[secret]" }], port: 1, passwd: "[secret]" };
  expect(JSON.parse(redactedJson(value, redact))).toEqual(clean);
  expect(JSON.parse(redactedJson(value, createRedactor({ knownOnly: true })))).toEqual(value);
});

test("redacts an error as it is written, and keeps what is no text", () => {
  const error = { toJSON: () => ({ message: `Refused ${credentials["openai"]}`, status: 401, ok: null }) };
  expect(JSON.parse(redactedJson({ error, list: [1, true] }, redact))).toEqual({
    error: { message: "Refused [secret]", status: 401, ok: null },
    list: [1, true],
  });
});

test("stays fast on a long hostile text", () => {
  const begin = performance.now();
  for (const part of ["a://b:", "sk-", "eyJ.", "password", "-----BEGIN PRIVATE KEY-----", "bearer  "])
    redact(part.repeat(20_000));
  expect(performance.now() - begin).toBeLessThan(5000);
});

test("a secret shows itself nowhere but through reveal", () => {
  const secret = new Secret("hunter2");
  expect([String(secret), JSON.stringify({ secret }), inspect({ deep: [secret] })].join()).not.toContain("hunter2");
  expect(JSON.stringify(Object.entries(secret))).not.toContain("hunter2");
  expect(secret.reveal()).toBe("hunter2");
  expect([isSecret(secret), isSecret("hunter2"), isSecret(null)]).toEqual([true, false, false]);
});
