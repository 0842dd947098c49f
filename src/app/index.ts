export { appErrors } from "./errors.ts";
export type { AgentStartOptions, Atlas, AtlasOptions } from "./atlas.ts";
export { createAtlas } from "./create-atlas.ts";
export type { Models } from "./models.ts";
export { nearest } from "./nearest.ts";
export { loadSettings } from "./load-settings.ts";
export type { LoadedSettings, SettingExplanation, Settings, SettingsInput, SettingsSources } from "./settings.ts";
export type { BudgetStatus, Spending, SpendingEntry } from "./spending.ts";
