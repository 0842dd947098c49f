import type { KeyCheck } from "../../providers/index.ts";
import { checkKey } from "../../providers/index.ts";
import { toAtlasError } from "../../base/index.ts";
import type { Call } from "../command.ts";
import { count } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

type Checked = KeyCheck & { readonly provider: string };

/** Asks providers whether they can be reached and take the key: those that are named, or all that are usable here. Never generates. */
export async function providersCheck(call: Call): Promise<number> {
  const { args, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const { signal } = interrupt;
  const { candidates } = args.length > 0 ? { candidates: [] } : await atlas.models.detect(signal);
  const names = args.length > 0 ? args : candidates.flatMap(({ usable, provider }) => (usable ? [provider] : []));
  screen.progress("Asking the providers for their models …");
  const checked = await Promise.all(
    [...new Set(names)].map(async (provider): Promise<Checked> => {
      try {
        return { provider, ...(await checkKey(await atlas.models.providers.get(provider), { signal })) };
      } catch (error) {
        const { code, message, fix } = toAtlasError(error);
        return { provider, ok: false, keyRefused: false, code, problem: `${message} ${fix}`, models: [] };
      }
    }),
  );
  screen.progress("");
  if (screen.json) screen.printJson({ checked });
  else for (const each of checked) show(each, call);
  return checked.every(({ ok }) => ok) ? 0 : 3;
}

function show({ provider, ok, problem, models }: Checked, { screen }: Call): void {
  if (ok) {
    screen.print(line`${styled("green", "ok")} ${styled("bold", provider)}: offers ${count(models.length, "model")}`);
  } else {
    const why = oneLine(screen.redact(problem ?? ""), 400);
    screen.print(line`${styled("red", "--")} ${styled("bold", provider)}: ${why}`);
  }
}
