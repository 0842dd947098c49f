import type { StoreStatus } from "../../app/index.ts";
import type { Call } from "../command.ts";
import { size } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { storeDesk } from "../store-desk.ts";

/** Shows where the store is, how large, of which version, and what is in it. */
export async function dbStatus(call: Call): Promise<number> {
  const status = await (await storeDesk(call)).status();
  showStatus(status, call);
  return 0;
}

/** Prints the status of a store. */
export function showStatus(status: StoreStatus, { screen }: Call): void {
  if (screen.json) return screen.printJson(status);
  const { storage, exists, sizeBytes, versions, tables, owners, queues } = status;
  if (!exists) return screen.print(line`${styled("bold", storage)}: not there yet; the first run makes it`);
  screen.print(line`${styled("bold", storage)}: ${size(sizeBytes)}`);
  for (const [domain, { found, known }] of Object.entries(versions)) {
    const behind =
      known === undefined || known === found ? "" : known > found ? `, behind ${known}` : `, newer than ${known}`;
    screen.print(line`schema ${oneLine(domain, 64)}: version ${found}${behind}`);
  }
  for (const [table, rows] of Object.entries(tables)) screen.print(line`${oneLine(table, 64)}: ${rows} rows`);
  screen.print(line`engines: ${owners.alive} alive of ${owners.known}`);
  for (const [queue, counts] of Object.entries(queues)) {
    const parts = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
    screen.print(line`queue ${oneLine(queue, 64)}: ${parts.join(", ")}`);
  }
}
