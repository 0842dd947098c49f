import { styleText } from "node:util";
import { createRedactor } from "../security/index.ts";
import type { Secret } from "../security/index.ts";
import { harmless } from "./harmless.ts";
import type { CliIo } from "./io.ts";

/** Is a look of text. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Are the wishes of the user about what is shown. */
export interface ScreenOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** Writes data to stdout and talk to stderr, as terminal and wishes allow. */
export interface Screen {
  readonly json: boolean;
  readonly quiet: boolean;
  /** True when answers are shown while they are made. */
  readonly live: boolean;
  readonly interactive: boolean;
  /** Writes data, whole lines. */
  print(text: string): void;
  /** Writes a part of a line of data. */
  stream(text: string): void;
  /** Writes one JSON value on one line of its own. */
  printJson(value: unknown): void;
  /** Writes a line for people; with `--quiet` only what must `always` be said: problems. */
  say(text: string, when?: "always"): void;
  /** Shows what is going on in one line that replaces itself; only on a terminal. An empty text removes it. */
  progress(text: string): void;
  /** Styles a text that is meant for stdout or stderr. */
  style(look: Style | readonly Style[], text: string, stream?: "stdout" | "stderr"): string;
  /** Keeps these secrets out of everything that is said from now on. */
  protect(secrets: readonly Secret[]): void;
  redact(text: string): string;
}

/** Makes the screen of a command. */
export function createScreen(io: CliIo, options: ScreenOptions = {}): Screen {
  const { stdout, stderr } = io;
  const { json = false, quiet = false } = options;
  let redact = createRedactor();
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
  const safe = (text: string): string => (stdout.isTTY ? harmless(text) : text);
  return {
    json,
    quiet,
    live: stdout.isTTY && !json,
    interactive: io.canAsk && !json,
    print(text) {
      clear();
      stdout.write(`${text}\n`);
    },
    stream(text) {
      clear();
      stdout.write(safe(text));
      if (text !== "") midLine = stdout.isTTY && !text.endsWith("\n");
    },
    printJson(value) {
      clear();
      stdout.write(`${safe(JSON.stringify(value, undefined, stdout.isTTY ? 2 : undefined))}\n`);
    },
    say(text, when) {
      clear();
      if (quiet && when !== "always") return;
      endLine();
      stderr.write(`${redact(text)}\n`);
    },
    progress(text) {
      if (!stderr.isTTY || quiet || json || midLine) return;
      clear();
      if (text === "") return;
      stderr.write(harmless(redact(text)).slice(0, Math.max(20, stderr.columns - 1)));
      shown = true;
    },
    style: createStyle(io),
    protect(secrets) {
      redact = createRedactor({ secrets });
    },
    redact: (text) => redact(text),
  };
}

/** Colours text where its stream is a terminal that can show it and the user has nothing against it. */
function createStyle({ stdout, stderr }: CliIo): Screen["style"] {
  return (look, text, stream = "stderr") => {
    if (!(stream === "stdout" ? stdout : stderr).colours) return text;
    return styleText(typeof look === "string" ? look : [...look], text, { validateStream: false });
  };
}
