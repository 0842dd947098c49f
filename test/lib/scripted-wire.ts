import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll } from "vitest";

/** Is one answer of the mock: a text, calls of tools, or a failure. */
export type WireAnswer =
  | { readonly content: string }
  | { readonly toolCalls: { readonly name: string; readonly arguments: string }[] }
  | { readonly error: { readonly message: string; readonly type: string }; readonly status: number };

/** Names a provider, and gives the environment in which it is the mock. */
type WireEnvironment = readonly [string, () => Record<string, string>];

/** Is a server that speaks the providers' own formats and that we did not write, for the tests of one file. */
export interface Wire {
  readonly mock: LLMock;
  /** A folder for databases, removed at the end. */
  readonly directory: () => string;
  /** Those of OpenAI and Anthropic. */
  readonly environments: readonly [WireEnvironment, WireEnvironment];
}

/** Starts the mock before the tests of a file, and stops it after them. */
export function useWire(): Wire {
  const mock = new LLMock({ port: 0, chunkSize: 7 });
  let directory = "";
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "atlas-wire-"));
    await mock.start();
  });
  afterAll(async () => {
    await mock.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    mock,
    directory: () => directory,
    environments: [
      ["openai", () => ({ OPENAI_API_KEY: "sk-canary-1234567890", OPENAI_BASE_URL: `${mock.url}/v1` })],
      ["anthropic", () => ({ ANTHROPIC_API_KEY: "sk-ant-canary-1234567890", ANTHROPIC_BASE_URL: mock.url })],
    ],
  };
}

/** Writes a value as the text of an answer. */
export function says(value: unknown): { content: string } {
  return { content: typeof value === "string" ? value : JSON.stringify(value) };
}

/** Counts how often each of a script was asked since the last `restart`. */
export interface Played {
  readonly turns: Readonly<Record<string, number>>;
  readonly restart: () => void;
}

/** Has each of a script answer by turns; `words` gives what a request of it holds. Beyond its script it fails. */
export function play(
  mock: LLMock,
  script: Readonly<Record<string, readonly WireAnswer[]>>,
  words: (who: string) => string = (who) => who,
): Played {
  const turns: Record<string, number> = {};
  for (const [who, answers] of Object.entries(script)) {
    mock.on({ predicate: (request) => JSON.stringify(request).includes(words(who)) }, () => {
      const turn = turns[who] ?? 0;
      turns[who] = turn + 1;
      return answers[turn] ?? { error: { message: "The script is over.", type: "invalid_request_error" }, status: 400 };
    });
  }
  return {
    turns,
    restart: () => {
      for (const who of Object.keys(script)) turns[who] = 0;
    },
  };
}
