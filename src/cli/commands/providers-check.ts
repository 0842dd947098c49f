import type { KeyCheck } from "../../providers/index.ts";
import { checkKey } from "../../providers/index.ts";
import { toAtlasError } from "../../base/index.ts";
import type { Call } from "../command.ts";
import { count } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import type { Offered } from "../offered.ts";
import { offered } from "../offered.ts";
import { openAtlas } from "../open.ts";

type Checked = KeyCheck & { readonly provider: string };

/** Is what a failure that says nothing about the key ends the command with. */
const failed = 1;
const refused = 3;

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
  const checked = await Promise.all(
    [...new Set(names)].map(async (provider): Promise<Checked> => {
      try {
        return { provider, ...(await checkKey(await atlas.models.providers.get(provider), { signal })) };
      } catch (error) {
        const { code, message, fix } = toAtlasError(error);
        if (code === "provider_unknown" || signal.aborted) throw error;
        return { provider, ok: false, keyRefused: false, code, problem: `${message} ${fix}`, models: [] };
      }
    }),
  );
  screen.progress("");
  if (screen.json) screen.printJson({ checked });
  else for (const each of checked) show(each, call);
  if (checked.some(({ keyRefused }) => keyRefused)) return refused;
  return checked.every((each) => each.ok || cannotBeAsked(each)) ? 0 : failed;
}

function usableOf({ candidates }: Offered): readonly string[] {
  return candidates.flatMap(({ usable, provider }) => (usable ? [provider] : []));
}

/** Tells whether a provider has no list of models: that says nothing about its key, so it is no failure. */
function cannotBeAsked({ code }: Checked): boolean {
  return code === "provider_unsupported";
}

function show(each: Checked, { screen }: Call): void {
  const { provider, ok, problem, models } = each;
  if (ok) {
    screen.print(line`${styled("green", "ok")} ${styled("bold", provider)}: offers ${count(models.length, "model")}`);
    return;
  }
  const why = oneLine(screen.redact(problem ?? ""), 400);
  const mark = cannotBeAsked(each) ? styled("dim", "??") : styled("red", "--");
  screen.print(line`${mark} ${styled("bold", provider)}: ${why}`);
}
