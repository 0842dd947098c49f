import { isJsonObject } from "../base/index.ts";
import type { RunEvent } from "./run.ts";

/**
 * Is the form in which this program writes logs: the first entry of a run names it. Logs that name none are of form 1 (before there
 * were queues), and so is what is read from a checkpoint on. Raised when entries that are there must be read in another way.
 */
export const logForm = 2;

/** Changes entries of one type that were written in an older form than `below` into what they would be now. */
interface Upcaster {
  readonly type: string;
  readonly below: number;
  readonly change: (event: RunEvent) => RunEvent;
}

/**
 * Order: from the oldest form on, so that an entry passes through each form that came after its own. A run that was begun by an
 * older program may be gone on with by this one, so a change leaves alone what is in the new form already.
 */
const upcasters: readonly Upcaster[] = [
  {
    // The announcement of a step named its step in its data alone; without a key it would count among what the function emitted,
    // and the first event that the function emits after a crash would be taken for told.
    type: "step.started",
    below: 2,
    change: (event) => {
      const key = event.key ?? (isJsonObject(event.data) ? event.data["key"] : undefined);
      return typeof key === "string" ? { ...event, key } : event;
    },
  },
];

/** Makes what reads a log, entry by entry in its order: gives each as this program would have written it. */
export function createUpcaster(): (event: RunEvent) => RunEvent {
  let form = 1;
  return (event) => {
    form = formOf(event) ?? form;
    if (form >= logForm) return event;
    return upcasters.reduce(
      (now, { type, below, change }) => (form < below && now.type === type ? change(now) : now),
      event,
    );
  };
}

function formOf({ type, data }: RunEvent): number | undefined {
  if (type !== "run.started" || !isJsonObject(data)) return undefined;
  return typeof data["form"] === "number" ? data["form"] : undefined;
}
