import type { Call } from "../command.ts";
import { size } from "../format.ts";
import { line, styled } from "../line.ts";
import { storeDesk } from "../store-desk.ts";

/** Reads the whole store and checks that it is sound. Fails when it is not. */
export async function dbCheck(call: Call): Promise<number> {
  const { screen } = call;
  const { sizeBytes, problems } = await (await storeDesk(call)).check();
  if (screen.json) screen.printJson({ ok: problems.length === 0, sizeBytes, problems });
  else if (problems.length === 0) screen.print(line`${styled("bold", "sound")}: ${size(sizeBytes)} read`);
  else for (const problem of problems) screen.print(line`${styled("red", "problem")}: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}
