import { toAtlasError } from "../base/index.ts";
import { harmless } from "./harmless.ts";
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
    const plain = JSON.parse(screen.redact(JSON.stringify({ ...details, error: failure }))) as object;
    screen.printJson(plain);
  } else {
    const where = details.runId === undefined ? "" : ` (${details.runId})`;
    screen.say(`${screen.style(["red", "bold"], "Error")}${where}: ${harmless(failure.message)}`, "always");
    // A message about the command line names the help that fits best itself.
    if (!failure.message.includes(failure.fix) && failure.code !== "usage")
      screen.say(`${screen.style("dim", "→")} ${harmless(failure.fix)}`, "always");
    screen.say(screen.style("dim", `  code: ${failure.code}`), "always");
  }
  return failure.exitCode;
}
