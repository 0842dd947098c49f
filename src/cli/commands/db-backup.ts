import type { Call } from "../command.ts";
import { size } from "../format.ts";
import { line, styled } from "../line.ts";
import { storeDesk } from "../store-desk.ts";

/** Are the options of `atlas db backup`. */
export interface DbBackupOptions {
  readonly portable?: boolean;
}

/** Writes a consistent copy of the store to a new file, while it is used. */
export async function dbBackup(call: Call<DbBackupOptions>): Promise<number> {
  const { args, options, screen, interrupt } = call;
  const desk = await storeDesk(call);
  const report = await desk.backup(args[0] ?? "", {
    portable: options.portable ?? false,
    signal: interrupt.signal,
    progress: (share) => screen.progress(`backup: ${Math.floor(share * 100)} %`),
  });
  screen.progress("");
  const rows = Object.values(report.tables).reduce((sum, count) => sum + count, 0);
  if (screen.json) screen.printJson(report);
  else screen.print(line`${styled("bold", report.path)}: ${rows} rows, ${size(report.sizeBytes)}`);
  return 0;
}
