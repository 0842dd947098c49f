import type { StoreDesk } from "../app/index.ts";
import type { Call } from "./command.ts";
import { flagsOf } from "./open.ts";

/** Gives the desk of the store that a command is about; nothing is opened yet. */
export async function storeDesk({ options, io, screen }: Call): Promise<StoreDesk> {
  const { loadSettings, openStoreDesk } = await import("../app/index.ts");
  const { directory, environment } = io;
  const settings = await loadSettings({ directory, environment, flags: flagsOf(options), profile: options.profile });
  screen.protect(settings.secrets);
  return await openStoreDesk(settings);
}
