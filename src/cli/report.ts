import { toAtlasError } from "../base/index.ts";
import { redactedJson } from "../security/index.ts";
import { line, styled } from "./line.ts";
import type { Screen } from "./screen.ts";

/** Is what is told beside an error. */
export interface FailureDetails {
  readonly runId?: string;
  readonly status?: string;
}

/** Tells the user what failed and what to do: as JSON on stdout, otherwise in words on stderr. Gives the exit code. */
export function failWith(error: unknown, screen: Screen, details: FailureDetails = {}): number {
  const failure = toAtlasError(error);
  if (screen.json) {
    const plain = redactedJson({ ...details, error: failure }, (text) => screen.redact(text));
    screen.printJson(JSON.parse(plain) as object);
  } else {
    const where = details.runId === undefined ? "" : ` (${details.runId})`;
    // No text in a message, such as the name of a file, begins a line.
    const message = failure.message.replaceAll(/\n(?! )/g, "\n  ");
    screen.say(line`${styled(["red", "bold"], "Error")}${where}: ${message}`, "always");
    // A message about the command line names the help that fits best itself.
    if (!failure.message.includes(failure.fix) && failure.code !== "usage")
      screen.say(line`${styled("dim", "→")} ${failure.fix}`, "always");
    screen.say([styled("dim", `  code: ${failure.code}`)], "always");
  }
  return failure.exitCode;
}
