import type { Atlas, AtlasOptions, SettingsInput } from "../app/index.ts";
import type { Call, CommonOptions } from "./command.ts";

/** Says how a command opens Atlas. */
export interface OpenOptions extends Pick<AtlasOptions, "worker" | "recover" | "telemetry"> {
  readonly maxSteps?: number | undefined;
}

/**
 * Opens Atlas for a command: the settings of the folder, and what the options overrule. Unless the command says so, nothing is
 * taken up and nothing is taken from queues.
 */
export async function openAtlas(
  { options, io, screen }: Call,
  { maxSteps, ...open }: OpenOptions = {},
): Promise<Atlas> {
  const { createAtlas, loadSettings } = await import("../app/index.ts");
  const { directory, environment } = io;
  const flags = flagsOf(options, maxSteps);
  const settings = await loadSettings({ directory, environment, flags, profile: options.profile });
  screen.protect(settings.secrets);
  return await createAtlas({ settings, recover: false, worker: false, ...open });
}

/** Gives the settings that the options of every command overrule. */
export function flagsOf({ storage }: CommonOptions, maxSteps?: number): SettingsInput {
  return {
    ...(storage === undefined ? {} : { storage }),
    ...(maxSteps === undefined ? {} : { limits: { maxSteps } }),
  };
}
