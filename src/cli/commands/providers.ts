import type { Candidate } from "../../providers/index.ts";
import type { CheckedProvider } from "../check-provider.ts";
import { checkProvider, exitCodeOf } from "../check-provider.ts";
import type { Call } from "../command.ts";
import { count } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import type { OfferedGroup } from "../offered.ts";
import { offered } from "../offered.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas providers`. */
export interface ProvidersOptions {
  readonly check?: boolean;
}

type Checked = Candidate & {
  readonly check?: { readonly ok: boolean; readonly models?: number; readonly error?: string };
};

/** Shows which models can be used here and why, and which one is taken when none is named. */
export async function providers(call: Call<ProvidersOptions>): Promise<number> {
  const { options, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const { candidates, groups, used } = await offered(atlas, interrupt.signal);
  const { model } = atlas.settings.values;
  const found = new Map<string, CheckedProvider>();
  screen.progress(options.check === true ? "Asking the providers for their models …" : "");
  const checked: readonly Checked[] = await Promise.all(
    candidates.map(async (candidate) => {
      if (options.check !== true || !candidate.usable) return candidate;
      const each = await checkProvider(atlas, candidate.provider, interrupt.signal);
      found.set(candidate.provider, each);
      const { ok, models, problem } = each;
      return { ...candidate, check: ok ? { ok, models: models.length } : { ok, error: problem ?? "" } };
    }),
  );
  screen.progress("");
  if (screen.json)
    screen.printJson({ used, origin: atlas.settings.explain("model")[0]?.origin, candidates: checked, groups });
  else {
    for (const candidate of checked) show(candidate, call);
    for (const each of groups) showGroup(each, call);
    const origin = model === "auto" ? "" : ` (${atlas.settings.explain("model")[0]?.origin ?? ""})`;
    screen.print(line`\nUsed when none is named: ${styled("bold", used)}${origin}`);
    if (used.startsWith("offline/"))
      screen.say("The offline model quotes documents; set a provider's key or start Ollama for a model that writes.");
  }
  return exitCodeOf([...found.values()]);
}

function showGroup({ group, members, strategy, usable, problem }: OfferedGroup, { screen }: Call): void {
  const mark = usable ? styled("green", "ok") : styled("dim", "--");
  const how = `${members.join(", ")} by ${strategy}`;
  screen.print(line`${mark} ${styled("bold", `group:${group}`)}: ${oneLine(how, 200)}`);
  if (problem !== undefined) screen.print(line`     ${styled("dim", oneLine(problem, 400))}`);
}

function show(candidate: Checked, { screen }: Call): void {
  const { provider, model, reason, problem, check: found } = candidate;
  const mark = candidate.usable ? styled("green", "ok") : styled("dim", "--");
  const name = model === null ? "" : ` ${oneLine(model, 40)}`;
  screen.print(line`${mark} ${styled("bold", provider)}${name}: ${oneLine(reason)}`);
  if (problem !== undefined) screen.print(line`     ${styled("dim", oneLine(problem))}`);
  if (found?.ok === true) screen.print(`     answers; offers ${count(found.models ?? 0, "model")}`);
  else if (found !== undefined) {
    const why = oneLine(screen.redact(found.error ?? ""), 300);
    screen.print(line`     ${styled("red", `cannot be used or asked: ${why}`)}`);
  }
}
