import { pauseChildren } from "./pause.ts";
import type { PauseHost } from "./pause.ts";
import { cancelledError } from "./refusals.ts";

/** Does what others asked, in the database, of the runs that are executed here: cancels them, holds them, lets them go on. */
export async function obeyControls(engine: PauseHost, owner: string): Promise<void> {
  const before = new Map([...engine.executions].map(([id, { gate }]) => [id, gate.changes]));
  const asked = await engine.journal.controls(owner);
  for (const [id, { control }] of asked) {
    if (control !== undefined) engine.executions.get(id)?.abort(cancelledError(id, control));
  }
  for (const [id, { gate }] of engine.executions) {
    const isPaused = asked.get(id)?.paused ?? false;
    // What changed since the look is newer than what it saw; the next look tells.
    if (gate.isClosed === isPaused || before.get(id) !== gate.changes) continue;
    if (!isPaused) gate.open();
    else {
      gate.close();
      await pauseChildren(engine, id);
    }
  }
}
