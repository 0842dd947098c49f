import type { Call } from "../command.ts";
import { line, styled } from "../line.ts";
import { flagsOf } from "../open.ts";

/** Shows settings with their values and where these come from. Secrets are masked. Opens no database. */
export async function configExplain({ args, options, io, screen }: Call): Promise<number> {
  const { loadSettings } = await import("../../app/index.ts");
  const settings = await loadSettings({
    directory: io.directory,
    environment: io.environment,
    flags: flagsOf(options),
    profile: options.profile,
  });
  screen.protect(settings.secrets);
  const found = settings.explain(args[0]);
  if (screen.json) {
    const { file = null, userFile = null, profile = null, directory, warnings } = settings;
    screen.printJson({ directory, file, userFile, profile, warnings, settings: found });
    return 0;
  }
  const width = Math.max(...found.map(({ key }) => key.length));
  for (const { key, value, origin, overridden, variable, description } of found) {
    const shown = value === null ? "—" : JSON.stringify(value);
    screen.print(line`${key.padEnd(width)}  ${styled("bold", shown)}  ${styled("dim", `(${origin})`)}`);
    if (args[0] !== key) continue;
    for (const other of overridden)
      screen.print(`${" ".repeat(width)}  overrides ${JSON.stringify(other.value)} (${other.origin})`);
    screen.print(`${" ".repeat(width)}  ${description} Variable: ${variable}`);
  }
  for (const warning of settings.warnings) screen.say([styled("yellow", warning)], "always");
  return 0;
}
