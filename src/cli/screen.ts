import { styleText } from "node:util";
import { createRedactor, redactedJson } from "../security/index.ts";
import type { Secret } from "../security/index.ts";
import { harmless, harmlessJson } from "./harmless.ts";
import type { CliIo, Output } from "./io.ts";
import type { Line } from "./line.ts";
import { piecesOf } from "./line.ts";

/** Are the wishes of the user about what is shown. */
export interface ScreenOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/**
 * Writes data to stdout and talk to stderr, as terminal and wishes allow. No text that is handed in steers a terminal, nor one
 * at the other end of a pipe: looks are given after it was made harmless. Known secrets are taken out of everything, what looks like a credential out of talk.
 */
export interface Screen {
  readonly json: boolean;
  readonly quiet: boolean;
  /** True when answers are shown while they are made. */
  readonly live: boolean;
  readonly interactive: boolean;
  /** Writes data for people to see, whole lines. */
  print(text: Line): void;
  /** Writes a part of a line of data. */
  stream(text: string): void;
  /** Writes one JSON value on a line of its own; on a terminal on several lines, unless it is one of many in a `sequence`. */
  printJson(value: unknown, form?: "sequence"): void;
  /** Writes a line for people; with `--quiet` only what must `always` be said: problems. */
  say(text: Line, when?: "always"): void;
  /** Shows what is going on in one line that replaces itself; only on a terminal. An empty text removes it. */
  progress(text: string): void;
  /** Keeps these secrets out of everything that is written from now on. */
  protect(secrets: readonly Secret[]): void;
  /** Takes known secrets and what looks like a credential out of a message. */
  redact(text: string): string;
  /** Takes known secrets out of data. Whoever cuts a text off must call it before: half a secret is not recognised. */
  hide(text: string): string;
}

/** Makes the screen of a command. */
export function createScreen(io: CliIo, options: ScreenOptions = {}): Screen {
  const { stdout, stderr } = io;
  const { json = false, quiet = false } = options;
  let redact = createRedactor();
  let hide = createRedactor({ knownOnly: true });
  let shown = false;
  // True while the terminal's last line is a part of streamed data, which talk must neither join nor erase.
  let midLine = false;
  const clear = (): void => {
    if (shown) stderr.write("\r\u001B[2K");
    shown = false;
  };
  const endLine = (): void => {
    if (midLine) stdout.write("\n");
    midLine = false;
  };
  return {
    json,
    quiet,
    live: stdout.isTTY && !json,
    interactive: io.canAsk && !json,
    print(text) {
      clear();
      stdout.write(`${rendered(text, stdout, hide)}\n`);
    },
    stream(text) {
      clear();
      stdout.write(harmless(hide(text)));
      if (text !== "") midLine = stdout.isTTY && !text.endsWith("\n");
    },
    printJson(value, form) {
      clear();
      const written = redactedJson(value, hide, stdout.isTTY && form === undefined ? 2 : undefined);
      stdout.write(`${harmlessJson(written)}\n`);
    },
    say(text, when) {
      clear();
      if (quiet && when !== "always") return;
      endLine();
      stderr.write(`${rendered(text, stderr, redact)}\n`);
    },
    progress(text) {
      if (!stderr.erasable || quiet || json || midLine) return;
      clear();
      if (text === "") return;
      stderr.write(harmless(redact(text)).slice(0, Math.max(20, stderr.columns - 1)));
      shown = true;
    },
    protect(secrets) {
      redact = createRedactor({ secrets });
      hide = createRedactor({ secrets, knownOnly: true });
    },
    redact: (text) => redact(text),
    hide: (text) => hide(text),
  };
}

/** Makes every part harmless, and colours it where its stream can show that and the user has nothing against it. */
function rendered(text: Line, { colours }: Output, redact: (text: string) => string): string {
  const parts = piecesOf(text).map((piece) => {
    if (typeof piece !== "object") return harmless(redact(String(piece)));
    const { look } = piece;
    const plain = harmless(redact(piece.text));
    return colours ? styleText(typeof look === "string" ? look : [...look], plain, { validateStream: false }) : plain;
  });
  return parts.join("");
}
