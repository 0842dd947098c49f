import type { LoadedSettings, SettingsSources } from "./settings.ts";

/**
 * Loads the settings. Later sources win, setting by setting: defaults, the user's file, the project's file, their sections of
 * the profile, `.env`, environment, overrides, flags. Relative paths count from the file that holds them.
 *
 * Errors: settings_invalid (all that is wrong, each with key, place and fix), settings_unreadable.
 */
export async function loadSettings(sources?: SettingsSources): Promise<LoadedSettings> {
  const settings = await import("./settings.ts");
  return await settings.loadSettings(sources);
}
