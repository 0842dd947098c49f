import { toAtlasError } from "../../base/index.ts";
import type { Candidate } from "../../providers/index.ts";
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

type CheckResult = NonNullable<Checked["check"]> & { readonly exitCode: number };

/** Shows which models can be used here and why, and which one is taken when none is named. */
export async function providers(call: Call<ProvidersOptions>): Promise<number> {
  const { options, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const { candidates, groups, used } = await offered(atlas, interrupt.signal);
  const { model } = atlas.settings.values;
  let exitCode = 0;
  const list = (name: string): Promise<readonly string[]> =>
    atlas.models.providers.get(name).then((provider) => provider.listModels({ signal: interrupt.signal }));
  screen.progress(options.check === true ? "Asking the providers for their models …" : "");
  const checked: readonly Checked[] = await Promise.all(
    candidates.map(async (candidate) => {
      if (options.check !== true || !candidate.usable) return candidate;
      const { exitCode: code, ...found } = await check(candidate, list);
      // A key that was refused is said before all else that is wrong.
      exitCode = Math.max(exitCode, code);
      return { ...candidate, check: found };
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
  return exitCode;
}

async function check(
  { provider }: Candidate,
  list: (name: string) => Promise<readonly string[]>,
): Promise<CheckResult> {
  try {
    return { ok: true, models: (await list(provider)).length, exitCode: 0 };
  } catch (error) {
    const { message, fix, code, exitCode } = toAtlasError(error);
    return { ok: false, error: `${message} ${fix}`, exitCode: code === "provider_unsupported" ? 0 : exitCode };
  }
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
    screen.print(line`     ${styled("red", `does not work: ${why}`)}`);
  }
}
