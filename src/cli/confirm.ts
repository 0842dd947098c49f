import type { Call } from "./command.ts";
import { cliErrors } from "./errors.ts";

/** Refuses to destroy anything without `--yes`. Errors: usage, saying what would be destroyed. */
export function requireYes({ options }: Call<{ readonly yes?: boolean }>, what: string): void {
  if (options.yes !== true) throw cliErrors.create("usage", `This ${what}. Say so with --yes.`);
}
