import type { CheckedProvider } from "../check-provider.ts";
import { cannotBeAsked, checkProvider, exitCodeOf } from "../check-provider.ts";
import type { Call } from "../command.ts";
import { count } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import type { Offered } from "../offered.ts";
import { offered } from "../offered.ts";
import { openAtlas } from "../open.ts";

/**
 * Asks providers whether they can be reached and take the key: those that are named, or all that are usable here. Never generates.
 *
 * Errors: provider_unknown for a name that is none; what a provider comes to is no error but shown.
 */
export async function providersCheck(call: Call): Promise<number> {
  const { args, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const { signal } = interrupt;
  const names = args.length > 0 ? args : usableOf(await offered(atlas, signal));
  screen.progress("Asking the providers for their models …");
  const checked = await Promise.all([...new Set(names)].map((name) => checkProvider(atlas, name, signal)));
  screen.progress("");
  if (screen.json) screen.printJson({ checked });
  else for (const each of checked) show(each, call);
  return exitCodeOf(checked);
}

function usableOf({ candidates }: Offered): readonly string[] {
  return candidates.flatMap(({ usable, provider }) => (usable ? [provider] : []));
}

function show(each: CheckedProvider, { screen }: Call): void {
  const { provider, ok, problem, models } = each;
  if (ok) {
    screen.print(line`${styled("green", "ok")} ${styled("bold", provider)}: offers ${count(models.length, "model")}`);
    return;
  }
  const why = oneLine(screen.redact(problem ?? ""), 400);
  const mark = cannotBeAsked(each) ? styled("dim", "??") : styled("red", "--");
  screen.print(line`${mark} ${styled("bold", provider)}: ${why}`);
}
