import type { Atlas, SettingsInput } from "../app/index.ts";
import type { Call, CommonOptions } from "./command.ts";

/** Opens Atlas for a command: the settings of the folder, what the options overrule, and no run taken up unasked. */
export async function openAtlas(
  { options, io, screen }: Call,
  limits: { readonly maxSteps?: number | undefined } = {},
): Promise<Atlas> {
  const { createAtlas, loadSettings } = await import("../app/index.ts");
  const { directory, environment } = io;
  const flags = flagsOf(options, limits.maxSteps);
  const settings = await loadSettings({ directory, environment, flags, profile: options.profile });
  screen.protect(settings.secrets);
  return await createAtlas({ settings, recover: false });
}

/** Gives the settings that the options of every command overrule. */
export function flagsOf({ storage }: CommonOptions, maxSteps?: number): SettingsInput {
  return {
    ...(storage === undefined ? {} : { storage }),
    ...(maxSteps === undefined ? {} : { limits: { maxSteps } }),
  };
}
