import type { Call } from "../command.ts";
import { line, styled } from "../line.ts";
import { storeDesk } from "../store-desk.ts";

/** Restores a backup into a store that holds nothing yet, whole or not at all. */
export async function dbRestore(call: Call): Promise<number> {
  const { args, screen, interrupt } = call;
  const report = await (await storeDesk(call)).restore(args[0] ?? "", interrupt.signal);
  const rows = Object.values(report.tables).reduce((sum, count) => sum + count, 0);
  const made = new Date(report.createdAt).toISOString();
  if (screen.json) screen.printJson(report);
  else screen.print(line`${styled("bold", report.path)}: ${rows} rows restored, as they were at ${made}`);
  return 0;
}
