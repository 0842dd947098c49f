import type { Call } from "../command.ts";
import { storeDesk } from "../store-desk.ts";
import { showStatus } from "./db-status.ts";

/** Brings the schemas of the store up to date and shows how it is then. */
export async function dbMigrate(call: Call): Promise<number> {
  const status = await (await storeDesk(call)).migrate();
  showStatus(status, call);
  return 0;
}
