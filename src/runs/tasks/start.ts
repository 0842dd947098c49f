import { baseErrors, parseSchema, stringifyJson } from "../../base/index.ts";
import type { Statement } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { runErrors } from "../errors.ts";
import type { NewRun, RunSettings, StoredRun } from "../journal.ts";
import type { Ticket } from "../queue/queue.ts";
import type { AnyWorkflow, Dependencies, PlannedRun, StartOptions } from "../run.ts";
import { offer } from "./dependencies.ts";
import type { Dependents } from "./dependencies.ts";
import { readByIds } from "./read-by-ids.ts";
import { checkRetryPolicy, checkStartOptions } from "./start-options.ts";
import type { Turnstile } from "./turnstile.ts";

/** Is a run that was accepted; `isNew` is false when an unfinished run of the same key was found. */
export interface AcceptedRun {
  readonly id: string;
  readonly isNew: boolean;
}

/** Accepts runs: checks their inputs, makes their rows, and begins them here or puts them into their queues. */
export interface Starter {
  /** `also` goes into the commit that accepts the run. */
  start(planned: PlannedRun, also?: readonly Statement[]): Promise<AcceptedRun>;
  /** Accepts all of them in one commit, or none. */
  startMany(planned: readonly PlannedRun[]): Promise<readonly AcceptedRun[]>;
}

/** Is what a starter works with. */
export interface StartParts {
  readonly engine: Engine;
  readonly turnstile: Turnstile;
  readonly dependents: Dependents;
}

/** Is a run that was checked and has no row yet. */
interface Draft {
  readonly run: NewRun;
  readonly workflow: AnyWorkflow;
  readonly options: StartOptions;
  readonly after: Dependencies;
  /** The places in the plan of the runs that it needs. */
  readonly needs: readonly number[];
}

/** Is a draft that gets a row, with what is known of its needs. */
interface Entry {
  readonly draft: Draft;
  readonly openNeeds: readonly string[];
}

const insertNeed = "INSERT INTO run_dependency(run_id, needs_id, on_failure) VALUES(?, ?, ?)";
const noNeeds: Dependencies = { runs: [] };
const maxAttempts = 5;

/** Makes what accepts runs for an engine. */
export function createStarter(parts: StartParts): Starter {
  const { engine, dependents } = parts;
  const accept = async (drafts: readonly Draft[], also: readonly Statement[] = []): Promise<AcceptedRun[]> => {
    const same = samePlaces(drafts);
    for (let attempt = 1; ; attempt++) {
      const existing = attempt === 1 ? new Map<number, StoredRun>() : await findExisting(engine, drafts);
      const idOf = (place: number): string => {
        const first = same[place] ?? place;
        return existing.get(first)?.id ?? drafts[first]?.run.id ?? "";
      };
      const isNew = (place: number): boolean => same[place] === place && !existing.has(place);
      const entries = await openNeeds(engine, drafts, { idOf, isNew });
      if (entries.some((entry) => entry.openNeeds.length > 0)) dependents.expect();
      try {
        await commit(parts, entries, also);
      } catch (cause) {
        // An unfinished run has the key of one of them; one that ended between the two looks leaves the key free again.
        const keyed = drafts.some(({ run }) => run.key !== undefined);
        if (!storageErrors.is(cause, "write_conflict") || !keyed || attempt === maxAttempts) throw cause;
        continue;
      }
      for (const run of existing.values()) await takeUpIfInterrupted(engine, run);
      await lookAtNeeds(engine, dependents, entries);
      return drafts.map((_, place) => ({ id: idOf(place), isNew: isNew(place) }));
    }
  };
  return {
    async start(planned, also = []) {
      const draft = await draftOf(engine, planned, []);
      const { run, workflow } = draft;
      // Nothing else has to do with a run that has neither a key nor a queue.
      if (run.key === undefined && run.status === "running") {
        await engine.begin(run, workflow, (creation) => engine.journal.write([...also, ...creation]));
        return { id: run.id, isNew: true };
      }
      const [accepted] = await accept([draft], also);
      return accepted ?? { id: "", isNew: false };
    },
    async startMany(planned) {
      const { resolvePlan } = await import("./plan.ts");
      const needs = resolvePlan(planned);
      const drafts: Draft[] = [];
      for (const [place, each] of planned.entries()) drafts.push(await draftOf(engine, each, needs[place] ?? []));
      return drafts.length === 0 ? [] : await accept(drafts);
    },
  };
}

async function draftOf(engine: Engine, planned: PlannedRun, needs: readonly number[]): Promise<Draft> {
  const { workflow, input, options = {} } = planned;
  const { key, tags = {}, tenant, queue, after = noNeeds } = options;
  checkStartOptions(options, engine.clock.now());
  if (queue === undefined && needs.length > 0)
    throw baseErrors.create(
      "invalid_input",
      `A run of ${workflow.name} needs others; name the queue that it waits in.`,
    );
  if (workflow.retry) checkRetryPolicy(workflow.retry);
  const what = `input of ${workflow.name}`;
  const read = workflow.input ? await parseSchema(workflow.input, input, what) : input;
  const settings = settingsOf(options);
  const run: NewRun = {
    id: engine.newRunId(),
    workflow: workflow.name,
    version: workflow.version,
    status: queue === undefined ? "running" : "queued",
    owner: queue === undefined ? await engine.owners.own() : undefined,
    input: stringifyJson(read, what),
    key,
    tags,
    tenant,
    ...(settings === undefined ? {} : { options: settings }),
  };
  return { run, workflow, options, after, needs };
}

/** Gives what is kept of the options beside what has a column of its own; undefined when there is nothing. */
function settingsOf({ budget, retry, after }: StartOptions): RunSettings | undefined {
  const needs = after === undefined || after.runs.length === 0 ? undefined : after;
  if (budget === undefined && retry === undefined && needs === undefined) return undefined;
  return {
    ...(budget === undefined ? {} : { budget }),
    ...(retry === undefined ? {} : { retry }),
    ...(needs === undefined ? {} : { after: needs }),
  };
}

/** Gives for each draft the place of the first one with the same key: there is one run for all of them. */
function samePlaces(drafts: readonly Draft[]): readonly number[] {
  const first = new Map<string, number>();
  return drafts.map(({ run: { workflow, tenant, key } }, place) => {
    if (key === undefined) return place;
    const name = JSON.stringify([workflow, tenant, key]);
    if (!first.has(name)) first.set(name, place);
    return first.get(name) ?? place;
  });
}

async function findExisting(engine: Engine, drafts: readonly Draft[]): Promise<Map<number, StoredRun>> {
  const found = new Map<number, StoredRun>();
  for (const [place, { run }] of drafts.entries()) {
    if (run.key === undefined) continue;
    const other = await engine.journal.unfinishedByKey(run.workflow, run.key, run.tenant);
    if (other) found.set(place, other);
  }
  return found;
}

/** Finds which needs of the new runs are not completed. Errors: dependency_unknown. */
async function openNeeds(
  engine: Engine,
  drafts: readonly Draft[],
  { idOf, isNew }: { readonly idOf: (place: number) => string; readonly isNew: (place: number) => boolean },
): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const asked = new Set<string>();
  for (const [place, draft] of drafts.entries()) {
    if (!isNew(place)) continue;
    const needs = [...new Set([...draft.after.runs, ...draft.needs.map(idOf)])];
    for (const id of draft.after.runs) asked.add(id);
    for (const need of draft.needs) if (!isNew(need)) asked.add(idOf(need));
    entries.push({ draft, openNeeds: needs });
  }
  if (asked.size === 0) return entries;
  const { database } = engine.options;
  const rows = await readByIds(database, "SELECT id, status FROM run WHERE id IN (?)", [...asked]);
  const known = new Map(rows.map((row) => [String(row["id"]), String(row["status"])]));
  return entries.map(({ draft, openNeeds: needs }) => {
    for (const id of needs) if (asked.has(id) && !known.has(id)) throw unknownNeed(draft.run.workflow, id);
    return { draft, openNeeds: needs.filter((id) => known.get(id) !== "completed") };
  });
}

function unknownNeed(workflow: string, id: string): Error {
  return runErrors.create(
    "dependency_unknown",
    `A run of ${workflow} depends on the run ${JSON.stringify(id)}, which does not exist.`,
    { details: { needs: id } },
  );
}

/** Writes the rows of all entries in one commit; begins those without a queue, offers those that are queued. */
async function commit(
  { engine, turnstile }: StartParts,
  entries: readonly Entry[],
  also: readonly Statement[],
): Promise<void> {
  const statements: Statement[] = [...also];
  const tickets: Ticket[] = [];
  const queued = entries.filter(({ draft }) => draft.options.queue !== undefined);
  const isReady = ({ draft, openNeeds: needs }: Entry): boolean =>
    needs.length === 0 && draft.options.startAt === undefined;
  const turns = await turnstile.take(queued.filter(isReady).map(({ draft }) => placeOf(draft, 0)));
  let next = 0;
  for (const entry of queued) {
    const { draft, openNeeds: needs } = entry;
    const place = placeOf(draft, isReady(entry) ? (turns[next++] ?? 0) : 0);
    const status = needs.length > 0 ? "blocked" : "queued";
    statements.push(...engine.journal.creation({ ...draft.run, status, place }));
    const policy = draft.after.onFailure ?? "fail";
    for (const id of needs) statements.push({ sql: insertNeed, params: [draft.run.id, id, policy], commutes: true });
    const { id: runId, workflow } = draft.run;
    if (status === "queued") tickets.push({ runId, epoch: 0, workflow, ...place });
  }
  await write(
    engine,
    entries.flatMap(({ draft }) => (draft.options.queue === undefined ? [draft] : [])),
    statements,
  );
  await offer(engine, tickets);
}

function placeOf({ run, options }: Draft, turn: number) {
  const { queue = "", priority = 0, startAt } = options;
  return { queue, tenant: run.tenant, priority, turn, dueAt: startAt };
}

/** Begins the runs that go at once: each brings its own statements, and the last one makes the commit for all. */
async function write(engine: Engine, atOnce: readonly Draft[], statements: readonly Statement[]): Promise<void> {
  engine.assertOpen();
  if (atOnce.length === 0) return statements.length === 0 ? undefined : await engine.journal.write(statements);
  const all = [...statements];
  const written = Promise.withResolvers<void>();
  let missing = atOnce.length;
  const begun = atOnce.map(({ run, workflow }) =>
    engine
      .begin(run, workflow, (creation) => {
        all.push(...creation);
        if (--missing === 0) engine.journal.write(all).then(written.resolve, written.reject);
        return written.promise;
      })
      .catch((cause: unknown) => {
        written.reject(cause);
        throw cause;
      }),
  );
  await Promise.all(begun);
}

/** Needs may have ended while the rows were written: whoever ended them did not see these runs yet. */
async function lookAtNeeds(engine: Engine, dependents: Dependents, entries: readonly Entry[]): Promise<void> {
  const made = new Set(entries.map(({ draft }) => draft.run.id));
  const ids = entries.flatMap(({ draft, openNeeds: needs }) =>
    needs.every((id) => made.has(id)) ? [] : [draft.run.id],
  );
  if (entries.some((entry) => entry.openNeeds.length > 0)) dependents.expect();
  if (ids.length === 0) return;
  engine.notify();
  await dependents.examine(ids).catch((error: unknown) => engine.warn("new blocked runs not looked at yet", error));
}

async function takeUpIfInterrupted(engine: Engine, run: StoredRun): Promise<void> {
  // What came through a queue is the workers' to take up.
  if (run.queue !== undefined || !(await engine.isInterrupted(run))) return;
  try {
    await engine.takeUp(run);
  } catch (error) {
    if (!runErrors.is(error, "run_owned")) throw error;
  }
}
