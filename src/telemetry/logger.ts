import type { Clock, JsonValue } from "../base/index.ts";
import { systemClock } from "../base/index.ts";

/** Orders the severities of log lines. */
export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;

/** Is a severity; `silent` writes nothing. */
export type LogLevel = (typeof logLevels)[number];

/** Is what a log line says beside its message. */
export type LogFields = { readonly [key: string]: JsonValue | undefined };

/** Writes structured log lines. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Makes a logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

/** Holds the options of `createLogger`. */
export interface LoggerOptions {
  readonly level?: LogLevel;
  /** `json` is one object a line; `pretty` is for people. */
  readonly format?: "json" | "pretty";
  /** Takes each finished line, without its newline. */
  readonly write: (line: string) => void;
  /** Takes secrets out of a text: a whole line that is pretty, each name and value of one that is JSON, which stays JSON. */
  readonly redact?: (text: string) => string;
  readonly clock?: Clock;
}

/** Makes a logger. Cost: a line below the level costs one comparison. */
export function createLogger(options: LoggerOptions): Logger {
  const { level = "info", format = "json", write, redact = (text) => text, clock = systemClock } = options;
  const threshold = logLevels.indexOf(level);
  const make = (bound: LogFields): Logger => {
    const at =
      (name: LogLevel) =>
      (message: string, fields?: LogFields): void => {
        if (logLevels.indexOf(name) < threshold) return;
        const time = new Date(clock.now()).toISOString();
        const all = { ...bound, ...fields };
        const head = { time, level: name, message };
        const line =
          format === "json"
            ? escaped(JSON.stringify({ ...head, ...all, ...head }, redacting(redact)))
            : redact(`${time.slice(11, 23)} ${name.padEnd(5)} ${escaped(message)}${prettyFields(all)}`);
        write(line);
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

/** Makes a replacer that takes secrets out of names and values, and what stands under the name of a credential. */
function redacting(redact: (text: string) => string): (name: string, value: unknown) => unknown {
  return (name, value) => {
    if (typeof value === "string" || typeof value === "number") {
      const probe = redact(`${name}=placeholder`);
      if (!probe.endsWith("placeholder")) return probe.slice(probe.lastIndexOf("=") + 1);
      const clean = redact(String(value));
      return clean === String(value) ? value : clean;
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]: [string, unknown]) => [redact(key), item]));
  };
}

function prettyFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${escaped(key)}=${prettyValue(value)}`)
    .join("");
}

function prettyValue(value: JsonValue | undefined): string {
  return typeof value === "string" && !/[\s\p{Cc}"]/u.test(value) ? value : escaped(JSON.stringify(value));
}

/** Writes control characters as escapes: what is logged neither begins a line nor steers a terminal. */
function escaped(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Writes nothing. */
export const silentLogger: Logger = createLogger({ level: "silent", write: () => {} });
